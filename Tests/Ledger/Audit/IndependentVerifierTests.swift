import Auth
import Foundation
import TestSupport
import Testing

@testable import Ledger

/// The verifier in Python under `docs/` and this one, on the same files: they agree on each.
@Suite(.once) struct IndependentVerifierTests {
    private static let driver = """
        import io, json, pathlib, sys
        sys.dont_write_bytecode = True
        sys.path.insert(0, sys.argv[1])
        import verify_audit
        key = verify_audit.public_key(sys.argv[2])
        for path in sorted(pathlib.Path(sys.argv[3]).glob("*.jsonl")):
            kept = verify_audit.read_checkpoints(path.with_suffix(".kept"))
            verifier, fault = verify_audit.verify(io.BytesIO(path.read_bytes()), key, kept)
            print(json.dumps({
                "file": path.stem, "verified": verifier.verified, "repeated": verifier.repeated,
                "checkpoints": verifier.checkpoints,
                "fault": {"kind": fault.kind, "sequence": fault.sequence} if fault else None,
            }))
        """

    private struct Finding: Decodable {
        var file: String
    }

    /// Lines torn apart, doubled, swapped and mutilated without regard to what they are, now and then twice.
    private func mutilated(_ lines: [String], using generator: inout SeededGenerator) -> [UInt8] {
        var lines = lines
        for _ in 0..<Int.random(in: 0...2, using: &generator) where !lines.isEmpty {
            let place = Int.random(in: 0..<lines.count, using: &generator)
            let other = Int.random(in: 0..<lines.count, using: &generator)
            switch Int.random(in: 0..<9, using: &generator) {
            case 0: lines.swapAt(place, other)
            case 1: lines.insert(lines[other], at: place)
            case 2: lines.remove(at: place)
            case 3: lines.removeSubrange(min(place, other)..<max(place, other))
            case 4: lines.append(contentsOf: lines[place...])
            case 5: lines.removeSubrange(place...)
            case 6: lines[place] = lines[place].replacing("0", with: "1")
            case 7:
                let from = Int.random(in: 0..<10, using: &generator)
                lines[place] = lines[place].replacing("\(from)\"", with: "\(9 - from)\"")
            default:
                var bytes = Array(lines[place].utf8)
                guard let index = bytes.indices.randomElement(using: &generator) else { continue }
                bytes[index] = UInt8.random(in: 0x20...0x7e, using: &generator)
                lines[place] = String(decoding: bytes, as: UTF8.self)
            }
        }
        let bytes = Array(lines.map { $0 + "\n" }.joined().utf8)
        return Int.random(in: 0..<10, using: &generator) == 0 ? Array(bytes.dropLast(17)) : bytes
    }

    @Test("Three hundred files, mutilated at random")
    func agreement() throws {
        let folder = try TemporaryFolder()
        let key = ExampleChain.key.publicKey
        var expected: [String: AuditVectors.File.Expectation] = [:]
        for seed in 0..<300 as Range<UInt64> {
            var generator = SeededGenerator(seed: seed)
            let chain = ExampleChain(
                records: Int.random(in: 1...20, using: &generator),
                checkpointEvery: Int.random(in: 1...7, using: &generator))
            let kept = Bool.random(using: &generator) ? [chain.checkpoint()] : Array(chain.checkpoints.prefix(1))
            let path = folder.path + "/\(seed)"
            try Data(mutilated(chain.texts, using: &generator)).write(to: URL(filePath: path + ".jsonl"))
            try Data(kept.map { $0.line + "\n" }.joined().utf8).write(to: URL(filePath: path + ".kept"))
            let found = try AuditFile(path: path + ".jsonl").verify(publicKey: key, against: kept)
            expected["\(seed)"] = AuditVectors.File.Expectation(found)
        }
        let output = try python(["-c", Self.driver, AuditVectors.docs.path, Hex.text(key.bytes), folder.path])
        let lines = output.split(separator: "\n").map { Data($0.utf8) }
        #expect(lines.count == 300)
        for line in lines {
            let file = try JSONDecoder().decode(Finding.self, from: line).file
            let found = try JSONDecoder().decode(AuditVectors.File.Expectation.self, from: line)
            #expect(found == expected[file], "seed \(file)")
        }
        let kinds = Set(expected.values.compactMap(\.fault?.kind))
        #expect(
            kinds.isSuperset(of: [.malformed, .torn, .altered, .missing, .reordered, .truncated, .checkpointOrder]))
        #expect(expected.values.contains { $0.fault == nil && $0.repeated > 0 })
    }

    private func python(_ arguments: [String]) throws -> String {
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = ["python3"] + arguments
        let stdout = Pipe()
        process.standardOutput = stdout
        try process.run()
        let output = try stdout.fileHandleForReading.readToEnd() ?? Data()
        process.waitUntilExit()
        #expect(process.terminationStatus == 0)
        return String(decoding: output, as: UTF8.self)
    }
}
