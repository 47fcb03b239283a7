import HTTPTypes
import Quota
import Testing

@testable import Gateway

@Suite struct RateLimitHeadersTests {
    private let rate = Rate(permits: 5, periodSeconds: 1, burst: 20)

    @Test func tellBurstRefillAndWhatIsLeft() {
        let fields = RateLimitHeaders.fields(for: RateStanding(remaining: 3, fullIn: .milliseconds(3400)), under: rate)
        #expect(fields[.rateLimitPolicy] == "\"rate\";q=20;w=4")
        #expect(fields[.rateLimit] == "\"rate\";r=3;t=4")
    }

    @Test func anExhaustedRateIsFullAfterItsWholeBurst() {
        let standing = RateStanding.exhausted(by: .rate(limit: rate, retryAfter: .milliseconds(200)))
        #expect(standing.remaining == 0)
        #expect(standing.fullIn == .milliseconds(4000))
    }
}
