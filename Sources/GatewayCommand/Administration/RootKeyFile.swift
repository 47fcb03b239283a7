import Auth
import Foundation
import Glibc
import Ledger

/// The file that holds the root key, and during a rotation its successor beside it.
struct RootKeyFile {
    let path: String

    private var successorPath: String { path + ".new" }

    /// The key that opens the ledger. Finishes a rotation that was interrupted: of the two files, the one whose key
    /// fits is the right one.
    func load(for ledgerPath: String) throws -> RootKey {
        if FileManager.default.fileExists(atPath: successorPath), let successor = try? read(successorPath),
            (try? Ledger.fits(rootKey: successor, at: ledgerPath)) == true
        {
            try adoptSuccessor()
            return successor
        }
        return try read(path)
    }

    /// A new key, on disk beside the old one.
    func prepareSuccessor() throws -> RootKey {
        let key = RootKey.random()
        try? FileManager.default.removeItem(atPath: successorPath)
        try write(key, to: successorPath)
        return key
    }

    /// Puts the successor into the old key's place, in one step.
    func adoptSuccessor() throws {
        guard rename(successorPath, path) == 0 else {
            throw CommandFailure("The new root key at \(successorPath) cannot be moved to \(path); move it by hand.")
        }
        try syncFolder()
    }

    /// Makes the file with a key; it must not exist.
    func create() throws -> RootKey {
        let key = RootKey.random()
        try write(key, to: path)
        return key
    }

    /// Synced before it returns: a ledger sealed under a key that was lost with the power is lost as well.
    private func write(_ key: RootKey, to path: String) throws {
        let descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw CommandFailure("The root key cannot be written to \(path).") }
        let handle = FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
        try handle.write(contentsOf: Data((key.exported() + "\n").utf8))
        try handle.synchronize()
        try syncFolder()
    }

    /// A file's name is on disk only when its folder is.
    private func syncFolder() throws {
        let folder = URL(fileURLWithPath: path).deletingLastPathComponent().path
        let descriptor = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw CommandFailure("The folder \(folder) of the root key cannot be opened.") }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 else { throw CommandFailure("The folder \(folder) cannot be written to disk.") }
    }

    private func read(_ path: String) throws -> RootKey {
        guard let attributes = try? FileManager.default.attributesOfItem(atPath: path) else {
            throw CommandFailure(
                "There is no root key at \(path). Make one with `e2b-gateway init`, or name it in GATEWAY_ROOT_KEY_FILE."
            )
        }
        if let mode = attributes[.posixPermissions] as? NSNumber, mode.intValue & 0o077 != 0 {
            throw CommandFailure("Others may read the root key at \(path). Run: chmod 600 \(path)")
        }
        let text = try String(contentsOfFile: path, encoding: .utf8)
        do {
            return try RootKey(text: text.trimmingCharacters(in: .whitespacesAndNewlines))
        } catch {
            throw CommandFailure("\(path) does not hold a root key: 64 hex digits.")
        }
    }
}
