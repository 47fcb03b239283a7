import HTTPTypes
import Quota

/// `RateLimit` and `RateLimit-Policy` as the IETF's draft-ietf-httpapi-ratelimit-headers (10) writes them: `q` is the
/// burst, `w` the seconds in which an empty bucket fills, `r` what is left, `t` the seconds until it is full.
enum RateLimitHeaders {
    static func fields(for standing: RateStanding, under rate: Rate) -> HTTPFields {
        let window = Duration.seconds(rate.periodSeconds) * rate.burst / max(rate.permits, 1)
        return [
            .rateLimitPolicy: "\"rate\";q=\(rate.burst);w=\(window.secondsRoundedUp)",
            .rateLimit: "\"rate\";r=\(standing.remaining);t=\(standing.fullIn.secondsRoundedUp)",
        ]
    }
}

extension RateStanding {
    static func exhausted(by denial: Denial) -> RateStanding {
        guard case .rate(let rate, let retryAfter) = denial else { return RateStanding(remaining: 0, fullIn: .zero) }
        let interval = Duration.seconds(rate.periodSeconds) / max(rate.permits, 1)
        return RateStanding(remaining: 0, fullIn: retryAfter + interval * (rate.burst - 1))
    }
}
