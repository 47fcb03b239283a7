import Foundation

/// The Unix socket beside the ledger through which commands on this machine reach the gateway.
///
/// The process runs with umask 077, so that not even for a moment anyone else can open it.
struct ControlSocket: Sendable {
    /// `sun_path` holds 108 bytes, the last of them zero.
    static let maximumPathBytes = 107

    let path: String

    /// Clears away what a killed gateway left; the ledger's lock guarantees that nobody is using it.
    init(path: String) throws {
        self.path = path
        remove()
    }

    /// Closes it to everyone but its owner; called once it is bound.
    func protect() {
        try? FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: path)
    }

    func remove() {
        try? FileManager.default.removeItem(atPath: path)
    }
}
