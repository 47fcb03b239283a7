import Auth
import TestSupport
import Testing

@testable import Ledger

/// Files altered at random: whatever was done, it is found, and the first record it touched is named.
@Suite(.once) struct AuditTamperingTests {
    private func tampered(
        _ chain: ExampleChain, using generator: inout SeededGenerator
    ) -> (lines: [String], what: String, sequence: Int64) {
        var lines = chain.texts
        // Places of records among the lines; record n stands at places[n - 1].
        let places = chain.lines.indices.filter { if case .record = chain.lines[$0] { true } else { false } }
        let number = Int.random(in: 1..<places.count, using: &generator)
        let place = places[number]
        switch Int.random(in: 0..<7, using: &generator) {
        case 0:
            var bytes = Array(lines[place].utf8)
            let index = bytes.indices.randomElement(using: &generator)!
            let old = bytes[index]
            repeat { bytes[index] = UInt8.random(in: 0x20...0x7e, using: &generator) } while bytes[index] == old
            lines[place] = String(decoding: bytes, as: UTF8.self)
            return (lines, "byte \(index) altered", Int64(number + 1))
        case 1:
            lines.remove(at: place)
            return (lines, "deleted", Int64(number + 1))
        case 2:
            let last = Int.random(in: number..<places.count, using: &generator)
            lines.removeSubrange(place...places[last])
            return (lines, "deleted up to \(last + 1)", Int64(number + 1))
        case 3:
            let other = places.indices.filter { $0 != number }.randomElement(using: &generator)!
            lines.swapAt(place, places[other])
            return (lines, "swapped with \(other + 1)", Int64(min(number, other) + 1))
        case 5:
            // Behind the end, chained to another record than the last.
            var fork = ExampleChain(
                from: AuditHead(sequence: Int64(places.count), hash: chain.records[number - 1].hash))
            fork.appendRecord(subject: "forged")
            lines.append(fork.texts[0])
            return (lines, "appended", Int64(places.count + 1))
        case 4:
            lines.removeSubrange(place...)
            return (lines, "truncated", Int64(number + 1))
        default:
            // A record in the place of another, chained to where it stands, as its author would.
            let before = chain.records[number - 1]
            var fork = ExampleChain(from: AuditHead(sequence: before.sequence, hash: before.hash))
            fork.appendRecord(subject: "forged")
            lines.insert(fork.texts[0], at: place)
            return (lines, "inserted", Int64(number + 1))
        }
    }

    @Test("It is found, and the first record named", arguments: 0..<400)
    func found(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        var chain = ExampleChain(
            records: Int.random(in: 2...30, using: &generator),
            checkpointEvery: Int.random(in: 2...9, using: &generator))
        chain.appendRecord()
        let (lines, what, sequence) = tampered(chain, using: &generator)
        let found = ChainVerifier.verify(lines, against: [chain.checkpoint()])
        #expect(found.fault?.sequence == sequence, "\(what): \(found)")
        #expect(ChainVerifier.verify(chain.texts, against: [chain.checkpoint()]).isIntact)
    }
}
