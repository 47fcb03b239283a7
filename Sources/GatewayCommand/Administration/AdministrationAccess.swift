import ArgumentParser
import CurlTransport
import Foundation
import Gateway
import Ledger

/// Options of every command that administers.
struct AdministrationOptions: ParsableArguments {
    @Option(help: "A YAML file of settings, after the environment and .env.local.")
    var config: String?

    /// Does the work through the running gateway's control socket, or, if none is running, on the ledger itself.
    func administer<Value>(_ work: (any Administration) async throws -> Value) async throws -> Value {
        let settings = try Settings.load(configFile: config).settings
        if FileManager.default.fileExists(atPath: settings.controlSocketPath) {
            let transport = CurlClient()
            do {
                let value = try await work(
                    RemoteAdministration(transport: transport, socket: settings.controlSocketPath))
                await transport.shutdown()
                return value
            } catch TransportFailure.refused {
                // A killed gateway leaves its socket behind; the ledger is free then.
                await transport.shutdown()
            } catch {
                await transport.shutdown()
                throw error
            }
        }
        let ledger = try LedgerAccess.open(settings)
        do {
            let value = try await work(LedgerAdministration(ledger: ledger))
            await ledger.close()
            return value
        } catch {
            await ledger.close()
            throw error
        }
    }
}
