import Auth
import Quota

@testable import Ledger

/// A chain made up by a test, with checkpoints where the test wants them: its lines, without LF.
struct ExampleChain {
    static let key = SigningKey(seed: [UInt8](0..<32))!

    /// Its lines; also as text, with those that are not decoded.
    private(set) var lines: [AuditLine] = []
    private(set) var texts: [String] = []
    private(set) var head: AuditHead
    private(set) var lastCheckpoint: SignedCheckpoint?
    private var now = Moment(seconds: 1_800_000_000)

    init(from head: AuditHead = .start) { self.head = head }

    /// So many records, with a checkpoint after every so many.
    init(records: Int, checkpointEvery interval: Int = 5, from head: AuditHead = .start) {
        self.init(from: head)
        for number in 1...records {
            appendRecord(subject: "user-\(number) \"ü\"")
            if number % interval == 0 { appendCheckpoint() }
        }
    }

    var records: [AuditRecord] {
        lines.compactMap { line in if case .record(let record) = line { record } else { nil } }
    }

    var checkpoints: [SignedCheckpoint] {
        lines.compactMap { line in if case .checkpoint(let signed) = line { signed } else { nil } }
    }

    mutating func appendRecord(subject: String? = nil, outcome: String = "completed", isKnown: Bool = true) {
        var entry = AuditEntry(.executionFinished)
        entry.tenant = "acme"
        entry.subject = subject
        entry.outcome = outcome
        entry.after = .object(["é": .array([.null, .integer(-1)]), "z": .object([:])])
        append(AuditChain.record(entry, sequence: head.sequence + 1, at: now), isKnown: isKnown)
    }

    /// Any canonical record, which must say its own place; one of an action unknown here stands among the texts only.
    mutating func append(_ canonical: String, isKnown: Bool = true) {
        now = now + .milliseconds(7)
        let hash = AuditChain.hash(after: head.hash, record: canonical)
        let text = Self.line(canonical, sequence: head.sequence + 1, previous: head.hash, hash: hash)
        head = AuditHead(sequence: head.sequence + 1, hash: hash)
        texts.append(text)
        guard isKnown else { return }
        guard let line = try? AuditLine(Array(text.utf8)[...]) else { preconditionFailure("not a line: \(text)") }
        lines.append(line)
    }

    mutating func appendCheckpoint(signedWith key: SigningKey = ExampleChain.key) {
        let signed = checkpoint(signedWith: key)
        lastCheckpoint = signed
        lines.append(.checkpoint(signed))
        texts.append(signed.line)
    }

    /// The next checkpoint, of the end as it stands.
    func checkpoint(signedWith key: SigningKey = ExampleChain.key) -> SignedCheckpoint {
        Checkpoint(
            number: (lastCheckpoint?.checkpoint.number ?? 0) + 1, at: now,
            heads: [.init(stream: "main", sequence: head.sequence, hash: head.hash)],
            previous: lastCheckpoint?.checkpoint.digest ?? Checkpoint.noPrevious, keyID: key.publicKey.keyID
        ).signed(with: key)
    }

    /// A line as docs/audit-format.md gives it, whatever it says.
    static func line(_ canonical: String, sequence: Int64, previous: [UInt8], hash: [UInt8]) -> String {
        #"{"hash":"\#(Hex.text(hash))","previous":"\#(Hex.text(previous))","record":\#(canonical),"#
            + #""sequence":\#(sequence),"stream":"main"}"#
    }
}

extension ChainVerifier {
    /// What a verifier finds that is read these lines.
    static func verify(
        _ lines: some Sequence<String>, from base: AuditHead? = nil, key: VerifyingKey? = ExampleChain.key.publicKey,
        against elsewhere: [SignedCheckpoint] = [], capacity: Int = RememberedHashes.standardCapacity
    ) -> AuditVerification {
        var verifier = ChainVerifier(from: base, key: key, against: elsewhere, capacity: capacity)
        for line in lines {
            do {
                switch try RawLine(Array(line.utf8)[...]) {
                case .record(let link): verifier.recordRead(link)
                case .checkpoint(let signed): verifier.checkpointRead(signed)
                }
            } catch {
                verifier.lineUnreadable(error.reason)
            }
        }
        return verifier.finish()
    }
}
