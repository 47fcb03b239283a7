import Foundation
import Ledger
import Logging
import ServiceLifecycle
import TestSupport
import Testing

@testable import Gateway

@Suite(.timeLimit(.minutes(1))) struct AuditShipperTests {
    private let log = RecordedLog()

    /// Ships while the body runs; then waits for the end in good order.
    private func shipping(
        _ fixture: AuditFixture, to sinks: [any AuditSink], _ body: (AuditShipper) async throws -> Void
    ) async throws {
        let shipper = AuditShipper(ledger: fixture.ledger, sinks: sinks, logger: log.logger)
        let group = ServiceGroup(services: [shipper], logger: AuditFixture.logger)
        let running = Task { try await group.run() }
        do {
            try await body(shipper)
        } catch {
            running.cancel()
            throw error
        }
        await group.triggerGracefulShutdown()
        try await running.value
    }

    private func file(_ fixture: AuditFixture) -> FileSink {
        FileSink(path: fixture.folder + "/audit.log", maximumBytes: 1 << 20, kept: nil, logger: log.logger)
    }

    @Test("What grows is shipped at once, and a sink that is down holds up no other")
    func independence() async throws {
        let fixture = try await AuditFixture()
        let server = try await ScriptedServer.start { _ in }
        let dead = SyslogSink(address: try #require(SyslogAddress("tcp://127.0.0.1:\(server.port)")))
        await server.stop()
        try await shipping(fixture, to: [dead, file(fixture)]) { shipper in
            for _ in 1...5 {
                try await fixture.grow(by: 10)
                let lines = try await fixture.lines()
                #expect(try await eventually { fixture.text(of: "audit.log") == lines.text })
            }
            let warning = await log.wait(for: "the audit sink does not take records")
            #expect(warning.level == .warning && warning.metadata["sink"] == "syslog")
            #expect(warning.metadata["reason"] == "cannot connect: Connection refused")
            #expect(warning.metadata["destination"] == dead.destination)
            #expect(try await eventually { shipper.standings[1].position.sequence == 51 })
            let standings = shipper.standings
            #expect(standings.map(\.kind) == ["syslog", "file"] && standings.map(\.isUp) == [false, true])
            #expect(standings.map(\.behind) == [51, 0] && standings.map(\.position.sequence) == [0, 51])
            #expect(standings[0].lastFailure == "cannot connect: Connection refused" && standings[1].lastFailure == nil)
        }
        #expect(log.lines.filter { $0.level >= .warning }.count == 1, "at most one a minute")
        #expect(try await fixture.ledger.sinkPosition(of: dead.name) == nil)
        #expect(try await fixture.ledger.sinkPosition(of: file(fixture).name)?.sequence == 51)
    }

    @Test("Goes on where it was, and says so when a sink works again")
    func recovery() async throws {
        let fixture = try await AuditFixture()
        let folder = fixture.folder + "/later"
        let sink = FileSink(path: folder + "/a", maximumBytes: 1 << 20, kept: nil, logger: log.logger)
        try await fixture.grow(by: 3)
        try await shipping(fixture, to: [sink]) { shipper in
            _ = await log.wait(for: "the audit sink does not take records")
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
            let info = await log.wait(for: "the audit sink takes records again")
            #expect(info.level == .info && info.metadata["behind"] == "0")
            #expect(shipper.standings[0].isUp && shipper.standings[0].lastFailure != nil)
        }
        try await fixture.grow(by: 2)
        try await shipping(fixture, to: [sink]) { _ in }
        #expect(fixture.text(of: "later/a") == (try await fixture.lines()).text)
    }

    @Test("Checkpoints are shipped behind the records they name, though they come later")
    func checkpoints() async throws {
        let fixture = try await AuditFixture()
        try await shipping(fixture, to: [file(fixture)]) { shipper in
            for number in 1...4 as ClosedRange<Int64> {
                try await fixture.grow(by: 2)
                #expect(try await eventually { shipper.standings[0].behind == 0 })
                try await fixture.ledger.makeCheckpoint()
                #expect(try await eventually { shipper.standings[0].position.checkpoint == number })
            }
        }
        let lines = try await fixture.lines()
        #expect(lines.count == 9 + 4)
        #expect(fixture.text(of: "audit.log") == lines.text)
        // The ledger's note is lost: the file alone knows how far it got.
        let position = try await file(fixture).position(after: .start, in: fixture.ledger)
        #expect(position == AuditPosition(sequence: 9, checkpoint: 4))
    }

    @Test("Records that were removed before a sink took them are told of, and not waited for")
    func removed() async throws {
        let fixture = try await AuditFixture()
        try await shipping(fixture, to: [file(fixture)]) { _ in }
        try await fixture.grow(by: 5)
        try await fixture.forgetTheOld()
        let kept = try await fixture.lines()
        try await shipping(fixture, to: [file(fixture)]) { _ in }
        let warning = try #require(log.lines.first { $0.level == .warning })
        #expect(warning.message == "audit records were removed before the sink took them")
        #expect(warning.metadata["first"] == "2" && warning.metadata["last"] == "6")
        #expect(fixture.text(of: "audit.log")?.hasSuffix(kept.text) == true)
        // One that is new begins with the oldest there is, which is nothing to warn of.
        let new = FileSink(path: fixture.folder + "/new", maximumBytes: 1 << 20, kept: nil, logger: log.logger)
        try await shipping(fixture, to: [new]) { _ in }
        #expect(fixture.text(of: "new") == kept.text && log.lines.filter { $0.level == .warning }.count == 1)
    }

    @Test("A receiver that hangs does not hold up the end for long")
    func end() async throws {
        let fixture = try await AuditFixture()
        let sink = HangingSink()
        var begun = ContinuousClock.now
        try await shipping(fixture, to: [sink, file(fixture)]) { _ in
            await sink.asked.wait(for: 1)
            try await fixture.grow(by: 3)
            begun = .now
        }
        #expect(ContinuousClock.now - begun < .seconds(8))
        #expect(fixture.text(of: "audit.log") == (try await fixture.lines()).text, "what was there is shipped")
    }

    @Test func withoutSinksItWaitsForTheEnd() async throws {
        try await shipping(try await AuditFixture(), to: []) { #expect($0.standings.isEmpty) }
    }
}

/// Takes nothing until its task is cancelled.
private final class HangingSink: AuditSink {
    let kind = "hanging"
    let destination = "nowhere"
    let asked = Recording<Int>()

    func deliver(_ lines: ArraySlice<AuditLine>) async throws(SinkFailure) -> Int {
        asked.note(lines.count)
        try? await Task.sleep(for: .seconds(3_600))
        throw .cancelled
    }
}
