extension Problem {
    /// - Parameter reason: an administrator's words, if there are any.
    static func tenantSuspended(because reason: String?) -> Problem {
        Problem(.tenantDisabled, said("The tenant is suspended", reason), shouldRetry: false)
    }

    static func keySuspended(because reason: String?) -> Problem {
        Problem(.keySuspended, said("The key is suspended", reason), shouldRetry: false)
    }

    /// Not the key that calls, but the one that made the sandbox.
    static func makerSuspended(because reason: String?) -> Problem {
        Problem(.keySuspended, said("The key that made this sandbox is suspended", reason), shouldRetry: false)
    }

    /// Nobody can say how long to wait.
    static func paused(because reason: String?) -> Problem {
        Problem(.paused, said("An administrator has paused all new work", reason), shouldRetry: false)
    }

    private static func said(_ fact: String, _ reason: String?) -> String {
        reason.map { "\(fact): \($0)" } ?? "\(fact)."
    }
}
