import ArgumentParser
import Auth
import Gateway
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
            // It finishes what an interrupted rotation left.
            let (ledger, old) = try LedgerAccess.openWithKey(settings)
            do {
                try await rotate(ledger, settings, from: old)
                await ledger.close()
            } catch {
                await ledger.close()
                throw error
            }
        }

        private func rotate(_ ledger: Ledger, _ settings: Settings, from old: RootKey) async throws {
            let others = try await ledger.otherGateways()
            guard others == 0 else {
                throw CommandFailure(
                    "\(others == 1 ? "A gateway has" : "\(others) gateways have") the ledger open, and could not go on under "
                        + "another root key. Stop them first; one that was killed counts for another 15 seconds.")
            }
            guard settings.rootKey == nil else {
                guard let new = settings.newRootKey else {
                    throw CommandFailure(
                        "The root key comes from GATEWAY_ROOT_KEY; give the new one, 64 hex digits, in "
                            + "GATEWAY_NEW_ROOT_KEY."
                    )
                }
                guard new.exported() != old.exported() else {
                    throw CommandFailure("GATEWAY_NEW_ROOT_KEY is the key that is in force.")
                }
                try await ledger.rotateRootKey(to: new, by: LedgerAdministration.localActor)
                print("Resealed. Put the new key into GATEWAY_ROOT_KEY now; keep the old one for backups of its time.")
                return
            }
            let file = RootKeyFile(path: settings.effectiveRootKeyFile)
            try await ledger.rotateRootKey(to: try file.prepareSuccessor(), by: LedgerAdministration.localActor)
            try file.adoptSuccessor()
            print(
                """
                Resealed under the new key in \(file.path). Keep a copy of it elsewhere.
                The old key is in \(file.oldPath), for backups made before; delete it when you need none of them.
                """
            )
        }
    }
}
