import Auth
import Quota

extension Draft {
    /// Whether new work is paused, once that was changed.
    struct Pause {
        let value: Suspension?
    }

    /// What the commit, or one write of it, changes.
    struct Changes {
        var accounts: [String: Books.Account] = [:]
        var keys: [KeyID: Books.Key] = [:]
        var adminKeys: [KeyID: Books.AdminKey] = [:]
        /// All upstream keys, if any of them changed.
        var upstreamKeys: [HeldUpstreamKey]?
        /// How many nonces there are more, or less, than the books say.
        var nonces = 0
        var sealer: Sealer
        /// Whether everything sealed was sealed under another root key.
        var isSealedAnew = false
        /// Tenants whose usage row must be written.
        var usageToWrite: Set<String> = []
        /// Subjects whose usage changed.
        var subjects: [SubjectID: Usage] = [:]
        /// Rates of tenants and of subjects that changed; only where each call's is in a commit.
        var rates: [String: RateState] = [:]
        var subjectRates: [SubjectID: RateState] = [:]
        /// Sandboxes that changed.
        var sandboxes: [SandboxHandle: OwnedSandbox] = [:]
        /// What was consumed more than the disk says.
        var consumption: [ConsumptionKey: Consumption] = [:]
        /// What was charged.
        var charges: [RuntimeCharge] = []
        /// How many notifications wait more, or less, than the books say.
        var notifications = 0
        /// Whether any were added.
        var hasNews = false
        /// The kinds of refusals that have their record in this commit.
        var refusals: Set<AuditEntry> = []
        /// What new tenants get from now on, if it changed.
        var defaultPolicy: Policy?
        /// Whether new work is paused from now on, if it changed.
        var pause: Pause?
        /// Where the chain ends after it; nil while others may move its end.
        var head: AuditHead?
        /// Records that get their place when the commit's turn at the chain has come.
        var unchained: [AuditEntry] = []
        /// Tenants of whom something changed, beside usage, that gateways keep in memory.
        var renewed: Set<String> = []
        /// What else happens once the commit is on disk.
        var afterCommit: [@Sendable () -> Void] = []

        init(sealer: Sealer, head: AuditHead?) {
            self.sealer = sealer
            self.head = head
        }

        /// Goes on with what a later write changed.
        mutating func absorb(_ later: Changes) {
            accounts.merge(later.accounts) { $1 }
            keys.merge(later.keys) { $1 }
            adminKeys.merge(later.adminKeys) { $1 }
            upstreamKeys = later.upstreamKeys ?? upstreamKeys
            nonces += later.nonces
            sealer = later.sealer
            isSealedAnew = isSealedAnew || later.isSealedAnew
            usageToWrite.formUnion(later.usageToWrite)
            subjects.merge(later.subjects) { $1 }
            rates.merge(later.rates) { $1 }
            subjectRates.merge(later.subjectRates) { $1 }
            sandboxes.merge(later.sandboxes) { $1 }
            for (key, more) in later.consumption { consumption[key, default: Consumption()] += more }
            charges += later.charges
            notifications += later.notifications
            hasNews = hasNews || later.hasNews
            refusals.formUnion(later.refusals)
            defaultPolicy = later.defaultPolicy ?? defaultPolicy
            pause = later.pause ?? pause
            head = later.head
            unchained += later.unchained
            renewed.formUnion(later.renewed)
            afterCommit += later.afterCommit
        }
    }
}
