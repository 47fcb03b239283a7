import Auth
public import Quota

extension Ledger {
    /// Gives a tenant runtime once, beyond its windows.
    ///
    /// - Parameters:
    ///   - milliseconds: How much: 1 ms to 1,000 sandboxes for a month.
    ///   - tenant: Whom.
    ///   - expiresAt: The first instant at which it gives nothing any more; later than now, and within ten years.
    ///   - actor: Who does it, for the audit log.
    ///   - key: Makes a repeated request get what the first one made.
    /// - Throws: ``LedgerFailure/noSuchTenant(_:)``, ``LedgerFailure/invalidCredit(_:)``,
    ///   ``LedgerFailure/unavailable(_:)``; with a key what ``Draft/once(_:by:make:)`` says.
    public func grantCredit(
        _ milliseconds: Int64, to tenant: String, until expiresAt: Moment, by actor: Actor, under key: RequestKey? = nil
    ) async throws(LedgerFailure) -> RuntimeCredit {
        guard (1...Self.largestCredit).contains(milliseconds) else {
            throw .invalidCredit("must be from 1 ms to \(Self.largestCredit) ms")
        }
        let request = prepared(
            key, ["grantCredit", tenant, "\(milliseconds)", "\(expiresAt.nanoseconds)"], by: actor)
        return try await commits.submit { draft in
            try draft.once(request, by: actor) { draft in
                try Self.grantCredit(milliseconds, to: tenant, until: expiresAt, by: actor, in: &draft)
            }
        }
    }

    private static func grantCredit(
        _ milliseconds: Int64, to tenant: String, until expiresAt: Moment, by actor: Actor, in draft: inout Draft
    ) throws -> RuntimeCredit {
        let account = try draft.required(tenant)
        guard expiresAt > draft.now else { throw LedgerFailure.invalidCredit("must end after now") }
        guard expiresAt < draft.now + longestCredit else {
            throw LedgerFailure.invalidCredit("must end within ten years")
        }
        guard account.usage.credits.count < mostCredits else {
            throw LedgerFailure.invalidCredit("would be one of more than \(mostCredits) that are live")
        }
        let credit = RuntimeCredit(
            id: "crd_" + Hex.text(SecureRandom.bytes(8)), milliseconds: milliseconds, expiresAt: expiresAt)
        var usage = account.usage
        usage.add(credit, at: draft.now)
        draft.setUsage(usage, of: account)
        var entry = try draft.entry(.creditGranted, by: actor)
        entry.tenant = account.tenant.handle
        entry.after = document(credit)
        try draft.audit(entry)
        return credit
    }

    /// Ends a credit; what is reserved in it goes on.
    ///
    /// - Returns: the credit as it was before.
    /// - Throws: ``LedgerFailure/noSuchTenant(_:)``, ``LedgerFailure/noSuchCredit(_:)``,
    ///   ``LedgerFailure/unavailable(_:)``.
    @discardableResult
    public func withdrawCredit(
        _ id: String, of tenant: String, by actor: Actor
    ) async throws(LedgerFailure) -> RuntimeCredit {
        try await commits.submit { draft in
            let account = try draft.required(tenant)
            var usage = account.usage
            guard let before = usage.withdrawCredit(id, at: draft.now) else { throw LedgerFailure.noSuchCredit(id) }
            draft.setUsage(usage, of: account)
            var entry = try draft.entry(.creditWithdrawn, by: actor)
            entry.tenant = account.tenant.handle
            entry.before = Self.document(before)
            entry.after = usage.credits.first { $0.id == id }.map(Self.document)
            try draft.audit(entry)
            return before
        }
    }

    private static func document(_ credit: RuntimeCredit) -> CanonicalJSON {
        .object([
            "credit": .string(credit.id), "ms": .integer(credit.milliseconds),
            "used_ms": .integer(credit.usedMilliseconds), "until_ms": .integer(credit.expiresAt.milliseconds),
        ])
    }

    private static let largestCredit: Int64 = 1_000 * 31 * 86_400_000
    private static let longestCredit = Duration.seconds(3_653 * 86_400)
    private static let mostCredits = 32
}
