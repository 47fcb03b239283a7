import Foundation
import Ledger
import Testing

@Suite(.ofAFile) struct CommitSpeedTests {
    @Test func `commits are measured beside a ledger, and nothing is left`() throws {
        let folder = NSTemporaryDirectory() + "speed-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let speed = try CommitSpeed.measure(beside: "\(folder)/gateway.db", commits: 5)
        #expect(speed.median > .zero)
        #expect(speed.slowest >= speed.median)
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == [])
    }

    @Test func `a folder that is not there cannot be measured`() {
        #expect(throws: LedgerFailure.self) { try CommitSpeed.measure(beside: "/nowhere/gateway.db") }
    }
}
