import HTTPTypes
import Ledger

/// What a caller is told when its execution begins, and again when it is over.
struct BegunExecution: Codable, Sendable, Hashable {
    let id: String
    let grantedTimeoutMilliseconds: Int64
    let timeoutLowered: Bool
    /// How long it waited for its sandbox.
    let queuedMilliseconds: Int64

    init(_ lease: Lease, queuedMilliseconds: Int64) {
        id = lease.executionID.text
        grantedTimeoutMilliseconds = lease.timeoutMilliseconds
        timeoutLowered = lease.wasLowered
        self.queuedMilliseconds = queuedMilliseconds
    }

    /// What every reply about an admitted execution says in its head.
    var headers: HTTPFields {
        [.executionID: id, .grantedTimeout: String(grantedTimeoutMilliseconds)]
    }
}
