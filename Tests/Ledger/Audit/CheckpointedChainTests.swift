import Auth
import Testing

@testable import Ledger

/// Checkpoints in a chain, and checkpoints kept elsewhere.
@Suite(.once) struct CheckpointedChainTests {
    typealias Kind = AuditVerification.FaultKind

    private static let other = SigningKey(seed: [UInt8](repeating: 9, count: 32))!
    private let chain = ExampleChain(records: 12)
    private var texts: [String] { chain.texts }

    private func kind(_ lines: some Sequence<String>, against elsewhere: [SignedCheckpoint] = []) -> Kind? {
        ChainVerifier.verify(lines, against: elsewhere).fault?.kind
    }

    /// The same chain with another second checkpoint.
    private func withSecond(_ change: (Checkpoint) -> Checkpoint, signedWith key: SigningKey = ExampleChain.key)
        -> [String]
    {
        var lines = texts
        lines[11] = change(chain.checkpoints[1].checkpoint).signed(with: key).line
        return lines
    }

    private func changed(
        _ checkpoint: Checkpoint, number: Int64? = nil, sequence: Int64? = nil, hash: [UInt8]? = nil,
        previous: [UInt8]? = nil, keyID: String? = nil
    ) -> Checkpoint {
        let head = checkpoint.heads[0]
        return Checkpoint(
            number: number ?? checkpoint.number, at: checkpoint.at,
            heads: [.init(stream: "main", sequence: sequence ?? head.sequence, hash: hash ?? head.hash)],
            previous: previous ?? checkpoint.previous, keyID: keyID ?? checkpoint.keyID)
    }

    @Test("A checkpoint's signature and key are judged, after the record it stands behind")
    func signatures() {
        var lines = texts
        lines[11] = lines[11].replacing(#""sequence":10"#, with: #""sequence":9"#)
        let found = ChainVerifier.verify(lines)
        #expect(found.fault?.kind == .checkpointSignature && found.fault?.sequence == 10)
        #expect(found.checkpoints == 1 && found.verified == 10)
        #expect(ChainVerifier.verify(lines, key: nil).fault?.kind == .checkpointHead, "compared all the same")
        let keyID = Self.other.publicKey.keyID
        #expect(kind(withSecond({ changed($0, keyID: keyID) }, signedWith: Self.other)) == .checkpointKey)
    }

    @Test("A checkpoint that names another hash, or a record that is not there yet")
    func heads() {
        let wrong = ChainVerifier.verify(withSecond { changed($0, hash: chain.records[3].hash) })
        #expect(wrong.fault?.kind == .checkpointHead && wrong.fault?.sequence == 10)
        #expect(kind(withSecond { changed($0, sequence: 9) }) == .checkpointHead)
        #expect(kind(withSecond { changed($0, sequence: 9, hash: chain.records[8].hash) }) == nil)
        let early = ChainVerifier.verify(withSecond { changed($0, sequence: 13, hash: chain.records[8].hash) })
        #expect(early.fault?.kind == .reordered && early.fault?.sequence == 11, "record 11 comes after it")
        #expect(kind(withSecond { changed($0, sequence: 12, hash: chain.records[11].hash) }) == .reordered)
    }

    @Test("Checkpoints stand in their order, each following from the one before")
    func order() {
        #expect(kind(withSecond { changed($0, number: 3) }) == .checkpointOrder)
        #expect(kind(withSecond { changed($0, number: 1, previous: Checkpoint.noPrevious) }) == .checkpointOrder)
        #expect(kind(withSecond { changed($0, previous: chain.records[0].hash) }) == .checkpointOrder)
        var lines = texts
        lines.remove(at: 5)
        #expect(kind(lines) == nil, "the first one that is there may be any")
        lines.insert(
            changed(chain.checkpoints[0].checkpoint, previous: [UInt8](repeating: 1, count: 32))
                .signed(with: ExampleChain.key).line, at: 5)
        #expect(kind(lines) == .checkpointOrder, "checkpoint 1 is the first")
    }

    @Test("A checkpoint that comes again is compared, or it is said that it cannot be")
    func again() {
        let lines = ExampleChain(records: 6, checkpointEvery: 1).texts
        #expect(ChainVerifier.verify(lines + [lines[3], lines[11]]).repeated == 2)
        #expect(ChainVerifier.verify(lines + [lines[3]]).notes.isEmpty)
        func forgotten(_ count: Int) -> String { "What is too far back to be compared was mentioned, times: \(count)." }
        let far = ChainVerifier.verify(lines + [lines[3]], capacity: 4)
        #expect(far.isIntact && far.notes == [forgotten(2)], "itself and the record it names")
        let early = ChainVerifier.verify(lines.dropFirst(4) + [lines[3]])
        #expect(early.isIntact && early.notes.contains(forgotten(1)), "it was not here before")
    }

    @Test("Checkpoints before all records are held against the first of them")
    func leading() {
        #expect(kind(texts.dropFirst(5)) == nil)
        #expect(kind([texts[11]] + texts.dropFirst(6)) == nil)
        let wrong = changed(chain.checkpoints[0].checkpoint, hash: chain.records[0].hash).signed(with: ExampleChain.key)
        let found = ChainVerifier.verify([wrong.line] + texts.dropFirst(6))
        #expect(found.fault?.kind == .checkpointHead && found.fault?.sequence == 5)
        let beyond = ChainVerifier.verify([texts[11]] + texts[6..<9])
        #expect(beyond.fault?.kind == .missing && beyond.fault?.sequence == 9)
    }

    @Test("A checkpoint kept elsewhere shows what was cut off")
    func truncated() {
        let kept = chain.checkpoints
        #expect(kind(texts, against: kept) == nil)
        #expect(kind(texts.prefix(11), against: kept) == nil, "the records after the last one are not missed")
        let found = ChainVerifier.verify(texts.prefix(8), against: kept)
        #expect(found.fault?.kind == .truncated && found.fault?.sequence == 8 && found.verified == 7)
        #expect(found.fault?.problem.contains("names record 10, so at least 3 records are missing") == true)
        let one = ChainVerifier.verify(texts.prefix(10), against: kept).fault?.problem
        #expect(one?.contains("at least one record is missing") == true)
        #expect(kind([], against: kept) == .empty)
        #expect(kind(texts.prefix(8)) == nil, "and without it nothing is seen")
    }

    @Test("A checkpoint kept elsewhere shows what was rewritten")
    func rewritten() {
        var fork = ExampleChain(records: 8, checkpointEvery: 5)
        for _ in 0..<10 { fork.appendRecord(subject: "nobody") }
        let found = ChainVerifier.verify(fork.texts, against: chain.checkpoints)
        #expect(found.fault?.kind == .rewritten && found.fault?.sequence == 10 && found.verified == 10)
        #expect(kind(fork.texts) == nil)
        fork.appendCheckpoint()
        #expect(kind(fork.texts.suffix(2), against: chain.checkpoints) == .checkpointOrder)
        let after = AuditHead(sequence: 10, hash: chain.records[2].hash)
        let base = ChainVerifier.verify(
            ExampleChain(records: 2, from: after).texts, against: chain.checkpoints)
        #expect(
            base.fault?.kind == .rewritten && base.fault?.sequence == 10, "what the first record follows counts, too")
    }

