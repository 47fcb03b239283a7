import CurlTransport
import E2BUpstream

// Every failure of upstream, by what was going on.

extension Problem {
    /// Upstream failed to make a sandbox: nothing ran and nothing is charged. Only where the request cannot have
    /// reached upstream is repeating it harmless.
    init(creating failure: UpstreamFailure) {
        switch failure {
        case .unreachable(.refused), .unreachable(.unresolvable), .unreachable(.connectTimedOut):
            self.init(
                .upstreamUnreachable, "The sandbox cloud could not be reached; nothing was run.",
                retryAfter: .seconds(1)
            )
        case .suspended(let retryAfter):
            self.init(
                .upstreamUnreachable,
                "The sandbox cloud has failed again and again and is not asked for a while; nothing was run.",
                retryAfter: retryAfter)
        case .capacity(let retryAfter):
            self.init(
                .upstreamCapacity, "The sandbox cloud has no room for another sandbox.",
                retryAfter: retryAfter ?? .seconds(1)
            )
        case .unreachable(.tlsFailed):
            self.init(
                .upstreamUnreachable, "The sandbox cloud's certificate is not trusted; nothing was run.",
                shouldRetry: false
            )
        case .timedOut:
            self.init(
                .upstreamTimeout, "The sandbox cloud made no sandbox in time; nothing was run.", shouldRetry: false)
        case .credentialRefused, .refused:
            self.init(.upstreamRefused, "The sandbox cloud refused the gateway; nothing was run.", shouldRetry: false)
        case .contextInvalid(let reason):
            self.init(.invalidRequest, reason, shouldRetry: false)
        case .unreachable, .broken, .sandboxGone, .cancelled:
            self.init(
                .upstreamBroken, "The sandbox cloud broke off or its answer made no sense; nothing was run.",
                shouldRetry: false
            )
        }
    }

    /// Upstream failed while a sandbox was held: the code may have run, and the time it was held is charged.
    init(running failure: UpstreamFailure) {
        switch failure {
        case .timedOut:
            self.init(.upstreamTimeout, "The sandbox fell silent; the code may have run.", shouldRetry: false)
        case .credentialRefused, .refused, .capacity:
            self.init(.upstreamRefused, "The sandbox refused to run the code.", shouldRetry: false)
        case .sandboxGone:
            self.init(.upstreamBroken, "The sandbox ended before the code did.", shouldRetry: false)
        case .contextInvalid(let reason):
            self.init(.invalidRequest, reason, shouldRetry: false)
        case .unreachable, .broken, .cancelled, .suspended:
            self.init(.upstreamBroken, "The sandbox broke off; the code may have run.", shouldRetry: false)
        }
    }

    /// Upstream failed at something that concerns a sandbox that lives.
    init(living failure: UpstreamFailure) {
        switch failure {
        case .unreachable, .suspended:
            self.init(.upstreamUnreachable, "The sandbox cloud could not be reached.", shouldRetry: false)
        case .timedOut:
            self.init(.upstreamTimeout, "The sandbox cloud did not answer in time.", shouldRetry: false)
        case .capacity(let retryAfter):
            self.init(.upstreamCapacity, "The sandbox cloud has no room.", retryAfter: retryAfter ?? .seconds(1))
        case .credentialRefused, .refused:
            self.init(.upstreamRefused, "The sandbox cloud refused the gateway.", shouldRetry: false)
        case .sandboxGone:
            self.init(.notFound, "The sandbox was not found", shouldRetry: false)
        case .broken, .contextInvalid, .cancelled:
            self.init(.upstreamBroken, "The sandbox cloud's answer made no sense.", shouldRetry: false)
        }
    }
}

extension UpstreamFailure {
    /// Whether a create that failed so may have made a sandbox all the same.
    var leavesDoubt: Bool {
        switch self {
        case .unreachable(.refused), .unreachable(.unresolvable), .unreachable(.connectTimedOut),
            .unreachable(.tlsFailed), .unreachable(.invalidRequest), .capacity, .credentialRefused, .refused,
            .contextInvalid, .suspended:
            false
        case .unreachable, .timedOut, .broken, .sandboxGone, .cancelled: true
        }
    }
}
