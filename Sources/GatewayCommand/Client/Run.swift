import ArgumentParser
import CurlTransport
import Foundation
import Gateway
import NIOCore
import NIOFoundationCompat

struct Run: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Run a Python file through a gateway.",
        discussion: """
            Needs GATEWAY_TOKEN, and GATEWAY_URL unless it is http://127.0.0.1:8080. Output streams as it comes. \
            Exit codes: 0 completed, 1 the code failed, 124 timed out, 130 cancelled, 137 killed or \
            lost, 125 not run: refused, unreachable, or no such file.
            """
    )

    @Argument(help: "The file to run, or - for standard input.")
    var file: String

    @Option(help: "A file whose text the code sees as context_data.")
    var context: String?

    @Option(help: "The folder to save charts in.")
    var charts: String?

    @Option(help: "Longest execution: 30s, 2m or 500ms.")
    var timeout: DurationArgument?

    @Option(help: "Run it once: with the same key and file the gateway repeats its reply for 24 hours.")
    var idempotencyKey: String?

    @Flag(help: "Sign the request with the token (RFC 9421) instead of sending it.")
    var sign = false

    @OptionGroup var format: OutputOptions

    func run() async throws {
        let transport = CurlClient()
        let outcome: String
        do {
            let order = GatewayCaller.Order(
                code: try Self.text(of: file), contextData: try context.map(Self.text),
                timeoutSeconds: timeout?.seconds, idempotencyKey: idempotencyKey
            )
            let caller = try GatewayCaller(transport: transport, settings: try Settings.load().settings, signs: sign)
            outcome = try await format.output == .json ? document(order, caller) : stream(order, caller)
        } catch let lost as LostExecution {
            await transport.shutdown()
            Terminal.say("e2b-gateway: \(lost)")
            throw Self.exitCode("killed")
        } catch {
            await transport.shutdown()
            Terminal.say("e2b-gateway: \(error)")
            throw ExitCode(125)
        }
        await transport.shutdown()
        throw Self.exitCode(outcome)
    }

    private func document(_ order: GatewayCaller.Order, _ caller: GatewayCaller) async throws -> String {
        struct Reply: Decodable { let outcome: String }
        let reply = try await caller.document(order)
        print(String(buffer: reply))
        return try JSONDecoder().decode(Reply.self, from: reply).outcome
    }

    private func stream(_ order: GatewayCaller.Order, _ caller: GatewayCaller) async throws -> String {
        var folder = try charts.map(ChartFolder.init)
        var outcome: String?
        try await caller.stream(order) { event in
            switch event.type {
            case "stdout": try FileHandle.standardOutput.write(contentsOf: Data((event.text ?? "").utf8))
            case "stderr": Terminal.say(event.text ?? "", end: "")
            case "exception": Terminal.say(event.traceback ?? "")
            case "result":
                if let text = event.text { try FileHandle.standardOutput.write(contentsOf: Data((text + "\n").utf8)) }
                try folder?.save(event)
            case "finished":
                outcome = event.outcome ?? "killed"
                if event.outcome != "completed", event.outcome != "failed" {
                    Terminal.say(event.error ?? "The execution did not end well.")
                }
            case "failed":
                throw LostExecution(event.problem.map { "\($0.title). \($0.detail)" } ?? "The execution broke off.")
            default: break
            }
        }
        for path in folder?.saved ?? [] { Terminal.say("saved \(path)") }
        guard let outcome else { throw LostExecution("The stream ended without saying how the execution did.") }
        return outcome
    }

    private static func text(of file: String) throws -> String {
        let data: Data
        do {
            data =
                file == "-"
                ? try FileHandle.standardInput.readToEnd() ?? Data() : try Data(contentsOf: URL(fileURLWithPath: file))
        } catch {
            throw CommandFailure("\(file) cannot be read: \(error.localizedDescription)")
        }
        guard let text = String(validating: data, as: UTF8.self) else { throw CommandFailure("\(file) is not UTF-8.") }
        return text
    }

    private static func exitCode(_ outcome: String) -> ExitCode {
        switch outcome {
        case "completed": ExitCode(0)
        case "failed": ExitCode(1)
        case "timed_out": ExitCode(124)
        case "cancelled": ExitCode(130)
        default: ExitCode(137)
        }
    }
}
