import Auth
import Foundation
import Gateway
import Glibc
import Ledger

/// Opens the ledger with the root key that the settings name.
enum LedgerAccess {
    static func open(_ settings: Settings) throws -> Ledger { try openWithKey(settings).ledger }

    /// The ledger, and the root key that opened it.
    static func openWithKey(_ settings: Settings) throws -> (ledger: Ledger, rootKey: RootKey) {
        // Whatever is created beside the ledger belongs to its user alone.
        umask(0o077)
        var rootKey = try rootKey(settings)
        let ledger: Ledger
        do throws(LedgerFailure) {
            ledger = try open(settings, with: rootKey)
        } catch {
            // The key is read before the ledger is held, so somebody may have rotated in between.
            guard error == .wrongRootKey, case let current = try self.rootKey(settings),
                current.exported() != rootKey.exported()
            else { throw advice(on: error, settings) }
            rootKey = current
            ledger = try advising(settings) { () throws(LedgerFailure) in try open(settings, with: current) }
        }
        // With the ledger held, nobody else is rotating.
        if settings.rootKey == nil {
            try RootKeyFile(path: settings.effectiveRootKeyFile).finishInterrupted(with: rootKey)
        }
        return (ledger, rootKey)
    }

    private static func open(_ settings: Settings, with rootKey: RootKey) throws(LedgerFailure) -> Ledger {
        try Ledger.open(in: settings.ledger, rootKey: rootKey, retention: settings.retention)
    }

    static func create(_ settings: Settings, rootKey: RootKey) throws -> Ledger {
        try advising(settings) { () throws(LedgerFailure) in
            try Ledger.create(in: settings.ledger, rootKey: rootKey, retention: settings.retention)
        }
    }

    /// Says what to do about a ledger that cannot be opened or made.
    private static func advising(
        _ settings: Settings, _ work: () throws(LedgerFailure) -> Ledger
    ) throws(CommandFailure) -> Ledger {
        do {
            return try work()
        } catch {
            throw advice(on: error, settings)
        }
    }

    /// What became of the ledger, and what to do about it.
    static func advice(on failure: LedgerFailure, _ settings: Settings) -> CommandFailure {
        let place = settings.ledger
        return switch failure {
        case .missing where place.path.map(LedgerRestoration.wasInterrupted(at:)) == true:
            CommandFailure(
                "There is no ledger at \(place), because a restoration was interrupted. "
                    + "Repeat it: `e2b-gateway ledger restore BACKUP`."
            )
        case .missing where place.path.flatMap(LedgerMove.destination(from:)) != nil:
            CommandFailure(hasMoved(from: place.path ?? ""))
        case .missing: CommandFailure("There is no ledger at \(place). Make one with `e2b-gateway init`.")
        case .exists: CommandFailure("There is a ledger at \(place) already; nothing was changed.")
        case .inUse:
            CommandFailure(
                "Another process holds the ledger at \(place): a gateway that is running, or another command. "
                    + "Stop it, or wait for it."
            )
        case .notALedger:
            CommandFailure("\(place) is not a ledger of this gateway, or its beginning is damaged. \(cure(of: place))")
        case .tooNew: CommandFailure("The ledger at \(place) was written by a newer version of this gateway.")
        case .wrongRootKey: CommandFailure(wrongRootKey(settings))
        case .unavailable(let reason):
            CommandFailure("The ledger at \(place) cannot be used: \(reason). \(cure(of: place))")
        default: CommandFailure("The ledger at \(place) cannot be used: \(failure).")
        }
    }

    private static func hasMoved(from path: String) -> String {
        let place = LedgerMove.destination(from: path).flatMap { $0.isEmpty ? nil : $0 } ?? "PostgreSQL"
        return
            "The ledger at \(path) was moved to \(place), or was about to be when that was interrupted. If the move was "
            + "finished, set GATEWAY_LEDGER to that address; if you do not know, repeat it: `e2b-gateway ledger migrate "
            + "--from sqlite:\(path) --to …` finds out. Its file is kept at \(LedgerMove.file(of: path)); docs/runbook.md says "
            + "how to go back."
    }

    /// For a ledger that may be damaged.
    private static func cure(of place: LedgerLocation) -> String {
        place.path == nil
            ? "Is the server up, and can it be reached from here? docs/runbook.md, \"When the database is down\"."
            : "Unless the disk or its rights are to blame: `e2b-gateway ledger check` says what is broken, "
                + "`e2b-gateway ledger restore BACKUP` puts a copy in its place."
    }

    private static func wrongRootKey(_ settings: Settings) -> String {
        let path = settings.ledger
        return settings.rootKey == nil
            ? "The root key in \(settings.effectiveRootKeyFile) does not open the ledger at \(path). "
                + "Is GATEWAY_ROOT_KEY_FILE the right one, or did a rotation leave it beside, at .new or .old?"
            : "The root key in GATEWAY_ROOT_KEY does not open the ledger at \(path). "
                + "If it was rotated, the new one belongs there."
    }

    static func rootKey(_ settings: Settings) throws -> RootKey {
        if let given = settings.rootKey { return given }
        do {
            return try RootKeyFile(path: settings.effectiveRootKeyFile).load(for: settings.ledger)
        } catch let failure as LedgerFailure {
            throw advice(on: failure, settings)
        }
    }
}
