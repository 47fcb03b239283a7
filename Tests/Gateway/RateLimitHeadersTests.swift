import HTTPTypes
import Quota
import Testing

@testable import Gateway

@Suite struct RateLimitHeadersTests {
    private let rate = Rate(permits: 5, periodSeconds: 1, burst: 20)
    private var policy: Policy {
        var policy = Policy.standard
        policy.rate = rate
        return policy
    }

    @Test func tellBurstRefillAndWhatIsLeft() {
        let standings = RateStandings(tenant: RateStanding(remaining: 3, fullIn: .milliseconds(3400)))
        let fields = RateLimitHeaders.fields(for: standings, under: policy)
        #expect(fields[.rateLimitPolicy] == "\"rate\";q=20;w=4")
        #expect(fields[.rateLimit] == "\"rate\";r=3;t=4")
    }

    @Test func tellASubjectsShareAsASecondItem() {
        var policy = policy
        policy.subject = SubjectLimits(rate: Rate(permits: 1, periodSeconds: 1, burst: 2))
        let standings = RateStandings(
            tenant: RateStanding(remaining: 3, fullIn: .milliseconds(3400)),
            subject: RateStanding(remaining: 1, fullIn: .seconds(1))
        )
        let fields = RateLimitHeaders.fields(for: standings, under: policy)
        #expect(fields[.rateLimitPolicy] == "\"rate\";q=20;w=4, \"subject\";q=2;w=2")
        #expect(fields[.rateLimit] == "\"rate\";r=3;t=4, \"subject\";r=1;t=1")
    }

    @Test func anExhaustedRateIsFullAfterItsWholeBurst() {
        let denial = Denial.rate(limit: rate, retryAfter: .milliseconds(200))
        #expect(RateLimitHeaders.fields(refusedBy: denial, under: policy)[.rateLimit] == "\"rate\";r=0;t=4")
        let fields = RateLimitHeaders.fields(refusedBy: .subject(denial), under: policy)
        #expect(fields[.rateLimit] == "\"subject\";r=0;t=4")
        #expect(fields[.rateLimitPolicy] == "\"subject\";q=20;w=4")
    }
}
