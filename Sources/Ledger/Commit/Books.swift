import Auth
import Quota

/// What the ledger keeps in memory: committed state, since nobody else writes the file, and two things that are written
/// late because losing a second of them does no harm: rates and last uses.
struct Books: Sendable {
    /// A tenant with its limits and its usage.
    struct Account: Sendable {
        var tenant: Tenant
        var policy: Policy
        var usage: Usage
    }

    /// A key with what its tokens are held against.
    struct Key: Sendable {
        var record: KeyRecord
        let verifier: TokenVerifier
    }

    var accounts: [String: Account] = [:]
    var keys: [KeyID: Key] = [:]
    var head = AuditHead.start

    /// Where each tenant stands against its rate, and which of these have changed since they were last written.
    var rates: [String: RateState] = [:]
    var unwrittenRates: Set<String> = []
    var unwrittenUses: Set<KeyID> = []
}
