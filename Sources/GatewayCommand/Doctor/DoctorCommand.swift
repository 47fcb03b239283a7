import ArgumentParser
import CurlTransport
import Foundation
import Gateway
import Glibc
import Ledger

struct DoctorCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "doctor", abstract: "Examine everything that the gateway depends on.",
        discussion: """
            Settings, files, disk, limits, the ledger's speed; upstream's names, connection, \
            certificate, clock and keys; a sandbox that is made, used and destroyed. A gateway that runs examines all of it itself; without one this \
            command does. Exit codes: 0 all is well or worth a warning at most, 1 something failed, 2 it could not be examined.
            """
    )

    @OptionGroup var options: AdministrationOptions
    @Flag(inversion: .prefixedNo, help: "Make a sandbox, run 1+1 in it and destroy it.") var sandbox = true
    @OptionGroup var format: OutputOptions

    private static let cannotExamine = ExitCode(2)

    func run() async throws {
        let findings: [Finding]
        do {
            findings = try await options.diagnosing { try await examine(through: $0) }
        } catch {
            Terminal.say("Error: \(error)")
            throw Self.cannotExamine
        }
        if format.output == .json { print(try JSONText.of(DiagnosisView(findings: findings))) }
        if DiagnosisView(findings: findings).hasFailed { throw ExitCode.failure }
    }

    /// Part by part, so that people see something happen.
    private func examine(through door: any Diagnosing) async throws -> [Finding] {
        var findings: [Finding] = []
        for part in DiagnosisPart.allCases where part != .sandbox || sandbox {
            let found: [Finding]
            if let obstacle = part.obstacle(in: findings) {
                found = [obstacle]
            } else {
                found = try await door.diagnose(DiagnosisOrder(parts: [part])).findings
            }
            if format.output == .table { show(found) }
            findings += found
        }
        return findings
    }

    private func show(_ findings: [Finding]) {
        for finding in findings {
            print(Self.line(finding))
            if let advice = finding.advice { print("         \(advice)") }
        }
        // To a pipe nothing would be seen until the end.
        fflush(nil)
    }

    private static func line(_ finding: Finding) -> String {
        func padded(_ text: String, to width: Int) -> String {
            text.padding(toLength: max(width, text.count), withPad: " ", startingAt: 0)
        }
        return "\(padded(finding.status.rawValue, to: 8)) \(padded(finding.name, to: 19)) \(finding.detail)"
    }
}

extension AdministrationOptions {
    /// Has the gateway that runs examine its surroundings, or does it here if none does.
    func diagnosing<Value>(_ work: (any Diagnosing) async throws -> Value) async throws -> Value {
        let settings = try Settings.load(configFile: config).settings
        do {
            return try await administer(settings) { try await work($0) }
        } catch let failure as NoGateway {
            if let advice = failure.advice { throw advice }
        }
        OpenFiles.raiseLimit()  // as a gateway does
        let ledger: Doctor.Access
        do {
            ledger = .open(try LedgerAccess.open(settings))
        } catch {
            ledger = .closed("\(error)")
        }
        let transport = CurlClient()
        let result: Result<Value, any Error>
        do {
            let doctor = try Doctor(settings: settings, ledger: ledger, transport: transport)
            switch ledger {
            case .open(let ledger): result = .success(try await ledger.showingLife { try await work(doctor) })
            case .closed: result = .success(try await work(doctor))
            }
        } catch {
            result = .failure(error)
        }
        await transport.shutdown()
        if case .open(let ledger) = ledger { await ledger.close() }
        return try result.get()
    }
}
