import Auth
import Quota

/// What vouches for the console's sessions: a key of the ledger's own. Whoever writes the ledger without the root key makes no
/// session, and lengthens none.
struct ConsoleSessionKey: Sendable {
    /// What nobody may alter in a row.
    private struct Proven: Codable {
        let claims: Claims
        let openedAt: Int64
        let expiresAt: Int64
    }

    static let macLength = 16

    private let key: [UInt8]
    private let sealer: Sealer

    init(_ key: [UInt8]) {
        self.key = key
        sealer = Sealer(ownKey: key)
    }

    /// 16 bytes that go with a session's secret, so that what was made up costs no look into the database.
    func mac(of secret: [UInt8]) -> [UInt8] {
        let domain = Array("e2b-gateway/console/cookie/v1".utf8)
        return Array(Digest.hmacSHA256(domain + secret, key: key).prefix(Self.macLength))
    }

    /// A session as its row has it: hex digits, good in that row alone.
    func seal(_ session: ConsoleSession, as id: ConsoleSessionID) throws -> String {
        let proven = Proven(
            claims: session.principal.claims, openedAt: session.openedAt.nanoseconds,
            expiresAt: session.expiresAt.nanoseconds)
        let plaintext = Array(try Document.text(proven).utf8)
        guard let sealed = try? sealer.seal(plaintext, as: label(id)) else {
            throw LedgerFailure.unavailable("a session of the console could not be sealed")
        }
        return Hex.text(sealed)
    }

    /// What was sealed for this row; nil for what was not.
    func open(
        _ sealed: String, as id: ConsoleSessionID
    ) throws -> (claims: Claims, openedAt: Moment, expiresAt: Moment)? {
        guard let bytes = Hex.bytes(sealed), let plaintext = try? sealer.open(bytes, as: label(id)) else { return nil }
        let proven = try Document.value(Proven.self, from: String(decoding: plaintext, as: UTF8.self))
        return (
            proven.claims, Moment(nanoseconds: proven.openedAt), Moment(nanoseconds: proven.expiresAt)
        )
    }

    private func label(_ id: ConsoleSessionID) -> String { "console_session/\(Hex.text(id.digest))" }
}
