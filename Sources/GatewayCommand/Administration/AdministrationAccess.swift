import ArgumentParser
import CurlTransport
import Foundation
import Gateway
import Ledger

/// Options of every command that administers.
struct AdministrationOptions: ParsableArguments {
    @Option(help: "A YAML file of settings, after the environment and .env.local.")
    var config: String?

    /// Does the work at the administrators' listener if there is a token for it; else through the control socket of the
    /// gateway that runs on this ledger, or, if none is running, on the ledger itself.
    func administer<Value>(_ work: (any Administration) async throws -> Value) async throws -> Value {
        let settings = try Settings.load(configFile: config).settings
        if let given = settings.adminToken {
            let token = try PresentedToken.checked(given, from: SettingName.adminToken.rawValue)
            let transport = CurlClient()
            do {
                let door = RemoteAdministration.Door.listener(url: settings.adminURL, token: token)
                let value = try await work(RemoteAdministration(transport: transport, through: door))
                await transport.shutdown()
                return value
            } catch let failure as TransportFailure {
                await transport.shutdown()
                throw CommandFailure(
                    "The gateway's administrators' listener at \(settings.adminURL) cannot be reached (\(failure)). "
                        + "Is GATEWAY_ADMIN_URL right? Without GATEWAY_ADMIN_TOKEN the ledger here is administered."
                )
            } catch {
                await transport.shutdown()
                throw error
            }
        }
        if FileManager.default.fileExists(atPath: settings.controlSocketPath) {
            let transport = CurlClient()
            do {
                let value = try await work(
                    RemoteAdministration(transport: transport, through: .socket(path: settings.controlSocketPath)))
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
