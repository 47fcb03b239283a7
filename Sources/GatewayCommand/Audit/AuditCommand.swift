import ArgumentParser

struct AuditCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "audit",
        abstract: "Search, follow, export and verify the audit log.",
        discussion: """
            Who watches the gateway keeps two things where nobody who can write its ledger can write: the public key \
            (`audit public-key`), once, and from time to time a checkpoint (`audit checkpoint`). With these \
            `audit verify --checkpoint` shows whatever was cut off or rewritten since.
            """,
        subcommands: [
            Search.self, Tail.self, Export.self, Verify.self, Checkpoint.self, PublicKey.self, Code.self,
        ]
    )
}
