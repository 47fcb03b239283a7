import Foundation
import Quota
import Testing

@testable import Ledger

struct NotificationTests {
    private static func limited(_ runtime: [RuntimeWindow: Int64]) -> Policy {
        var policy = Policy.unlimited
        policy.runtime = runtime
        return policy
    }

    /// A tenant of which so much of ten seconds an hour is used.
    private func tenant(using milliseconds: Int64, limit: Int64 = 10_000) async throws -> TestLedger {
        let test = try await TestLedger(policy: Self.limited([.hour: limit]))
        let lease = try await test.ledger.admit(test.order(timeout: milliseconds))
        _ = try await test.ledger.settle(lease, with: .completed(held: milliseconds))
        return test
    }

    private func used(_ test: TestLedger) async throws -> [Int64] {
        try await test.ledger.usageReport(of: TestLedger.tenant).runtime.map(\.usedMilliseconds)
    }

    private func percents(_ ledger: Ledger) async throws -> [Int] {
        struct Document: Decodable {
            struct Data: Decodable { let percent: Int }
            let data: Data
        }
        return try await ledger.dueNotifications().map {
            try JSONDecoder().decode(Document.self, from: Data($0.document.utf8)).data.percent
        }
    }

    @Test("The document says what, when and of whom, as the specification recommends")
    func document() async throws {
        let test = try await TestLedger(policy: Self.limited([.hour: 10_000]))
        let waiting = try await test.ledger.admit(test.order(timeout: 500))
        let lease = try await test.ledger.admit(test.order(timeout: 9_000))
        test.clock.advance(by: .milliseconds(8_123))
        _ = try await test.ledger.settle(lease, with: .completed(held: 8_123))
        let notification = try #require(try await test.ledger.dueNotifications().first)
        #expect(
            notification.document == """
                {"data":{"limit_ms":10000,"percent":80,"reserved_ms":500,"resets_at":"2027-01-15T09:00:00.000Z",\
                "starts_at":"2027-01-15T08:00:00.000Z","tenant":"acme","used_ms":8123,"window":"hour"},\
                "timestamp":"2027-01-15T08:00:08.123Z","type":"runtime.threshold"}
                """)
        #expect(notification.id.hasPrefix("ntf_") && !notification.id.contains("."))
        #expect(notification.tenant == "acme" && notification.attempts == 0)
        _ = try await test.ledger.settle(waiting, with: .completed(held: 0))
        #expect(test.ledger.waitingNotifications == 1)
    }

    @Test(
        "A notification is in the commit of the settlement it tells: a process killed at any moment leaves both or neither",
        .ofAFile)
    func sameCommit() async throws {
        let test = try await TestLedger(policy: Self.limited([.hour: 10_000]))
        let lease = try await test.ledger.admit(test.order(timeout: 8_000))
        let before = try KilledCopy(of: test)
        let commits = test.ledger.commitCount
        _ = try await test.ledger.settle(lease, with: .completed(held: 8_000))
        #expect(test.ledger.commitCount == commits + 1)
        let after = try KilledCopy(of: test)
        for (copy, expected) in [(before, []), (after, [80])] {
            let ledger = try Ledger.open(at: copy.path, rootKey: test.rootKey, clock: test.clock.source)
            #expect(try await percents(ledger) == expected)
            #expect(ledger.waitingNotifications == expected.count)
            let used = try await ledger.usageReport(of: TestLedger.tenant).runtime.map(\.usedMilliseconds)
            #expect(used == [expected.isEmpty ? 0 : 8_000])
            await ledger.close()
        }
    }

    @Test("A notification that cannot be written takes its settlement along, and both come later")
    func bothOrNeither() async throws {
        let test = try await TestLedger(policy: Self.limited([.hour: 10_000]))
        let lease = try await test.ledger.admit(test.order(timeout: 8_000))
        try test.ledger.refuse("INSERT", on: "notification")
        await #expect(throws: LedgerFailure.self) {
            try await test.ledger.settle(lease, with: .completed(held: 8_000))
        }
        #expect(try await used(test) == [0])
        #expect(try await test.usage().executions == 1)
        #expect(test.ledger.waitingNotifications == 0)
        try test.ledger.stopRefusing(on: "notification")
        #expect(await test.ledger.payDebts())
        #expect(try await used(test) == [8_000])
        #expect(try await percents(test.ledger) == [80])
    }

    @Test("A policy under which more is used than a threshold allows tells as well, in its own commit")
    func policyChange() async throws {
        let test = try await tenant(using: 1_000)
        #expect(test.ledger.waitingNotifications == 0)
        let commits = test.ledger.commitCount
        test.clock.advance(by: .milliseconds(1))
        try await test.ledger.setPolicy(Self.limited([.hour: 1_250]), of: TestLedger.tenant, by: "test")
        #expect(test.ledger.commitCount == commits + 1)
        #expect(try await percents(test.ledger) == [80])
        test.clock.advance(by: .milliseconds(1))
        try await test.ledger.setPolicy(Self.limited([.hour: 1_200]), of: TestLedger.tenant, by: "test")
        #expect(try await percents(test.ledger) == [80])
        test.clock.advance(by: .milliseconds(1))
        try await test.ledger.setPolicy(Self.limited([.hour: 100]), of: TestLedger.tenant, by: "test")
        #expect(try await percents(test.ledger) == [80, 100])
        test.clock.advance(by: .milliseconds(1))
        try await test.ledger.setPolicy(Self.limited([.hour: 2_000]), of: TestLedger.tenant, by: "test")
        test.clock.advance(by: .milliseconds(1))
        try await test.ledger.setPolicy(Self.limited([.hour: 1_000]), of: TestLedger.tenant, by: "test")
        #expect(try await percents(test.ledger) == [80, 100, 100])
    }

    @Test("Whoever delivers hears of new ones at once, and of those that came up before it listened")
    func bell() async throws {
        let test = try await tenant(using: 8_000)
        var heard = test.ledger.notificationsAdded.makeAsyncIterator()
        #expect(await heard.next() != nil)
        async let next: Void? = heard.next()
        try await test.ledger.setPolicy(Self.limited([.hour: 8_000]), of: TestLedger.tenant, by: "test")
        #expect(await next != nil)
        #expect(test.ledger.waitingNotifications == 2)
    }

    @Test("Delivered: gone and on record, once; the count survives a restart")
    func delivered() async throws {
        let test = try await tenant(using: 10_000)
        let notification = try #require(try await test.ledger.dueNotifications().first)
        try await test.ledger.notificationDelivered(notification)
        try await test.ledger.notificationDelivered(notification)
        #expect(try await test.ledger.dueNotifications().isEmpty)
        #expect(test.ledger.waitingNotifications == 0)
        let record = try #require(try await test.audit(.notificationDelivered).first?.entry)
        #expect(record.tenant == "acme" && record.actor == "gateway")
        #expect(record.afterDocument == #"{"attempts":1,"notification":"\#(notification.id)"}"#)
        #expect(try await test.audit(.notificationDelivered).count == 1)

        try await test.ledger.setPolicy(Self.limited([.day: 100]), of: TestLedger.tenant, by: "test")
        let ledger = try await test.reopened()
        #expect(ledger.waitingNotifications == 1, "the day knows what was used before it was limited")
        await ledger.close()
    }

    @Test("Put off: due again when its time has come, with the attempts counted, until its lifetime is over")
    func putOff() async throws {
        let test = try await tenant(using: 8_000)
        let first = try #require(try await test.ledger.dueNotifications().first)
        try await test.ledger.notificationFailed(first, reason: "status 500", retryAfter: .seconds(60))
        #expect(try await test.ledger.dueNotifications().isEmpty)
        #expect(test.ledger.waitingNotifications == 1)
        test.clock.advance(by: .milliseconds(59_999))
        #expect(try await test.ledger.dueNotifications().isEmpty)
        test.clock.advance(by: .milliseconds(1))
        let ledger = try await test.reopened()
        #expect(ledger.waitingNotifications == 1)
        let second = try #require(try await ledger.dueNotifications().first)
        #expect(second.id == first.id && second.document == first.document && second.attempts == 1)

        test.clock.advance(by: Notification.lifetime - .seconds(100))
        try await ledger.notificationFailed(second, reason: "status 500", retryAfter: .seconds(39))
        #expect(ledger.waitingNotifications == 1, "39 s before the end are within the lifetime")
        try await ledger.notificationFailed(second, reason: "status 500", retryAfter: .seconds(40))
        #expect(ledger.waitingNotifications == 0)
        let records = try await ledger.auditRecords(AuditQuery(limit: 1_000))
            .filter { $0.entry.action == .notificationGivenUp }
        #expect(records.map(\.entry.reason) == ["status 500"])
        await ledger.close()
    }

    @Test("Refused for good: given up at once")
    func refused() async throws {
        let test = try await tenant(using: 8_000)
        let notification = try #require(try await test.ledger.dueNotifications().first)
        try await test.ledger.notificationFailed(notification, reason: "status 410", retryAfter: nil)
        #expect(test.ledger.waitingNotifications == 0)
        #expect(try await test.audit(.notificationGivenUp).map(\.entry.reason) == ["status 410"])
    }

    @Test("What nobody delivers is given up after its lifetime and a little more")
    func expired() async throws {
        let test = try await tenant(using: 8_000)
        test.clock.advance(by: Notification.lifetime + .seconds(119))
        try await test.ledger.forgetOldNotifications()
        #expect(test.ledger.waitingNotifications == 1)
        test.clock.advance(by: .seconds(2))
        try await test.ledger.forgetOldNotifications()
        #expect(test.ledger.waitingNotifications == 0)
        #expect(try await test.audit(.notificationGivenUp).map(\.entry.reason) == ["expired"])
        #expect(try await test.ledger.verifyAudit().isIntact)
    }

    @Test("When ten thousand wait no more are added, and settlements go on")
    func full() async throws {
        let test = try await TestLedger(policy: Self.limited([.hour: 10_000]))
        try test.ledger.tamper(
            """
            WITH RECURSIVE counted (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM counted WHERE n < 9999)
            INSERT INTO notification SELECT 'ntf_' || n, 'acme', '{}', 0, 0, 0 FROM counted
            """)
        let ledger = try await test.reopened()
        for (held, waiting) in [(8_000, 10_000), (2_000, 10_000)] as [(Int64, Int)] {
            let lease = try await ledger.admit(test.order(timeout: held))
            #expect(try await ledger.settle(lease, with: .completed(held: held)).chargedMilliseconds == held)
            #expect(ledger.waitingNotifications == waiting)
        }
        try await ledger.forgetOldNotifications()
        #expect(ledger.waitingNotifications == 1)
        await ledger.close()
    }
}
