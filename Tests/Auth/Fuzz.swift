import Foundation
import TestSupport

/// How long and from where the fuzz tests go: `FUZZ_ITERATIONS` and `FUZZ_SEED`. `scripts/fuzz` sets both where libFuzzer
/// does not work; a failure names the seed with which to repeat it.
struct Fuzz {
    let iterations: Int
    let seed: UInt64

    init() {
        let environment = ProcessInfo.processInfo.environment
        iterations = environment["FUZZ_ITERATIONS"].flatMap(Int.init) ?? 5_000
        seed = environment["FUZZ_SEED"].flatMap(UInt64.init) ?? 1
    }

    /// Calls `body` with a generator for each iteration, of which each can be repeated by its number.
    func run(_ body: (inout SeededGenerator, _ iteration: Int) throws -> Void) rethrows {
        for iteration in 0..<iterations {
            var generator = SeededGenerator(seed: seed &* 0x9e37_79b9 &+ UInt64(iteration))
            try body(&generator, iteration)
        }
    }
}

extension SeededGenerator {
    /// A few random edits: bytes replaced, inserted, removed, swapped, repeated, or taken from a dictionary of what means
    /// something to the parser.
    mutating func edit(_ original: [UInt8], with dictionary: [String]) -> [UInt8] {
        var bytes = original
        for _ in 0..<Int.random(in: 1...4, using: &self) {
            let index = Int.random(in: 0...bytes.count, using: &self)
            let end = min(bytes.count, index + .random(in: 0...16, using: &self))
            let byte = UInt8.random(in: 0...255, using: &self)
            switch Int.random(in: 0..<8, using: &self) {
            case 0: bytes.replaceSubrange(index..<min(bytes.count, index + 1), with: [byte])
            case 1: bytes.insert(byte, at: index)
            case 2: bytes.removeSubrange(index..<end)
            case 3: bytes.insert(contentsOf: bytes[index..<end], at: index)
            case 4:
                bytes.replaceSubrange(
                    index..<min(bytes.count, index + 1), with: [UInt8.random(in: 0x20...0x7e, using: &self)])
            case 5: bytes.removeSubrange(index...)
            default: bytes.insert(contentsOf: Array((dictionary.randomElement(using: &self) ?? "").utf8), at: index)
            }
        }
        return bytes
    }
}
