import ArgumentParser
import CurlTransport
import Foundation
import Gateway
import Ledger

/// Options of every command that administers.
struct AdministrationOptions: ParsableArguments {
    @Option(help: "A YAML file of settings, after the environment and .env.local.")
    var config: String?

    /// No gateway answers.
    struct NoGateway: Error {
        /// What to do about it, where only a gateway can be asked; nil where the ledger itself can.
        var advice: CommandFailure?
    }

    /// Does the work at the administrators' listener if there is a token for it; else through the control socket of the
    /// gateway that runs on this ledger, or, if none is running, on the ledger itself.
    func administer<Value>(_ work: (any Administration) async throws -> Value) async throws -> Value {
        let settings = try Settings.load(configFile: config).settings
        do {
            return try await administer(settings) { try await work($0) }
        } catch let failure as NoGateway {
            if let advice = failure.advice { throw advice }
            return try await administer(try LedgerAccess.open(settings), work)
        }
    }

    /// The same, but never on the ledger itself, which whoever polls would take away from a gateway that starts.
    ///
    /// - Throws: ``NoGateway`` when none answers.
    func administerThroughGateway<Value>(_ work: (any Administration) async throws -> Value) async throws -> Value {
        try await administer(try Settings.load(configFile: config).settings) { try await work($0) }
    }

    func administer<Value>(
        _ settings: Settings, throughGateway work: (RemoteAdministration) async throws -> Value
    ) async throws -> Value {
        switch settings.administration {
        case .unclear(let reason): throw CommandFailure(reason)
        case .listener(let url, let given, let setting):
            let token = try PresentedToken.checked(given, from: SettingName.adminToken.rawValue)
            return try await administer(atListener: url, token, from: setting, work)
        case .here: break
        }
        guard FileManager.default.fileExists(atPath: settings.controlSocketPath) else { throw NoGateway() }
        do {
            return try await administer(through: .socket(path: settings.controlSocketPath), work)
        } catch TransportFailure.refused {
            // A killed gateway leaves its socket behind; the ledger is free then.
            throw NoGateway()
        }
    }

    private func administer<Value>(
        atListener url: String, _ token: String, from setting: String,
        _ work: (RemoteAdministration) async throws -> Value
    ) async throws -> Value {
        do {
            return try await administer(through: .listener(url: url, token: token), work)
        } catch let failure as TransportFailure {
            let isAdminURL = setting == SettingName.adminURL.rawValue
            throw NoGateway(
                advice: CommandFailure(
                    "The gateway's administrators' listener at \(url) cannot be reached (\(failure)). "
                        + (isAdminURL ? "Is GATEWAY_ADMIN_URL right? " : "Set GATEWAY_ADMIN_URL to where it is. ")
                        + "Without GATEWAY_ADMIN_TOKEN\(isAdminURL ? "" : " and \(setting)") the ledger here is administered."
                ))
        } catch let failure as UnknownOutcome {
            throw CommandFailure(
                "\(failure) If no administrators' listener is at \(url), nothing was: is \(setting) right?")
        } catch let problem as Problem where [.invalidToken, .notFound].contains(problem.type) {
            let isForCallers = try await administer(through: .listener(url: url, token: token)) { remote in
                await remote.isAtListenerForCallers()
            }
            guard isForCallers else { throw problem }
            throw CommandFailure(
                "At \(url), which \(setting) names, nothing is administered: that is a gateway's listener for callers. "
                    + "Set GATEWAY_ADMIN_URL to where its administrators connect (its GATEWAY_ADMIN_LISTEN, by default "
                    + "http://127.0.0.1:8081 on its machine).")
        }
    }

    private func administer<Value>(
        through door: RemoteAdministration.Door, _ work: (RemoteAdministration) async throws -> Value
    ) async throws -> Value {
        let transport = CurlClient()
        do {
            let value = try await work(RemoteAdministration(transport: transport, through: door))
            await transport.shutdown()
            return value
        } catch {
            await transport.shutdown()
            throw error
        }
    }

    private func administer<Value>(
        _ ledger: Ledger, _ work: (any Administration) async throws -> Value
    ) async throws -> Value {
        do {
            let value = try await ledger.showingLife { try await work(LedgerAdministration(ledger: ledger)) }
            await ledger.close()
            return value
        } catch {
            await ledger.close()
            throw error
        }
    }
}
