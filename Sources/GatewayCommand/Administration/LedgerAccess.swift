import Auth
import Foundation
import Gateway
import Glibc
import Ledger

/// Opens the ledger with the root key that the settings name.
enum LedgerAccess {
    static func open(_ settings: Settings) throws -> Ledger {
        let rootKey = try rootKey(settings)
        let ledger = try open(settings, rootKey: rootKey)
        // With the ledger held, nobody else is rotating.
        if settings.rootKey == nil {
            try RootKeyFile(path: settings.effectiveRootKeyFile).finishInterrupted(with: rootKey)
        }
        return ledger
    }

    static func open(_ settings: Settings, rootKey: RootKey) throws -> Ledger {
        // Whatever is created beside the ledger belongs to its user alone.
        umask(0o077)
        return try advising(settings) { () throws(LedgerFailure) in
            try Ledger.open(at: settings.ledgerPath, rootKey: rootKey, retention: settings.retention)
        }
    }

    static func create(_ settings: Settings, rootKey: RootKey) throws -> Ledger {
        try advising(settings) { () throws(LedgerFailure) in
            try Ledger.create(at: settings.ledgerPath, rootKey: rootKey, retention: settings.retention)
        }
    }

    /// Says what to do about a ledger that cannot be opened or made.
    private static func advising(
        _ settings: Settings, _ work: () throws(LedgerFailure) -> Ledger
    ) throws(CommandFailure) -> Ledger {
        let path = settings.ledgerPath
        do {
            return try work()
        } catch {
            throw switch error {
            case .missing: CommandFailure("There is no ledger at \(path). Make one with `e2b-gateway init`.")
            case .exists: CommandFailure("There is a ledger at \(path) already; nothing was changed.")
            case .inUse:
                CommandFailure(
                    "Another process holds the ledger at \(path): a gateway that is running, or another command. "
                        + "Stop it, or wait for it."
                )
            case .notALedger: CommandFailure("\(path) is not a ledger of this gateway.")
            case .tooNew: CommandFailure("The ledger at \(path) was written by a newer version of this gateway.")
            case .wrongRootKey: CommandFailure(wrongRootKey(settings))
            default: CommandFailure("The ledger at \(path) cannot be used: \(error).")
            }
        }
    }

    private static func wrongRootKey(_ settings: Settings) -> String {
        let path = settings.ledgerPath
        return settings.rootKey == nil
            ? "The root key in \(settings.effectiveRootKeyFile) does not open the ledger at \(path). "
                + "Is GATEWAY_ROOT_KEY_FILE the right one, or did a rotation leave it beside, at .new or .old?"
            : "The root key in GATEWAY_ROOT_KEY does not open the ledger at \(path). "
                + "If it was rotated, the new one belongs there."
    }

    static func rootKey(_ settings: Settings) throws -> RootKey {
        if let given = settings.rootKey { return given }
        return try RootKeyFile(path: settings.effectiveRootKeyFile).load(for: settings.ledgerPath)
    }
}
