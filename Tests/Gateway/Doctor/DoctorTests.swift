import CurlTransport
import Testing

@testable import Gateway

/// What is made of figures; where they come from, `Tests/System/test_doctor.py` looks at.
@Suite struct DoctorTests {
    @Test(
        arguments: [
            (99 << 20, Finding.Status.failed), (100 << 20, .warning), ((1 << 30) - 1, .warning), (1 << 30, .ok),
        ] as [(UInt64, Finding.Status)]) func `room on the disk`(free: UInt64, status: Finding.Status)
    {
        let finding = DiskCheck.finding(free: free, in: "/data")
        #expect(finding.status == status)
        #expect((finding.advice == nil) == (status == .ok))
        #expect(finding.measured == ["free_bytes": Double(free)])
    }

    @Test(
        arguments: [(1_024, 1_048_576, Finding.Status.warning), (8_191, 8_191, .warning), (8_192, 8_192, .ok)]
            as [(UInt64, UInt64, Finding.Status)])
    func `open files`(soft: UInt64, hard: UInt64, status: Finding.Status) {
        #expect(OpenFilesCheck.finding(soft: soft, hard: hard).status == status)
    }

    @Test func `no limit is a word, not a number`() {
        #expect(OpenFilesCheck.finding(soft: .max, hard: .max).detail == "unlimited at once, unlimited at most")
    }

    @Test(
        arguments: [
            (1 << 30, 10 << 20, Finding.Status.ok), (1 << 30, 1000 << 20, .warning), (128 << 20, 10 << 20, .warning),
        ] as [(UInt64, UInt64, Finding.Status)]) func `memory`(limit: UInt64, used: UInt64, status: Finding.Status)
    {
        #expect(MemoryCheck.finding(limit: limit, used: used).status == status)
    }

    @Test(arguments: [(1, 5, Finding.Status.ok), (1, 50, .ok), (1, 51, .warning), (80, 200, .warning)])
    func `the ledger's speed`(median: Int, slowest: Int, status: Finding.Status) {
        let finding = CommitSpeedCheck.finding(median: .milliseconds(median), slowest: .milliseconds(slowest))
        #expect(finding.status == status)
        #expect(finding.measured == ["p50_ms": Double(median), "p99_ms": Double(slowest)])
    }

    /// `Date` is cut off to whole seconds, and written somewhere between sending and receiving.
    @Test(arguments: [
        (0.0, 0.0, Finding.Status.ok), (0.9, 0.0, .ok), (-3.0, -3.0, .ok), (5.9, 0.0, .ok), (6.5, 5.5, .warning),
        (-5.5, -5.5, .warning), (61.0, 60.0, .warning), (62.0, 61.0, .failed), (-60.5, -60.5, .failed),
    ]) func `the clock`(ahead: Double, skew: Double, status: Finding.Status) {
        let theirs = 784_111_777.0
        let finding = ClockCheck.finding(
            date: "Sun, 06 Nov 1994 08:49:37 GMT", sent: theirs + ahead, received: theirs + ahead)
        #expect(finding.status == status)
        if status != .ok { #expect(finding.measured["skew_s"] == skew) }
        #expect(status == .ok || finding.detail.contains(skew > 0 ? "ahead of" : "behind"))
    }

    @Test(arguments: [nil, "", "yesterday"] as [String?])
    func `an answer without a date says nothing of the clock`(date: String?) {
        #expect(ClockCheck.finding(date: date, sent: 0, received: 0).status == .skipped)
    }

    @Test(
        arguments: [
            ("Sun, 06 Nov 1994 08:49:37 GMT", 784_111_777.0), ("Nov  6 08:49:37 1994 GMT", 784_111_777),
            ("May  3 12:00:00 2027 GMT", 1_809_345_600), ("Sun, 06 Nov 1994 08:49:37 CET", nil), ("", nil),
            ("Nov 6 1994 GMT", nil),
        ] as [(String, Double?)]) func `instants as others write them`(text: String, seconds: Double?)
    {
        #expect(CalendarText.seconds(text) == seconds)
    }

    @Test(
        arguments: [
            (TransportFailure.tlsFailed("certificate has expired"), "TLS failed: certificate has expired"),
            (.refused, "nothing listens there"), (.connectTimedOut, "no answer in time"),
            (.malformedResponse, "what answers there does not speak HTTP"),
        ] as [(TransportFailure, String)]) func `why there is no connection`(failure: TransportFailure, reason: String)
    {
        let finding = ConnectionCheck(url: "https://api.example").finding(failure)
        #expect(finding.status == .failed)
        #expect(finding.detail == "https://api.example: \(reason)")
        #expect(finding.advice != nil)
    }

    @Test(arguments: ["control-plane-name", "control-plane", "upstream-key"])
    func `no sandbox is made where upstream is out of reach`(name: String) {
        let failed = [Finding(name, .failed, "…")]
        #expect(DiagnosisPart.sandbox.obstacle(in: failed)?.status == .skipped)
        #expect(DiagnosisPart.ledger.obstacle(in: failed) == nil)
        #expect(
            DiagnosisPart.sandbox.obstacle(in: [Finding(name, .warning, "…"), Finding("disk", .failed, "…")]) == nil)
    }

    @Test func `what others say cannot steer a terminal`() {
        #expect(Finding("clock", .ok, "a\u{1b}[31mb\nc").detail == "a?[31mb?c")
    }

    @Test(
        arguments: [(0, "0 B"), (1_023, "1023 B"), (1_536, "1.5 KiB"), (812 << 20, "812 MiB"), (3 << 40, "3.0 TiB")]
            as [(UInt64, String)])
    func `sizes`(bytes: UInt64, text: String) {
        #expect(ByteText.of(bytes) == text)
    }

    @Test(arguments: [(440, "0.4 ms"), (9_949, "9.9 ms"), (12_400, "12 ms"), (1_250_000, "1250 ms")])
    func `durations`(microseconds: Int, text: String) {
        #expect(Duration.microseconds(microseconds).inMilliseconds == text)
    }
}
