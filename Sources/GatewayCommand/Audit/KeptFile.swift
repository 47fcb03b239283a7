import Auth
import Foundation
import Ledger

/// What whoever watches the gateway has kept: its public key, and checkpoints.
enum KeptFile {
    /// Far more than any of these has.
    private static let maximumBytes = 64 * 1024

    /// A public key as it was given: the 64 digits themselves, or a file with them or with PEM.
    static func verifyingKey(_ given: String) throws(CommandFailure) -> VerifyingKey {
        if let key = VerifyingKey(given) { return key }
        guard let key = VerifyingKey(try text(given, of: "public key")) else {
            throw CommandFailure("\(given) holds no Ed25519 public key, neither as PEM nor as 64 hex digits.")
        }
        return key
    }

    /// The checkpoints in a file: one or more as `audit checkpoint` prints them, or those of an exported or shipped log.
    static func checkpoints(_ path: String) throws(CommandFailure) -> [SignedCheckpoint] {
        let checkpoints: [SignedCheckpoint]
        do {
            checkpoints = try AuditFile(path: path).checkpoints()
        } catch {
            throw CommandFailure("The checkpoint \(path) cannot be used: \(error.reason).")
        }
        guard !checkpoints.isEmpty else { throw CommandFailure("\(path) holds no checkpoint.") }
        return checkpoints
    }

    private static func text(_ path: String, of what: String) throws(CommandFailure) -> String {
        guard let handle = FileHandle(forReadingAtPath: path) else {
            throw CommandFailure("The \(what) \(path) cannot be read.")
        }
        defer { try? handle.close() }
        guard let data = try? handle.read(upToCount: maximumBytes + 1) ?? Data(), data.count <= maximumBytes else {
            throw CommandFailure("\(path) is no \(what): it cannot be read, or is far too long.")
        }
        return String(decoding: data, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines)
    }
}
