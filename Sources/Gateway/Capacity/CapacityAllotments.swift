import Ledger
import Logging
import Quota
import ServiceLifecycle
import Synchronization

/// Keeps this gateway's part of upstream's room what it should be where several share a ledger, and books its creates.
///
/// Twice a second, and as soon as a call waits, it looks at what the others have and want. Where that says that it should have
/// less it uses less at once, and then says so in the ledger; where it should have more it says so first. While the ledger
/// cannot be reached it keeps what it has, until others may take it for dead.
final class CapacityAllotments: Service {
    private let ledger: Ledger
    private let slots: UpstreamSlots
    private let logger: Logger
    /// Gateways that are gone, whose parts are to be given back.
    private let toGiveBack = Mutex<Set<Int64>>([])

    /// Between two looks at least.
    private static let gap = Duration.milliseconds(25)
    /// Between two looks while a call waits.
    private static let rhythm = Duration.milliseconds(100)
    /// Between two looks, and between two writes that say nothing but what is wanted.
    private static let longestGap = Duration.milliseconds(500)

    init(ledger: Ledger, slots: UpstreamSlots, logger: Logger) {
        self.ledger = ledger
        self.slots = slots
        self.logger = logger
    }

    private var isNeeded: Bool {
        slots.isShared && (slots.whole.sandboxes != nil || slots.whole.creates != nil)
    }

    /// All that these left upstream has been found, and is held here.
    func lookedAfter(_ gone: Set<Int64>) {
        guard !gone.isEmpty else { return }
        toGiveBack.withLock { $0.formUnion(gone) }
        slots.want()
    }

    func run() async throws {
        guard isNeeded else {
            try? await gracefulShutdown()
            return
        }
        await cancelWhenGracefulShutdown { await self.keepUp() }
        await leave()
    }

    private func keepUp() async {
        await withDiscardingTaskGroup { group in
            group.addTask { await self.keepTime() }
            var writtenAt = Moment(nanoseconds: 0)
            for await _ in slots.wants {
                do throws(LedgerFailure) {
                    if try await look(writtenAt: writtenAt) { writtenAt = Moment.uptime() }
                } catch {
                    logger.debug(
                        "the part of upstream's room stays as it is", metadata: ["reason": "\(error)"])
                }
                try? await Task.sleep(for: Self.gap)
            }
        }
    }

    private func keepTime() async {
        var last = ContinuousClock.now - Self.longestGap
        repeat {
            guard slots.load.waiting > 0 || ContinuousClock.now - last >= Self.longestGap else { continue }
            last = .now
            slots.want()
        } while (try? await Task.sleep(for: Self.rhythm)) != nil
    }

    /// Looks what this gateway should have, and sees that it has it.
    ///
    /// - Returns: whether it wrote.
    private func look(writtenAt: Moment) async throws(LedgerFailure) -> Bool {
        let (asked, demand, whole) = (Moment.uptime(), slots.demand(), slots.whole)
        let room = try await ledger.room()
        slots.gatewaysChanged(to: room.place)
        let allotment = whole.sandboxes.map { room.allotment(of: $0, for: demand) }
        let own = room.own?.slots ?? 0
        let use = slots.limited(to: allotment?.bounded(by: own), until: asked + room.livesFor)

        let wanted = demand.clamped(to: whole.sandboxes ?? 0)
        let isNews = room.own.map { part in
            let isShort = CapacityPart(slots: part.slots, demand: wanted).isShort
            return part.demand != wanted && (isShort != part.isShort || asked - writtenAt >= Self.longestGap)
        }
        let gone = toGiveBack.withLock(\.self)
        let isWrong = allotment.map { max($0.slots, use.claimed) != own } ?? false
        guard isNews ?? true || isWrong || use.creates?.wanted ?? 0 > 0 || !gone.isEmpty else {
            slots.demandMet()
            return false
        }
        try await claim(
            RoomClaim(
                whole: whole.sandboxes, demand: demand, claimed: use.claimed, creates: use.creates, lookedAfter: gone))
        return true
    }

    private func claim(_ claim: RoomClaim) async throws(LedgerFailure) {
        let asked = Moment.uptime()
        let grant = try await ledger.claimRoom(claim)
        toGiveBack.withLock { $0.subtract(claim.lookedAfter) }
        // From now on, not from when it was asked: by the database's clock they are not earlier.
        let now = Moment.uptime()
        slots.allotted(
            claim.whole.map { _ in grant.allotment }, until: asked + grant.room.livesFor,
            creates: grant.creates.map { now + $0 })
    }

    /// Gives back what is not in use, so that nobody has to look after it.
    private func leave() async {
        let whole = slots.whole.sandboxes, nothing = whole.map { _ in CapacityAllotment.nothing }
        let left = slots.limited(to: nothing, until: Moment.uptime()).claimed
        let demand = CapacityDemand(held: left, needed: left, wished: left)
        var claim = RoomClaim(whole: whole, demand: demand, claimed: left)
        claim.isLeaving = true
        // In vain only while the ledger is down; the others look after it then.
        _ = try? await ledger.claimRoom(claim)
    }
}
