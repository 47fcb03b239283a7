import HTTPTypes
import Hummingbird
import Quota
import Testing

@testable import Gateway

@Suite struct ProblemTests {
    @Test func everyTypeHasItsPage() {
        for type in ProblemType.allCases {
            #expect((400..<600).contains(type.status))
            #expect(type.path == "/problems/\(type.rawValue)")
            #expect(!type.title.isEmpty && type.cure.count > 20)
        }
    }

    @Test func waitsAreExactInMillisecondsAndRoundedUpInSeconds() {
        let rate = Rate(permits: 10, periodSeconds: 1, burst: 1)
        let problem = Problem(Denial.rate(limit: rate, retryAfter: .nanoseconds(1_000_000_001)))
        let response = problem.response(requestID: "req_1")
        #expect(response.headers[.retryAfter] == "2")
        #expect(problem.document(requestID: "req_1").retryAfterMilliseconds == 1001)
        #expect(response.status.code == 429)
    }

    @Test func quotasTellHowThingsStand() {
        let denial = Denial.runtime(
            RuntimeExhaustion(
                window: .day, limitMilliseconds: 1000, usedMilliseconds: 900, reservedMilliseconds: 100,
                resetsAt: Moment(seconds: 86_400), retryAfter: .microseconds(1_500)
            )
        )
        let document = Problem(denial).document(requestID: "req_1")
        #expect((document.limit, document.used, document.reserved) == (1000, 900, 100))
        #expect(document.resetsAt == "1970-01-02T00:00:00.000Z")
        #expect(document.code == 429)
        #expect(document.retryAfterMilliseconds == 2)
    }

    @Test func aSubjectsShareIsTold() {
        let problem = Problem(Denial.subject(.executions(limit: 1, running: 1)))
        #expect(problem.type == .concurrencyExceeded)
        #expect(problem.detail == "Of each subject's share: 1 of 1 executions are running.")
    }
}
