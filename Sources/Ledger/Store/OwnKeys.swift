import Auth
import GRDB

/// The ledger's own random keys, sealed under the root key. Sealing them anew under another root key changes nothing of
/// what they made.
struct OwnKeys: Sendable {
    /// Under which code and context are digested for the audit log.
    let codeDigest: [UInt8]

    private static let checkName = "root-key-check"
    private static let checkValue = Array("e2b-gateway ledger".utf8)
    private static let codeDigestName = "code-digest"

    static func create(in database: Database, sealer: Sealer) throws {
        try store(checkValue, as: checkName, in: database, sealer: sealer)
        try store(SecureRandom.bytes(32), as: codeDigestName, in: database, sealer: sealer)
    }

    /// Reads the keys, or finds that the root key is the wrong one.
    init(from database: Database, sealer: Sealer) throws {
        guard try Self.read(Self.checkName, from: database, sealer: sealer) == Self.checkValue else {
            throw LedgerFailure.wrongRootKey
        }
        codeDigest = try Self.read(Self.codeDigestName, from: database, sealer: sealer)
    }

    private static func store(_ key: [UInt8], as name: String, in database: Database, sealer: Sealer) throws {
        try database.execute(
            sql: "INSERT INTO own_key (name, sealed) VALUES (?, ?)",
            arguments: [name, Blob.value(try sealer.seal(key, as: "own_key/\(name)"))]
        )
    }

    private static func read(_ name: String, from database: Database, sealer: Sealer) throws -> [UInt8] {
        let sql = "SELECT sealed FROM own_key WHERE name = ?"
        guard let row = try Row.fetchOne(database, sql: sql, arguments: [name]) else {
            throw LedgerFailure.unavailable("the ledger lacks its key \(name)")
        }
        do {
            return try sealer.open(Blob.bytes(row, "sealed"), as: "own_key/\(name)")
        } catch {
            throw LedgerFailure.wrongRootKey
        }
    }
}
