import Auth

/// Judges a chain that is read to it in order, and finds its first fault. It reads nothing itself, and its memory does
/// not grow with the chain.
///
/// The rule it holds everyone to is that of docs/audit-format.md. After the first fault it looks on only for a record
/// that it missed: one that comes later is not missing but out of place.
struct ChainVerifier {
    /// A place in the chain: a record's number and hash.
    struct Place {
        var sequence: Int64
        var hash: ChainHash
    }

    let key: VerifyingKey?
    private let capacity: Int
    private let sha = SHA256()
    private var digest = [UInt8](repeating: 0, count: SHA256.length)
    /// The chain's stream, as canonical JSON writes it between its quotes.
    private(set) var stream: [UInt8]?
    /// What the first record follows; nil until that is known.
    private(set) var beginning: Place?
    /// The last record that holds.
    private(set) var head: Place?
    private(set) var remembered: RememberedHashes
    private(set) var replay = Replay()
    /// What checkpoints say of records that have not come yet.
    var awaited: [Int64: [AwaitedHead]] = [:]
    var seenCheckpoints: SeenCheckpoints
    /// The last checkpoint that stood before all records.
    var leading: Checkpoint?
    let elsewhere: [SignedCheckpoint]
    /// The same by their numbers.
    let elsewhereByNumber: [Int64: Checkpoint]
    /// The end that the ledger has stored of its chain, which must be the end of what is read.
    var storedEnd: StoredEnd?
    /// How much referred to records that are no longer remembered.
    var tooFarBack = 0
    var result = AuditVerification()
    private var search = Search.none

    /// What is looked for after the first fault, to name it better.
    private enum Search {
        case none
        /// This record, which is missing unless it comes later.
        case missing(Int64)
        /// Records still older than the one that came after the chain's beginning.
        case older
    }

    /// - Parameters:
    ///   - base: what the first record must follow; nil if the chain may begin anywhere.
    ///   - stream: the chain's stream; nil if the first record says.
    ///   - key: what checkpoints are verified with; without it they are compared only.
    ///   - elsewhere: checkpoints kept elsewhere, which the chain must lead through.
    ///   - capacity: how many records and checkpoints back a repetition can be compared.
    init(
        from base: AuditHead? = nil, stream: String? = nil, key: VerifyingKey? = nil,
        against elsewhere: [SignedCheckpoint] = [], capacity: Int = RememberedHashes.standardCapacity
    ) {
        self.key = key
        self.capacity = capacity
        self.stream = stream.map { Array(CanonicalJSON.string($0).text.utf8.dropFirst().dropLast()) }
        self.elsewhere = elsewhere.sorted { $0.checkpoint.number < $1.checkpoint.number }
        elsewhereByNumber = Dictionary(elsewhere.map { ($0.checkpoint.number, $0.checkpoint) }) { first, _ in first }
        remembered = RememberedHashes(from: 0, capacity: capacity)
        seenCheckpoints = SeenCheckpoints(capacity: capacity)
        judgeElsewhere()
        if self.stream != nil { streamKnown() }
        if let base, let hash = ChainHash(base.hash) { begin(after: Place(sequence: base.sequence, hash: hash)) }
    }

    /// Whether nothing that could follow changes the result.
    var isDecided: Bool {
        if case .none = search { result.fault != nil } else { false }
    }

    /// The record that comes next; 0 before the first one.
    private var expected: Int64 { head.map { $0.sequence + 1 } ?? 0 }

    mutating func fault(_ kind: AuditVerification.FaultKind, at sequence: Int64, _ problem: String) {
        guard result.fault == nil else { return }
        result.fault = AuditVerification.Fault(sequence: sequence, kind: kind, problem: problem)
    }

    /// A line was read that is none.
    mutating func lineUnreadable(_ reason: String, kind: AuditVerification.FaultKind = .malformed) {
        fault(kind, at: expected, "the line \(reason)")
    }

    /// A record was read.
    mutating func recordRead(_ link: AuditLink) {
        guard result.fault == nil else { return lookOn(link) }
        if stream == nil {
            stream = Array(link.stream)
            streamKnown()
        }
        guard stream?.elementsEqual(link.stream) == true else {
            return fault(.stream, at: expected, "the record belongs to another stream")
        }
        if result.first == nil { result.first = link.sequence }
        guard let head else { return beginRead(link) }
        if link.sequence == head.sequence + 1 {
            followingRead(link, head)
        } else if link.sequence > head.sequence {
            gapRead(link, head)
        } else {
            earlierRead(link)
        }
    }

