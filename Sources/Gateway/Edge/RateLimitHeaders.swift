import HTTPTypes
import Quota

/// `RateLimit` and `RateLimit-Policy` as the IETF's draft-ietf-httpapi-ratelimit-headers (10) writes them: `q` is the
/// burst, `w` the seconds in which an empty bucket fills, `r` what is left, `t` the seconds until it is full. Where
/// subjects have a rate of their own, it is the second item.
enum RateLimitHeaders {
    static func fields(for standings: RateStandings, under policy: Policy) -> HTTPFields {
        var items = [Item(name: "rate", rate: policy.rate, standing: standings.tenant)]
        if let rate = policy.subject?.rate, let standing = standings.subject {
            items.append(Item(name: "subject", rate: rate, standing: standing))
        }
        return fields(items)
    }

    /// For a call that a rate refused: of that rate alone, since nothing was taken of the other.
    static func fields(refusedBy denial: Denial, under policy: Policy) -> HTTPFields {
        switch denial {
        case .rate(let rate, let retryAfter):
            fields([Item(name: "rate", rate: rate, standing: .exhausted(rate, for: retryAfter))])
        case .subject(.rate(let rate, let retryAfter)):
            fields([Item(name: "subject", rate: rate, standing: .exhausted(rate, for: retryAfter))])
        case .executions, .sandboxes, .runtime, .subject: [:]
        }
    }

    private struct Item {
        let name: String
        let rate: Rate
        let standing: RateStanding

        var policy: String {
            let window = Duration.seconds(rate.periodSeconds) * rate.burst / max(rate.permits, 1)
            return "\"\(name)\";q=\(rate.burst);w=\(window.secondsRoundedUp)"
        }

        var left: String { "\"\(name)\";r=\(standing.remaining);t=\(standing.fullIn.secondsRoundedUp)" }
    }

    private static func fields(_ items: [Item]) -> HTTPFields {
        [
            .rateLimitPolicy: items.map(\.policy).joined(separator: ", "),
            .rateLimit: items.map(\.left).joined(separator: ", "),
        ]
    }
}

extension RateStanding {
    /// Nothing left, and the first permit back in `retryAfter`.
    static func exhausted(_ rate: Rate, for retryAfter: Duration) -> RateStanding {
        let interval = Duration.seconds(rate.periodSeconds) / max(rate.permits, 1)
        return RateStanding(remaining: 0, fullIn: retryAfter + interval * (rate.burst - 1))
    }
}
