import Foundation
import Glibc
import TestSupport
import Testing

@testable import Gateway

@Suite struct BackwardLinesTests {
    @Test("The lines of a file, whatever their lengths, from the last to the first")
    func anyFile() throws {
        var generator = SeededGenerator(seed: 7)
        let path = NSTemporaryDirectory() + "lines-" + UUID().uuidString
        defer { unlink(path) }
        // Around the size of the pieces that are read at once, too.
        let lengths = [0, 1, 2, 300, 65_534, 65_535, 65_536, 65_537, 200_000]
        for round in 0..<60 {
            let lines = (0..<Int.random(in: 0...8, using: &generator)).map { number in
                String(repeating: "\(number)", count: lengths.randomElement(using: &generator) ?? 0)
            }
            let torn = round.isMultiple(of: 2) ? "" : String(repeating: "x", count: round * 2_000)
            try (lines.map { $0 + "\n" }.joined() + torn).write(toFile: path, atomically: false, encoding: .utf8)
            let bytes = try FileBytes(path, O_RDONLY)
            let end = try bytes.endOfLastLine(within: bytes.length())
            #expect(try bytes.length() - end == Int64(torn.utf8.count))
            var found: [String] = []
            var backward = BackwardLines(of: bytes, upTo: end)
            while let line = try backward.next() { found.append(String(decoding: line, as: UTF8.self)) }
            #expect(found == lines.reversed())
        }
    }
}
