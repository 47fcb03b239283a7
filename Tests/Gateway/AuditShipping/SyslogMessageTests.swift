import Ledger
import Quota
import Testing

@testable import Gateway

@Suite struct SyslogMessageTests {
    private let origin = SyslogMessage.Origin(host: "gate way\n1", process: 42)

    @Test func aRecordIsANotice() async throws {
        let line = try #require(try await AuditFixture().lines().first)
        guard case .record(let record) = line else { throw Missing() }
        let message = SyslogMessage(line, from: origin)
        #expect(
            message.text == "<109>1 \(record.at.text) gateway1 e2b-gateway 42 ledger.created "
                + #"[e2bAudit@32473 sequence="1" stream="main"] "# + line.text)
        #expect(message.frame == "\(message.text.utf8.count) \(message.text)")
        #expect(line.text.utf8.allSatisfy { (0x20...0x7e).contains($0) }, "ASCII needs no byte order mark")
    }

    @Test func whoHasNoNameIsADash() async throws {
        let line = try #require(try await AuditFixture().lines().first)
        let text = SyslogMessage(line, from: SyslogMessage.Origin(host: "\u{7f}é", process: 1)).text
        #expect(text.split(separator: " ")[2] == "-")
        #expect(!SyslogMessage.Origin.current.host.isEmpty)
    }

    @Test(arguments: [
        ("tcp://logs.example.com:6514", "tcp://logs.example.com:6514"), ("tcp://[::1]:601", "tcp://[::1]:601"),
        ("unix:///run/log.sock", "unix:///run/log.sock"),
    ])
    func addresses(text: String, shown: String) {
        #expect(SyslogAddress(text)?.description == shown)
    }

    @Test(arguments: [
        "udp://127.0.0.1:514", "127.0.0.1:514", "tcp://127.0.0.1", "tcp://127.0.0.1:0", "tcp://:514",
        "tcp://127.0.0.1:514/", "tcp://a/b:514", "tcp://user@host:514", "tcp://127.0.0.1:70000", "unix://relative",
        "unix:///", "unix:///" + String(repeating: "x", count: 107), "TCP://127.0.0.1:514", "",
    ])
    func noAddresses(text: String) {
        #expect(SyslogAddress(text) == nil)
    }

    @Test func whatIsOnThisMachine() {
        #expect(SyslogAddress("unix:///dev/log")?.isLocal == true && SyslogAddress("tcp://[::1]:1")?.isLocal == true)
        #expect(SyslogAddress("tcp://10.0.0.1:514")?.isLocal == false)
    }
}

private struct Missing: Error {}
