import Foundation

/// Says on standard output what the demo is doing, and how long it took.
struct DemoProgress {
    let steps: Int
    private var step = 0

    init(steps: Int) {
        self.steps = steps
    }

    mutating func perform<Value>(_ title: String, _ work: () async throws -> Value) async throws -> Value {
        step += 1
        say("[\(step)/\(steps)] \(title) … ")
        let started = ContinuousClock.now
        let value = try await work()
        let seconds = (ContinuousClock.now - started) / .seconds(1)
        say("\((seconds * 100).rounded() / 100) s\n")
        return value
    }

    func say(_ text: String) {
        try? FileHandle.standardOutput.write(contentsOf: Data(text.utf8))
    }
}
