import ArgumentParser
import Auth
import Foundation
import Gateway
import Ledger

extension AuditCommand {
    struct Verify: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Check that every record follows from the one before, and that nothing was cut off.",
            discussion: """
                e2b-gateway audit verify                                      the ledger
                e2b-gateway audit verify --checkpoint kept.json               the ledger, against a checkpoint kept elsewhere
                e2b-gateway audit verify --file audit.jsonl --public-key gateway.pem --checkpoint kept.json
                                                                              an exported file; no ledger is needed
                Exits with 1 and names the first bad, missing or reordered record if the chain does not hold.
                """
        )

        @Option(help: "An exported or shipped file, instead of the ledger.") var file: String?
        @Option(help: "A file with a checkpoint that was kept elsewhere; may be given several times.")
        var checkpoint: [String] = []
        @Option(help: "The public key, as PEM or as 64 hex digits: a file with it, or the digits themselves.")
        var publicKey: String?
        @OptionGroup var administration: AdministrationOptions
        @OptionGroup var format: OutputOptions

        func validate() throws {
            guard file == nil || publicKey != nil || checkpoint.isEmpty else {
                throw ValidationError(
                    "--checkpoint needs --public-key: whoever could forge the file could forge a checkpoint without it."
                )
            }
        }

        func run() async throws {
            let key = try publicKey.map(KeptFile.verifyingKey)
            let kept = try checkpoint.flatMap(KeptFile.checkpoints)
            let verification =
                if let file {
                    try verify(file, with: key, against: kept)
                } else {
                    try await verifyLedger(with: key, against: kept)
                }
            try format.print(verification, asTable: AuditVerdict.text)
            if !verification.intact { throw ExitCode.failure }
        }

        private func verify(
            _ path: String, with key: VerifyingKey?, against kept: [SignedCheckpoint]
        ) throws -> AuditVerificationView {
            do {
                let progress = AuditProgress("verified")
                defer { progress.end() }
                let verification = try AuditFile(path: path).verify(publicKey: key, against: kept) { done in
                    progress.report(done.size > 0 ? "\(done.read * 100 / done.size) %" : "\(done.read >> 20) MiB")
                }
                return AuditVerificationView(verification)
            } catch {
                throw CommandFailure("\(path) cannot be verified: \(error)")
            }
        }

        /// The chain is walked where the ledger is; what was kept elsewhere is compared here, so that whoever runs the gateway
        /// need not be believed for it.
        private func verifyLedger(
            with key: VerifyingKey?, against kept: [SignedCheckpoint]
        ) async throws -> AuditVerificationView {
            try await administration.administer { administration in
                var verification = try await administration.verifyAudit()
                guard verification.intact, !kept.isEmpty || key != nil else { return verification }
                let own = try await administration.checkpointKey()
                guard let ownKey = VerifyingKey(own.publicKey) else {
                    throw CommandFailure("The ledger's key is damaged.")
                }
                if let key, key != ownKey {
                    verification.fail(
                        .checkpointKey,
                        "the ledger signs with another key (\(ownKey.keyID)) than the one given (\(key.keyID))")
                    return verification
                }
                for checkpoint in kept {
                    try await KeptCheckpoint(checkpoint, with: key ?? ownKey).compare(administration, &verification)
                    guard verification.intact else { break }
                }
                return verification
            }
        }
    }
}
