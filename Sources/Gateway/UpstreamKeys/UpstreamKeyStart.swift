import E2BUpstream
import Ledger
import Logging

/// What becomes of `E2B_API_KEY` when a gateway starts.
enum UpstreamKeyStart {
    /// Takes the key over if the ledger has none, and hands the ledger's keys to whoever calls upstream.
    static func take(
        _ given: UpstreamKeySecret?, into ledger: Ledger, for upstream: E2BClient, logger: Logger
    ) async throws(LedgerFailure) {
        if let given {
            if let key = try await ledger.importUpstreamKey(given, by: "gateway") {
                logger.notice("took E2B_API_KEY into the ledger", metadata: ["upstream_key": "\(key.id)"])
            } else if ledger.upstreamKey(with: given) == nil {
                logger.warning(
                    "E2B_API_KEY is none of the ledger's upstream keys and is not used; add it with `upstream-key add`")
            }
        }
        upstream.keys.refresh(from: ledger)
    }
}
