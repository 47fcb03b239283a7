import ArgumentParser
import Auth
import Gateway
import Glibc
import Ledger
import Quota

extension LedgerCommand {
    struct Restore: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Put a backup in the ledger's place.",
            discussion: """
                Stop the gateway first. What is there is kept beside, under a dated name. The ledger is then what it was \
                when the backup was made: keys that were revoked since are accepted again, and what was recorded and \
                charged since is gone. It asks on a terminal what to do about the keys; elsewhere say --revoke-all-keys \
                or --keep-keys. What the backup shows as running is settled at the next start, as after a crash.
                """
        )

        @Argument(help: "The backup, as `ledger backup` made it.") var backup: String
        @Flag(help: "Revoke all tenants' keys and all admin tokens, and issue one admin token.") var revokeAllKeys =
            false
        @Flag(help: "Leave the keys as they were when the backup was made.") var keepKeys = false
        @Option(help: "A YAML file of settings, after the environment and .env.local.") var config: String?
        @OptionGroup var format: OutputOptions

        func validate() throws {
            if revokeAllKeys && keepKeys { throw ValidationError("Say --revoke-all-keys or --keep-keys, not both.") }
        }

        private struct Restored: Encodable {
            let ledger: String
            /// Where the ledger is that was there before.
            let keptAt: String?
            /// The backup's last audit record.
            let sequence: Int64
            let hash: String
            let revokedKeys: Int
            let revokedAdminTokens: Int
            /// The one admin token that is accepted, shown this once; absent if none was revoked.
            let adminToken: String?

            enum CodingKeys: String, CodingKey {
                case ledger, sequence, hash
                case keptAt = "kept_at"
                case revokedKeys = "revoked_keys"
                case revokedAdminTokens = "revoked_admin_tokens"
                case adminToken = "admin_token"
            }
        }

        func run() async throws {
            let settings = try Settings.load(configFile: config).settings
            let ledger = try settings.ledgerFile
            umask(0o077)
            let rootKey = try rootKey(settings)
            let restored: Restored
            do {
                let restoration = try LedgerRestoration(of: backup, to: ledger, rootKey: rootKey)
                guard restoration.check.isSound else {
                    let view = LedgerCheckView(restoration.check, of: backup)
                    throw CommandFailure("The backup is not sound; nothing was changed.\n\(view.text)")
                }
                let revoking = try decide(about: restoration)
                let done = try await restoration.perform(
                    revokingAllKeys: revoking, by: LedgerAdministration.localActor,
                    progress: LedgerFileAdvice.progress)
                restored = Restored(
                    ledger: ledger, keptAt: done.keptAt, sequence: restoration.check.sequence,
                    hash: restoration.check.hash, revokedKeys: done.revokedKeys,
                    revokedAdminTokens: done.revokedAdminTokens, adminToken: done.adminToken?.token.text)
            } catch let failure as LedgerFailure {
                throw advice(failure, settings)
            }
            try format.print(restored, asTable: Self.text)
        }

        private static func text(_ restored: Restored) -> String {
            var lines = [
                "Ledger       \(restored.ledger), as of audit record \(restored.sequence) (\(restored.hash.prefix(12)))"
            ]
            if let kept = restored.keptAt { lines.append("Kept         \(kept), what was there before") }
            if let token = restored.adminToken {
                lines += [
                    "Revoked      \(restored.revokedKeys) tenants' keys, \(restored.revokedAdminTokens) admin tokens",
                    "Admin token  \(token)",
                    "The admin token is shown this once; it is the only one. Next: e2b-gateway key issue TENANT for each tenant.",
                ]
            } else {
                lines.append(
                    "No key was revoked: see e2b-gateway key list, admin-token list, and revoke what must not be live.")
            }
            lines.append("Then: e2b-gateway serve")
            return lines.joined(separator: "\n")
        }
    }
}

extension LedgerCommand.Restore {
    /// Whether all keys are to be revoked, as the flags say or whoever sits at the terminal.
    private func decide(about restoration: LedgerRestoration) throws -> Bool {
        let warning = warning(restoration)
        if revokeAllKeys || keepKeys {
            Terminal.say(warning)
            return revokeAllKeys
        }
        guard Terminal.canAnswer else {
            throw CommandFailure(
                "\(warning)\nThere is no terminal to ask at: say --revoke-all-keys or --keep-keys. Nothing was changed."
            )
        }
        Terminal.say(warning)
        let question =
            "Type \"revoke\" to revoke all keys and admin tokens, \"keep\" to leave them, anything else to stop: "
        switch Terminal.answer(to: question) {
        case "revoke": return true
        case "keep": return false
        default: throw CommandFailure("Nothing was changed.")
        }
    }

    private func warning(_ restoration: LedgerRestoration) -> String {
        let check = restoration.check
        var lines = [
            "The backup ends with audit record \(check.sequence) of \(check.committedAt.text). Whatever was revoked, "
                + "rotated, limited, suspended or deleted since is undone: keys that were revoked are accepted again."
        ]
        if let loss = restoration.loss {
            if let records = loss.records {
                lines.append(
                    "The ledger that is there goes on to \(loss.committedAt.text): \(records) audit records more, "
                        + "and \(loss.revivedKeys) keys or admin tokens that were revoked or replaced since.")
            } else {
                lines.append("The ledger that is there is not a later state of this backup.")
            }
        }
        return lines.joined(separator: "\n")
    }

    private func rootKey(_ settings: Settings) throws -> RootKey {
        if let given = settings.rootKey { return given }
        do {
            return try RootKeyFile(path: settings.effectiveRootKeyFile).load(for: .file(path: backup))
        } catch let failure as LedgerFailure {
            throw advice(failure, settings)
        }
    }

    private func advice(_ failure: LedgerFailure, _ settings: Settings) -> CommandFailure {
        switch failure {
        case .missing: return CommandFailure("There is no backup at \(backup).")
        case .exists: return CommandFailure("\(backup) is the ledger itself; nothing was changed.")
        case .wrongRootKey:
            let place = settings.rootKey == nil ? settings.effectiveRootKeyFile : "GATEWAY_ROOT_KEY"
            return CommandFailure(
                "The root key in \(place) does not open the backup \(backup); nothing was changed. A backup is sealed under "
                    + "the root key of its time: if that was rotated since, put the one before in its place "
                    + "(`root-key rotate` kept it at .old), restore, and rotate again."
            )
        default: return LedgerFileAdvice.failure(failure, doing: "The backup cannot be restored")
        }
    }
}
