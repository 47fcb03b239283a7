import Foundation
import Ledger
import NIOCore
import TestSupport
import Testing

@testable import Gateway

/// Receivers that misbehave are to be found in the system tests: a server of NIO's reads to the end on its own.
@Suite struct SyslogSinkTests {
    private func sink(_ server: ScriptedServer, path: String? = nil) throws
        -> SyslogSink
    {
        let address = try #require(SyslogAddress(path.map { "unix://\($0)" } ?? "tcp://127.0.0.1:\(server.port)"))
        return SyslogSink(address: address, origin: SyslogMessage.Origin(host: "here", process: 1))
    }

    /// So many that no socket holds them by itself.
    private func many(_ lines: [AuditLine]) -> ArraySlice<AuditLine> {
        (0..<20_000 / lines.count).flatMap { _ in lines }[...]
    }

    @Test("A batch over a connection of its own, as frames, then the end", arguments: [false, true])
    func frames(overUnixSocket: Bool) async throws {
        let fixture = try await AuditFixture()
        try await fixture.grow(by: 20)
        let lines = try await fixture.lines()
        let received = Recording<String>()
        let path = overUnixSocket ? fixture.folder + "/s" : nil
        let server = try await ScriptedServer.start(unixSocket: path) { connection in
            var text = ""
            while let more = try await connection.receive() { text += String(buffer: more) }
            received.note(text)
        }
        let sink = try sink(server, path: path)
        #expect(sink.destination == (path.map { "unix://\($0)" } ?? "tcp://127.0.0.1:\(server.port)"))
        for _ in 1...3 { #expect(try await sink.deliver(lines[...]) == lines.count) }
        let expected = lines.map { SyslogMessage($0, from: .init(host: "here", process: 1)).frame }.joined()
        #expect(await received.wait(for: 3) == [expected, expected, expected])
        #expect(server.connections == 3)
        await server.stop()
    }

    @Test func noMoreThanAMegabyteAtOnce() async throws {
        let fixture = try await AuditFixture()
        let received = Recording<Int>()
        let server = try await ScriptedServer.start { connection in
            var count = 0
            while let more = try await connection.receive() { count += more.readableBytes }
            received.note(count)
        }
        let lines = many(try await fixture.lines())
        let taken = try await sink(server).deliver(lines)
        #expect(taken > 1_000 && taken < lines.count)
        #expect(await received.wait(for: 1)[0] <= 1 << 20)
        await server.stop()
    }

    @Test func nobodyListens() async throws {
        let fixture = try await AuditFixture()
        let lines = try await fixture.lines()
        let server = try await ScriptedServer.start { _ in }
        let sinks = [try sink(server), try sink(server, path: fixture.folder + "/none")]
        await server.stop()
        for (sink, word) in zip(sinks, ["Connection refused", "No such file"]) {
            let failure = await #expect(throws: SinkFailure.self) { try await sink.deliver(lines[...]) }
            #expect(failure?.reason.contains(word) == true, "\(failure?.reason ?? "")")
        }
        let nameless = SyslogSink(address: try #require(SyslogAddress("tcp://nowhere.invalid:1")))
        let failure = await #expect(throws: SinkFailure.self) { try await nameless.deliver(lines[...]) }
        #expect(failure?.reason.hasPrefix("cannot connect") == true, "\(failure?.reason ?? "")")
    }
}