    /// The chain begins here, wherever that is.
    private mutating func beginRead(_ link: AuditLink) {
        let previous = link.previous ?? .zero
        let place = Place(sequence: link.sequence - 1, hash: previous)
        guard holds(link, after: previous) else {
            return fault(.altered, at: link.sequence, "the record does not match its hash")
        }
        begin(after: place)
        guard link.sequence > 1 || previous == .zero else {
            return fault(.unlinked, at: 1, "the first record follows another one")
        }
        judgeAwaited(at: place)
        accept(link)
    }

    private mutating func begin(after place: Place) {
        beginning = place
        head = place
        remembered = RememberedHashes(from: place.sequence, capacity: capacity)
        remembered.append(place.hash)
    }

    private mutating func followingRead(_ link: AuditLink, _ head: Place) {
        guard replay.isSettled else { return faultOfReplay() }
        let previous = link.previous ?? head.hash
        guard holds(link, after: previous) else {
            return fault(.altered, at: link.sequence, "the record does not match its hash")
        }
        guard previous == head.hash else {
            return fault(.unlinked, at: link.sequence, "the record does not follow from the one before")
        }
        accept(link)
    }

    private mutating func gapRead(_ link: AuditLink, _ head: Place) {
        if let previous = link.previous, !holds(link, after: previous) {
            return fault(.altered, at: head.sequence + 1, "the record in its place does not match its hash")
        }
        recordsMissing(upTo: link.sequence - 1)
    }

    /// Records do not stand where they should.
    mutating func recordsMissing(upTo last: Int64) {
        guard result.fault == nil, let head else { return }
        search = .missing(head.sequence + 1)
        let problem = last == head.sequence + 1 ? "the record is missing" : "the records up to \(last) are missing"
        fault(.missing, at: head.sequence + 1, problem)
    }

    private mutating func lookOn(_ link: AuditLink) {
        switch search {
        case .none: return
        case .missing(let missing):
            guard link.sequence == missing, let head, (link.previous ?? head.hash) == head.hash,
                holds(link, after: head.hash)
            else { return }
            search = .none
        case .older:
            guard let fault = result.fault, link.sequence < fault.sequence, let previous = link.previous,
                holds(link, after: previous)
            else { return }
        }
        result.fault = Self.tooLate(link)
    }

    private static func tooLate(_ link: AuditLink) -> AuditVerification.Fault {
        AuditVerification.Fault(
            sequence: link.sequence, kind: .reordered,
            problem: "the record stands too late, behind what follows it")
    }

    /// A record that must have been read before.
    private mutating func earlierRead(_ link: AuditLink) {
        guard let beginning, link.sequence > beginning.sequence else {
            result.fault = Self.tooLate(link)
            search = .older
            return
        }
        let known = remembered[link.sequence]
        guard let previous = link.previous ?? remembered[link.sequence - 1], holds(link, after: previous),
            known == nil || known == link.hash
        else { return fault(.repeated, at: link.sequence, "the record stands again with another content") }
        guard replay.recordRepeated(link.sequence, previous, link.hash, isKnown: known != nil) else {
            return faultOfReplay()
        }
        result.repeated += 1
    }

    mutating func faultOfReplay() {
        fault(.repeated, at: replay.first, "the record stands again, too far behind its place to be compared")
    }

    private mutating func accept(_ link: AuditLink) {
        let place = Place(sequence: link.sequence, hash: link.hash)
        head = place
        remembered.append(link.hash)
        result.verified += 1
        judgeAwaited(at: place)
        if let trimming = link.trimming { trimmingRead(trimming, at: link.sequence) }
    }

    /// Whether a record's hash is the one that the chain's rule gives it.
    private mutating func holds(_ link: AuditLink, after previous: ChainHash) -> Bool {
        sha.update(previous.bytes)
        sha.update(link.record)
        sha.finish(into: &digest)
        return ChainHash(digest) == link.hash
    }
}