    @Test("A checkpoint kept elsewhere that says nothing of what is here is said to")
    func nothingToSay() {
        let found = ChainVerifier.verify(texts.dropFirst(8), against: [chain.checkpoints[0]])
        #expect(found.isIntact && found.first == 8)
        #expect(found.notes.contains { $0.contains("names record 5, before the first one here") })
        let strange = Checkpoint(
            number: 9, at: chain.checkpoints[0].checkpoint.at,
            heads: [.init(stream: "east", sequence: 1, hash: chain.head.hash)], previous: chain.head.hash,
            keyID: ExampleChain.key.publicKey.keyID
        ).signed(with: ExampleChain.key)
        let other = ChainVerifier.verify(texts, against: [strange])
        #expect(other.isIntact && other.notes == ["Checkpoint 9, kept elsewhere, does not name this stream."])
        let unsigned = ChainVerifier.verify(texts.prefix(5), key: nil, against: [chain.checkpoints[0]])
        #expect(unsigned.notes.count == 1 && unsigned.isIntact)
    }

    @Test("Checkpoints kept elsewhere must hold themselves")
    func elsewhere() throws {
        let (first, second) = (chain.checkpoints[0], chain.checkpoints[1])
        let altered = try SignedCheckpoint(line: first.line.replacing(#""sequence":5"#, with: #""sequence":6"#))
        #expect(kind(texts, against: [altered]) == .checkpointSignature)
        let foreign = changed(first.checkpoint, keyID: Self.other.publicKey.keyID).signed(with: Self.other)
        #expect(kind(texts, against: [foreign]) == .checkpointKey)
        let twin = changed(first.checkpoint, sequence: 4, hash: chain.records[3].hash).signed(with: ExampleChain.key)
        #expect(kind(texts, against: [first, twin]) == .checkpointOrder)
        #expect(kind(texts, against: [second, twin]) == .checkpointOrder, "in any order")
        #expect(kind(texts, against: [twin]) == .checkpointOrder, "the file has another checkpoint 1")
        #expect(kind(texts, against: [first, first, second]) == nil)
    }
}
