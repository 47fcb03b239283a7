import ArgumentParser
import Auth
import Foundation
import Gateway
import Glibc
import Ledger

struct Init: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Make the ledger and its root key.")

    @Option(help: "A YAML file of settings, after the environment and .env.local.")
    var config: String?

    @OptionGroup var format: OutputOptions

    private struct Made: Encodable {
        let ledger: String
        /// Absent when the key came from the environment.
        let rootKeyFile: String?
        /// The first administrator's token, shown this once.
        let adminToken: String

        enum CodingKeys: String, CodingKey {
            case ledger
            case rootKeyFile = "root_key_file"
            case adminToken = "admin_token"
        }
    }

    func run() async throws {
        let settings = try Settings.load(configFile: config).settings
        umask(0o077)
        // On a server it is found out in the transaction that makes it.
        if let path = settings.ledger.path, FileManager.default.fileExists(atPath: path) {
            throw CommandFailure("There is a ledger at \(path) already; nothing was changed.")
        }
        let (rootKey, isNew) = try rootKey(settings)
        let ledger: Ledger
        do {
            ledger = try LedgerAccess.create(settings, rootKey: rootKey)
        } catch {
            // It opens nothing.
            if isNew { try? FileManager.default.removeItem(atPath: settings.effectiveRootKeyFile) }
            throw error
        }
        let administration = LedgerAdministration(ledger: ledger)
        let issued = try await administration.issueAdminToken(named: "first", scopes: nil)
        await ledger.close()

        let file = settings.rootKey == nil ? settings.effectiveRootKeyFile : nil
        try format.print(Made(ledger: settings.ledger.description, rootKeyFile: file, adminToken: issued.token)) {
            made in
            var lines = ["Ledger       \(made.ledger)"]
            if let file = made.rootKeyFile {
                lines.append("Root key     \(file)\(isNew ? "" : " (was there)")")
                lines.append("Keep a copy of the root key elsewhere: without it the ledger's secrets cannot be opened.")
            }
            lines.append("Admin token  \(made.adminToken)")
            lines.append("The admin token is shown this once; it opens the administrators' listener and its console.")
            lines.append("Next: e2b-gateway tenant create NAME, e2b-gateway key issue NAME, e2b-gateway serve")
            return lines.joined(separator: "\n")
        }
    }

    private func rootKey(_ settings: Settings) throws -> (RootKey, isNew: Bool) {
        let file = RootKeyFile(path: settings.effectiveRootKeyFile)
        if let given = settings.rootKey { return (given, false) }
        guard !file.hasSuccessor else {
            throw CommandFailure(
                "There is no ledger at \(settings.ledger), but \(file.successorPath) was left by a rotation of some "
                    + "ledger's root key, which may need it. Is GATEWAY_LEDGER right? Else move the file away."
            )
        }
        if FileManager.default.fileExists(atPath: file.path) { return (try LedgerAccess.rootKey(settings), false) }
        return (try file.create(), true)
    }
}
