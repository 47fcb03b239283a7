import E2BUpstream
import Ledger
import Logging
import ServiceLifecycle
import Synchronization

/// Compares what upstream has with what the ledger knows, so that nothing runs on that nobody pays for, and nobody waits for
/// what is gone: settles what is lost, destroys what is ours and held by nobody, touches nothing that is not ours.
///
/// Of the gateways that share a ledger each looks after what it runs itself, and one that is elected after the rest.
final class Reconciler: Service {
    private struct Schedule {
        var next: ContinuousClock.Instant
        var pause: Duration
        /// Whether the next look is at everything, elected or not.
        var isSteppingIn = false
    }

    private let ledger: Ledger
    private let upstream: E2BClient
    private let control: SandboxControl
    private let closing: ExecutionClosing
    private let slots: UpstreamSlots
    private let running: RunningExecutions
    private let pool: WarmPool
    private let doubts: DoubtfulCreates
    private let labels: SandboxLabels
    private let allotments: CapacityAllotments
    private let logger: Logger
    private let schedule = Mutex(Schedule(next: .now + firstPause, pause: firstPause))
    private let latest = Mutex(ReconciliationStanding())
    /// Strays that were being destroyed at the last look.
    private let foundStrays = Mutex<[ListedSandbox]>([])

    /// Pauses between two looks: soon again after the start and after a doubtful create, since what was begun may still be
    /// under way upstream.
    private static let firstPause = Duration.seconds(1)
    private static let longestPause = Duration.seconds(60)
    /// While creates in doubt keep slots that others may need.
    private static let longestPauseInDoubt = Duration.seconds(5)
    private static let rhythm = Duration.milliseconds(100)

    init(
        ledger: Ledger, upstream: E2BClient, control: SandboxControl, closing: ExecutionClosing, slots: UpstreamSlots,
        running: RunningExecutions, pool: WarmPool, doubts: DoubtfulCreates, labels: SandboxLabels,
        allotments: CapacityAllotments, logger: Logger
    ) {
        self.ledger = ledger
        self.upstream = upstream
        self.control = control
        self.closing = closing
        self.slots = slots
        self.running = running
        self.pool = pool
        self.doubts = doubts
        self.labels = labels
        self.allotments = allotments
        self.logger = logger
        doubts.onDoubt { [weak self] in self?.lookSoon() }
    }

    /// What the comparisons have found so far.
    var standing: ReconciliationStanding {
        var standing = latest.withLock(\.self)
        standing.doubtful = doubts.count
        return standing
    }

    /// What upstream has and nobody holds, as far as it was found here and is not destroyed yet.
    var strays: [ListedSandbox] { foundStrays.withLock(\.self).filter { closing.isDestroying($0.id) } }

    private func lookSoon() {
        schedule.withLock { schedule in
            // What keeps coming must not put the look off for ever.
            schedule.next = min(schedule.next, .now + Self.firstPause)
            schedule.pause = Self.firstPause
        }
    }

    /// Looks at everything, soon: a gateway died that may have had what only upstream knows, and may have been the elected one.
    func stepIn() {
        schedule.withLock { $0.isSteppingIn = true }
        lookSoon()
    }

    func run() async throws {
        await cancelWhenGracefulShutdown {
            var strays = Strays(ledger: self.ledger, closing: self.closing, slots: self.slots, logger: self.logger)
            var owned = OwnedComparison(), executions = ExecutionComparison()
            var spares = SpareComparison()
            while (try? await Task.sleep(for: Self.rhythm)) != nil {
                guard self.isDue() else { continue }
                await self.look(&strays, &owned, &executions, &spares)
            }
        }
    }

    private func isDue() -> Bool {
        schedule.withLock { schedule in
            guard .now >= schedule.next else { return false }
            schedule.pause = min(schedule.pause * 2, doubts.count > 0 ? Self.longestPauseInDoubt : Self.longestPause)
            schedule.next = .now + schedule.pause
            return true
        }
    }

    private func look(
        _ strays: inout Strays, _ owned: inout OwnedComparison, _ executions: inout ExecutionComparison,
        _ spares: inout SpareComparison
    ) async {
        let isSteppingIn = schedule.withLock { schedule in
            defer { schedule.isSteppingIn = false }
            return schedule.isSteppingIn
        }
        // Asked before the list is, and after it: what is in neither was not there while it was made.
        let before = known()
        let expected = ledger.runningSandboxes(), running = running.holding, epoch = ledger.epoch
        do {
            let gone = try await ledger.goneGateways()
            let listed = try await upstream.listSandboxes(metadata: labels.ours)
            // Behind the list: whoever made one of these is in it, if it lives.
            let living = try await ledger.livingEpochs()
            strays.forget(allBut: listed)
            var found = ReconciliationStanding()
            for (sandbox, slot) in doubts.found(in: listed) {
                logger.notice(
                    "a create whose answer was lost had made a sandbox", metadata: ["sandbox": "\(sandbox.id)"])
                closing.destroy(DoomedSandbox(id: sandbox.id, slot: slot ?? slots.slotOfLeftover()))
                strays.leave(sandbox.id)
                found.strays += 1
            }
            found.lost += await executions.stop(running, missingFrom: listed, among: self.running, upstream)
            var unheld = spares.strays(among: listed, of: epoch, except: before.union(known()))
            if ledger.isElected || isSteppingIn {
                found.lost += await owned.settle(expected, missingFrom: listed, by: control, upstream)
                found.asleep += await owned.noteAsleep(expected, among: listed, by: control)
                found.sleepless += await owned.letSleep(listed, by: control, ledger)
                unheld += SpareComparison.orphans(among: listed, except: living)
                unheld += try await Strays.outliving(
                    among: listed, of: SandboxLabels.handle, over: ledger.endedSandboxes(among:))
                unheld += try await Strays.outliving(
                    among: listed, of: SandboxLabels.execution, over: ledger.finishedExecutions(among:))
                try await strays.destroyAbandoned()
            }
            let destroyed = try await strays.destroy(unheld)
            found.strays += destroyed.count
            foundStrays.withLock { known in known = known.filter { closing.isDestroying($0.id) } + destroyed }
            if ledger.isElected || isSteppingIn { allotments.lookedAfter(gone) }
            found.lost += spares.drop(pool, missingFrom: listed, among: before)
            note(found, listed: listed.count)
        } catch {
            latest.withLock { $0.failures += 1 }
            logger.debug("sandboxes could not be compared with the ledger", metadata: ["error": "\(error)"])
        }
    }

    /// Warm sandboxes that somebody has.
    private func known() -> Set<String> {
        pool.sandboxIDs.union(running.holding.values)
    }

    private func note(_ found: ReconciliationStanding, listed: Int) {
        latest.withLock { latest in
            latest.comparisons += 1
            latest.listed = listed
            latest.lost += found.lost
            latest.strays += found.strays
            latest.sleepless += found.sleepless
            latest.asleep += found.asleep
        }
        guard found.lost + found.strays + found.sleepless + found.asleep > 0 else { return }
        logger.notice(
            "what upstream had differed from the ledger",
            metadata: [
                "lost": "\(found.lost)", "strays": "\(found.strays)", "sleepless": "\(found.sleepless)",
                "asleep": "\(found.asleep)",
            ])
    }
}
