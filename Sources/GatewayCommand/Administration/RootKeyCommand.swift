import ArgumentParser
import Auth
import Foundation
import Gateway
import Glibc
import Ledger

struct RootKeyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "root-key", abstract: "Rotate the key under which the ledger's secrets are sealed.",
        subcommands: [Rotate.self]
    )

    struct Rotate: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Seal everything anew under a new root key.",
            discussion: """
                Stop the gateway first. The new key is written beside the old one, the ledger is resealed in one \
                transaction, then the file takes the old one's place; interrupted at any point, the next command or \
                start finishes what was begun. With the key in GATEWAY_ROOT_KEY, give the new one in \
                GATEWAY_NEW_ROOT_KEY and put it in place of the old one afterwards.
                """
        )

        @OptionGroup var administration: AdministrationOptions

        func run() async throws {
            let settings = try Settings.load(configFile: administration.config).settings
            let ledger = try LedgerAccess.open(settings)
            do {
                if settings.rootKey != nil {
                    try await rotate(ledger, to: try Self.given())
                    print("Resealed. Put the new key into GATEWAY_ROOT_KEY now.")
                } else {
                    let file = RootKeyFile(path: settings.effectiveRootKeyFile)
                    try await rotate(ledger, to: try file.prepareSuccessor())
                    try file.adoptSuccessor()
                    print("Resealed under the new key in \(file.path). Keep a copy of it elsewhere.")
                }
                await ledger.close()
            } catch {
                await ledger.close()
                throw error
            }
        }

        private func rotate(_ ledger: Ledger, to key: RootKey) async throws {
            try await ledger.rotateRootKey(to: key, by: LedgerAdministration.localActor)
        }

        private static func given() throws -> RootKey {
            guard let text = ProcessInfo.processInfo.environment["GATEWAY_NEW_ROOT_KEY"],
                let key = try? RootKey(text: text)
            else {
                throw CommandFailure(
                    "The root key comes from GATEWAY_ROOT_KEY; give the new one, 64 hex digits, in GATEWAY_NEW_ROOT_KEY."
                )
            }
            return key
        }
    }
}
