import Quota
import TestSupport
import Testing

@testable import Ledger

@Suite(.once) struct RefusalFoldTests {
    private static let start = Moment(seconds: 1_800_000_000)

    private func refusal(
        _ reason: String = "rate-limited", of tenant: String = "acme", from source: String = "10.0.0.1",
        request: String = "req-1"
    ) -> AuditEntry {
        RefusedCall(
            of: .tenant(tenant, keyID: "00112233445566ff", subject: nil), calling: "createExecution", reason: reason,
            sourceAddress: source, requestID: request
        ).entry
    }

    @Test("The first of a kind is recorded as it is, and those that follow are counted")
    func folding() throws {
        var fold = RefusalFold(maximumKinds: 10)
        let first = refusal(request: "req-1")
        #expect(fold.note(first, at: Self.start) == first)
        for number in 1...5 {
            let repetition = refusal(request: "req-\(number + 1)")
            #expect(fold.note(repetition, at: Self.start + .seconds(number)) == nil)
        }
        #expect(fold.close(at: Self.start + RefusalFold.window - .nanoseconds(1)).isEmpty, "its minute is not over")

        let counted = try #require(fold.close(at: Self.start + RefusalFold.window).first)
        #expect(counted.count == 5)
        #expect(counted.firstAt == 1_800_000_001_000 && counted.lastAt == 1_800_000_005_000)
        #expect(counted.requestID == nil && counted.reason == "rate-limited" && counted.tenant == "acme")
        #expect(fold.isEmpty)
        #expect(fold.note(first, at: Self.start + .seconds(70)) == first, "a new minute begins with a record")
    }

    @Test("One that stays alone leaves one record")
    func alone() {
        var fold = RefusalFold(maximumKinds: 10)
        _ = fold.note(refusal(), at: Self.start)
        #expect(fold.close(at: Self.start + RefusalFold.window).isEmpty)
    }

    @Test("Whatever differs is another kind, except what belongs to one call")
    func kinds() {
        var fold = RefusalFold(maximumKinds: 10)
        #expect(fold.note(refusal(), at: Self.start) != nil)
        #expect(fold.note(refusal("insufficient-scope"), at: Self.start) != nil)
        #expect(fold.note(refusal(of: "beta"), at: Self.start) != nil)
        #expect(fold.note(refusal(from: "10.0.0.2"), at: Self.start) != nil)
        var other = refusal()
        (other.execution, other.codeDigest, other.codeBytes, other.traceID) = ("exe_1", "00", 7, "t")
        (other.timeoutAsked, other.template, other.language) = (17, "mine", "r")
        #expect(fold.note(other, at: Self.start) == nil)
    }

    @Test("Beyond the most kinds only what was refused and why is told apart, and nothing is lost")
    func crowd() {
        var fold = RefusalFold(maximumKinds: 3)
        var written: [AuditEntry] = []
        for number in 0..<1_000 {
            let reason = number.isMultiple(of: 2) ? "invalid-token" : "expired-token"
            if let record = fold.note(refusal(reason, from: "10.0.\(number / 250).\(number % 250)"), at: Self.start) {
                written.append(record)
            }
        }
        #expect(written.count == 3 + 2, "three kinds, and the first of each crowd")
        #expect(written.suffix(2).allSatisfy { $0.sourceAddress == nil && $0.tenant == "acme" })
        let counted = fold.close(at: Self.start, all: true)
        #expect(counted.count == 2)
        #expect(written.count + counted.reduce(0) { $0 + Int($1.count ?? 0) } == 1_000)
    }

    @Test("Random refusals at random times: every one is in a record or in a count, and counts say from when to when")
    func random() {
        for seed in 0..<50 {
            var generator = SeededGenerator(seed: UInt64(seed))
            var fold = RefusalFold(maximumKinds: 4)
            var (now, noted, recorded) = (Self.start, 0, 0)
            func take(_ counted: [AuditEntry]) {
                for entry in counted {
                    recorded += Int(entry.count ?? 0)
                    let (first, last) = (entry.firstAt ?? 0, entry.lastAt ?? 0)
                    #expect(first <= last && last <= now.milliseconds && first >= Self.start.milliseconds)
                }
            }
            for _ in 0..<500 {
                now = now + .milliseconds(Int64.random(in: 0...2_000, using: &generator))
                let source = "10.0.0.\(Int.random(in: 0..<7, using: &generator))"
                noted += 1
                if fold.note(refusal(from: source), at: now) != nil { recorded += 1 }
                if Bool.random(using: &generator) { take(fold.close(at: now)) }
            }
            take(fold.close(at: now, all: true))
            #expect(recorded == noted && fold.isEmpty, "seed \(seed)")
        }
    }
}
