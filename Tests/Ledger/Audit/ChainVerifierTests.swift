import Auth
import Testing

@testable import Ledger

@Suite(.once) struct ChainVerifierTests {
    typealias Fault = AuditVerification.Fault

    private func texts(_ chain: ExampleChain) -> [String] { chain.lines.map(\.text) }

    /// Records 1 to 12; checkpoints after 5 and 10, which are the lines 5 and 11.
    private let chain = ExampleChain(records: 12)

    private func expect(
        _ lines: [String], _ kind: AuditVerification.FaultKind, at sequence: Int64, verified: Int64? = nil,
        location: SourceLocation = #_sourceLocation
    ) {
        let found = ChainVerifier.verify(lines)
        #expect(found.fault?.kind == kind && found.fault?.sequence == sequence, "\(found)", sourceLocation: location)
        if let verified { #expect(found.verified == verified, "\(found)", sourceLocation: location) }
    }

    @Test("A whole chain holds, its checkpoints with it")
    func intact() {
        let found = ChainVerifier.verify(texts(chain))
        #expect(found.isIntact && found.verified == 12 && found.first == 1 && found.last == 12)
        #expect(found.lastHash == chain.head.hash && found.checkpoints == 2 && found.unverifiedCheckpoints == 0)
        #expect(found.repeated == 0 && found.notes.isEmpty)
    }

    @Test("Without a public key checkpoints count as unverified, which is said")
    func withoutKey() {
        let found = ChainVerifier.verify(texts(chain), key: nil)
        #expect(found.isIntact && found.checkpoints == 0 && found.unverifiedCheckpoints == 2)
        #expect(found.notes == ["Signatures of checkpoints were not verified: no public key was given."])
    }

    @Test("A chain may begin with any record, which is said")
    func beginning() {
        let found = ChainVerifier.verify(texts(chain).dropFirst(6))
        #expect(found.isIntact && found.first == 6 && found.verified == 7)
        #expect(found.notes == ["The chain begins here with record 6; what came before is not judged."])
        let other = ExampleChain(records: 3, from: AuditHead(sequence: 0, hash: [UInt8](repeating: 1, count: 32)))
        expect(texts(other), .unlinked, at: 1, verified: 0)
    }

    @Test("A chain that must follow something does")
    func base() {
        let records = chain.records
        let base = AuditHead(sequence: 5, hash: records[4].hash)
        #expect(ChainVerifier.verify(records.dropFirst(5).map(\.line), from: base).isIntact)
        let found = ChainVerifier.verify(records.dropFirst(6).map(\.line), from: base)
        #expect(found.fault == Fault(sequence: 6, kind: .missing, problem: "the record is missing"))
        let wrong = AuditHead(sequence: 5, hash: records[3].hash)
        #expect(ChainVerifier.verify(records.dropFirst(5).map(\.line), from: wrong).fault?.kind == .unlinked)
    }

    @Test("An altered record, an altered hash and another previous are told apart")
    func altered() {
        var lines = texts(chain)
        lines[7] = lines[7].replacing("completed", with: "abandoned")
        expect(lines, .altered, at: 7, verified: 6)
        lines = texts(chain)
        lines[0] = lines[0].replacing("acme", with: "beta")
        expect(lines, .altered, at: 1, verified: 0)
        lines = texts(chain)
        lines[7] = lines[7].replacing(Hex.text(chain.records[6].hash), with: Hex.text(chain.records[5].hash))
        expect(lines, .altered, at: 7)

        // From record 7 on another chain, well linked within itself.
        let fork = ExampleChain(
            records: 6, checkpointEvery: 100,
            from: AuditHead(sequence: 6, hash: [UInt8](repeating: 1, count: 32)))
        expect(Array(texts(chain).prefix(7)) + texts(fork), .unlinked, at: 7, verified: 6)
    }

    @Test("Missing records are named, and told from records that come later")
    func missing() {
        var lines = texts(chain)
        lines.remove(at: 2)
        expect(lines, .missing, at: 3, verified: 2)
        lines.removeSubrange(2...3)
        let found = ChainVerifier.verify(lines)
        #expect(found.fault?.problem == "the records up to 5 are missing", "the checkpoint names record 5")
        lines = texts(chain)
        lines.remove(at: 4)
        expect(lines, .missing, at: 5)
        lines = texts(chain)
        lines.swapAt(6, 8)
        expect(lines, .reordered, at: 6, verified: 5)
        lines = texts(chain)
        lines.append(lines.remove(at: 2))
        expect(lines, .reordered, at: 3, verified: 2)
        lines = texts(chain)
        lines.swapAt(0, 1)
        expect(lines, .reordered, at: 1)
        lines = texts(chain)
        lines.insert(lines.remove(at: 5), at: 4)
        expect(lines, .reordered, at: 5, verified: 4)
    }

    @Test("A record that comes too early and does not match its hash is altered in the place it stands at")
    func renumbered() {
        var lines = texts(chain)
        lines[7] = lines[7].replacing(#""sequence":7"#, with: #""sequence":70"#)
        expect(lines, .altered, at: 7, verified: 6)
    }

    @Test("Lines that are repeated are counted; with another content they are a fault")
    func repeated() {
        let lines = texts(chain)
        let found = ChainVerifier.verify(lines.prefix(9) + lines[3..<9] + lines[7...] + lines)
        #expect(found.isIntact && found.verified == 12 && found.checkpoints == 2)
        #expect(found.repeated == 6 + 2 + 14)
        let records = chain.records
        let forged = ExampleChain(records: 1, from: AuditHead(sequence: 2, hash: records[1].hash)).records[0]
        #expect(forged.sequence == 3 && forged.previous == records[2].previous && forged != records[2])
        expect(lines + [forged.line], .repeated, at: 3, verified: 12)
        expect(lines + [lines[2].replacing("completed", with: "abandoned")], .repeated, at: 3)
    }

    @Test("A record from before the beginning is out of place")
    func tooEarly() {
        let lines = texts(chain)
        expect(Array(lines.dropFirst(6)) + [lines[2]], .reordered, at: 3)
    }

    @Test("Repetitions from further back than is remembered hold if they lead to what is remembered")
    func replay() {
        let chain = ExampleChain(records: 40, checkpointEvery: 100)
        let lines = texts(chain)
        func verify(_ lines: [String]) -> AuditVerification { ChainVerifier.verify(lines, capacity: 8) }
        let replayed = verify(lines + lines)
        #expect(replayed.isIntact && replayed.repeated == 40 && replayed.verified == 40)
        #expect(verify(lines + lines.suffix(7) + lines[10..<34]).isIntact)
        let problem = "the record stands again, too far behind its place to be compared"
        for tail in [[lines[3]], Array(lines[3..<30]), [lines[3], lines[39]], [lines[3], lines[5]]] {
            #expect(verify(lines + tail).fault == Fault(sequence: 4, kind: .repeated, problem: problem))
        }
        #expect(verify(lines.prefix(30) + [lines[3]] + lines.dropFirst(30)).fault?.sequence == 4)
        let fork = texts(ExampleChain(records: 37, from: AuditHead(sequence: 3, hash: chain.records[2].hash)))
        #expect(verify(lines + fork).fault?.kind == .repeated)
    }

    @Test("Another stream's record, and lines that are none")
    func others() {
        var lines = texts(chain)
        lines.insert("", at: 3)
        expect(lines, .malformed, at: 4, verified: 3)
        lines[3] = "\u{0}\u{1}garbage"
        expect(lines, .malformed, at: 4)
        expect(["x"], .malformed, at: 0, verified: 0)
        expect([], .empty, at: 0)
        expect([chain.checkpoints[0].line], .empty, at: 0)
        lines[3] = chain.records[3].line.replacing(#""stream":"main""#, with: #""stream":"east""#)
        expect(lines, .stream, at: 4, verified: 3)
    }

    @Test("What removed old records says agrees with what is here")
    func trimming() {
        func trimmed(_ first: Int64, _ previous: [UInt8], after records: Int = 9) -> [String] {
            var chain = ExampleChain(records: records, checkpointEvery: 100)
            chain.append(
                #"{"action":"audit.trimmed","after":{"first":\#(first),"previous":"\#(Hex.text(previous))"},"at_ms":1,"#
                    + #""sequence":\#(records + 1),"stream":"main","v":1}"#, isKnown: false)
            return chain.texts
        }
        let records = ExampleChain(records: 9, checkpointEvery: 100).records
        let good = trimmed(4, records[2].hash)
        #expect(ChainVerifier.verify(good).isIntact)
        #expect(ChainVerifier.verify(good.dropFirst(3)).isIntact)
        #expect(ChainVerifier.verify(good.dropFirst(5)).isIntact, "what it names is not here")
        #expect(
            ChainVerifier.verify(good, capacity: 4).notes == [
                "What is too far back to be compared was mentioned, times: 1."
            ])
        expect(trimmed(4, records[1].hash), .trimming, at: 10)
        expect(Array(trimmed(4, records[1].hash).dropFirst(3)), .trimming, at: 10)
        expect(trimmed(11, records[1].hash), .trimming, at: 10)
        expect(trimmed(0, records[1].hash), .trimming, at: 10)
    }
}
