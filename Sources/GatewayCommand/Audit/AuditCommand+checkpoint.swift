import ArgumentParser
import Foundation
import Gateway

extension AuditCommand {
    struct Checkpoint: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Sign where the chain is now, and print it.",
            discussion: """
                Keep the line where nobody who can write the ledger can write: `audit verify --checkpoint FILE` shows by it \
                whatever is cut off or rewritten from now on. The gateway makes one each minute by itself, which \
                `audit export` and the shipped log contain.
                """
        )

        @OptionGroup var administration: AdministrationOptions

        func run() async throws {
            Swift.print(try await administration.administer { try await $0.makeCheckpoint() }.line)
        }
    }

    struct PublicKey: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Print the public key that verifies checkpoints, as PEM.",
            discussion: "Keep it elsewhere, from the beginning: a key learnt after a forgery proves nothing."
        )

        @OptionGroup var administration: AdministrationOptions
        @OptionGroup var format: OutputOptions

        func run() async throws {
            let key = try await administration.administer { try await $0.checkpointKey() }
            try format.print(key) { $0.publicKey.trimmingCharacters(in: .newlines) }
        }
    }

    struct Code: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Show the code of an execution, where the tenant's policy has it recorded.",
            discussion: "That you were shown it is audited. `quota set TENANT --record-code` begins recording."
        )

        @Argument(help: "The execution.") var execution: String
        @OptionGroup var administration: AdministrationOptions
        @OptionGroup var format: OutputOptions

        func run() async throws {
            let id = execution
            let recorded = try await administration.administer { try await $0.recordedCode(of: id) }
            try format.print(recorded) { $0.code }
        }
    }
}
