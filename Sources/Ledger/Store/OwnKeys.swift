import Auth

/// The ledger's own random keys, sealed under the root key. Sealing them anew under another root key changes nothing of
/// what they made.
struct OwnKeys: Sendable, Hashable {
    /// Under which code and context are digested for the audit log.
    let codeDigest: [UInt8]
    /// The seed of the key that signs checkpoints of the audit log.
    let checkpoint: [UInt8]
    /// Under which the tokens of sandboxes are derived.
    let sandboxToken: [UInt8]
    /// Under which recorded code is sealed.
    let codeRecording: [UInt8]
    /// Under which the replies of executions are sealed that have an idempotency key.
    let replies: [UInt8]
    /// Under which the console's sessions are sealed, and their cookies made.
    let consoleSessions: [UInt8]

    private static let checkName = "root-key-check"
    private static let checkValue = Array("e2b-gateway ledger".utf8)
    private static let codeDigestName = "code-digest"
    private static let checkpointName = "checkpoint"
    private static let sandboxTokenName = "sandbox-token"
    private static let codeRecordingName = "code-recording"
    private static let repliesName = "execution-replies"
    private static let consoleSessionsName = "console-sessions"
    /// Which keys came with which version of the set.
    private static let additions: [(version: Int64, names: [String])] = [
        (2, [checkpointName, sandboxTokenName]), (3, [codeRecordingName]),
        (4, [repliesName]), (5, [consoleSessionsName]),
    ]

    static func create(in database: any SQLConnection, sealer: Sealer) throws {
        try store(checkValue, as: checkName, in: database, sealer: sealer)
        try store(SecureRandom.bytes(32), as: codeDigestName, in: database, sealer: sealer)
    }

    /// Adds the keys that ledgers did not have from the first version on, once. A key that is lost later is a fault: a new
    /// one in its place would disown everything the old one made.
    private static func complete(in database: any SQLConnection, sealer: Sealer) throws {
        guard let version = try database.value(Int64.self, "SELECT value FROM fact WHERE name = 'own_keys'") else {
            throw LedgerFailure.unavailable("the ledger's facts are damaged")
        }
        for addition in additions where version < addition.version {
            for name in addition.names { try store(SecureRandom.bytes(32), as: name, in: database, sealer: sealer) }
            try database.execute("UPDATE fact SET value = ? WHERE name = 'own_keys'", [addition.version])
        }
    }

    /// The key that signs checkpoints.
    var checkpointKey: SigningKey {
        guard let key = SigningKey(seed: checkpoint) else { preconditionFailure("a seed of 32 bytes") }
        return key
    }

    /// Reads the keys, or finds that the root key is the wrong one.
    init(from database: any SQLConnection, sealer: Sealer) throws {
        guard try Self.fit(sealer, in: database) else { throw LedgerFailure.wrongRootKey }
        try Self.complete(in: database, sealer: sealer)
        codeDigest = try Self.read(Self.codeDigestName, from: database, sealer: sealer)
        checkpoint = try Self.read(Self.checkpointName, from: database, sealer: sealer)
        sandboxToken = try Self.read(Self.sandboxTokenName, from: database, sealer: sealer)
        codeRecording = try Self.read(Self.codeRecordingName, from: database, sealer: sealer)
        replies = try Self.read(Self.repliesName, from: database, sealer: sealer)
        consoleSessions = try Self.read(Self.consoleSessionsName, from: database, sealer: sealer)
    }

    /// Whether the root key behind this sealer is the one under which the keys are sealed.
    static func fit(_ sealer: Sealer, in database: any SQLConnection) throws -> Bool {
        do {
            return try read(checkName, from: database, sealer: sealer) == checkValue
        } catch LedgerFailure.wrongRootKey {
            return false
        }
    }

    private static func store(_ key: [UInt8], as name: String, in database: any SQLConnection, sealer: Sealer) throws {
        try database.execute(
            "INSERT INTO own_key (name, sealed) VALUES (?, ?)",
            [name, try sealer.seal(key, as: SealedColumn.ownKey.label(name))])
    }

    private static func read(_ name: String, from database: any SQLConnection, sealer: Sealer) throws -> [UInt8] {
        let sql = "SELECT sealed FROM own_key WHERE name = ?"
        guard let row = try database.row(sql, [name]) else {
            throw LedgerFailure.unavailable("the ledger lacks its key \(name)")
        }
        guard let key = try? sealer.open(row["sealed"], as: SealedColumn.ownKey.label(name)) else {
            throw LedgerFailure.wrongRootKey
        }
        guard name == checkName || key.count == 32 else { throw LedgerFailure.damaged("own_key/\(name)") }
        return key
    }
}
