extension SQLFailure {
    /// What a server complained of. Its details and its context stay out: they hold values.
    init(_ result: LibpqResult) {
        guard let state = result.sqlState else {
            self = .disconnected("the connection is lost")
            return
        }
        // Where it objects to a value the message itself quotes it, and nothing else.
        let message = result.primaryMessage
        let isAboutValue = state.hasPrefix("22")
        self.init(sqlState: state, message: isAboutValue ? String(message.prefix { $0 != "\"" }) : message)
    }

    init(sqlState: String, message: String) {
        self.init(kind: Kind(sqlState: sqlState), reason: "PostgreSQL \(sqlState): \(message)")
    }

    /// A connection that cannot be used.
    static func disconnected(_ reason: String) -> SQLFailure {
        SQLFailure(kind: .unavailable, reason: "PostgreSQL: \(reason)")
    }
}

extension SQLFailure.Kind {
    fileprivate init(sqlState: String) {
        self =
            switch sqlState {
            // A conflict of serialisable transactions, a deadlock.
            case "40001", "40P01": .undone
            // A lock or a statement that took too long.
            case "55P03", "57014": .locked
            case _ where ["22", "23", "54"].contains(where: sqlState.hasPrefix): .values
            case _ where sqlState.hasPrefix("XX"): .damage
            case _ where sqlState.hasPrefix("42"): .statement
            default: .unavailable
            }
    }
}
