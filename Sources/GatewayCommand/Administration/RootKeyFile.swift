import Auth
import Foundation
import Glibc
import Ledger

/// The file that holds the root key, and during a rotation its successor beside it.
struct RootKeyFile {
    let path: String

    /// Where the key is during a rotation that comes after it.
    var successorPath: String { path + ".new" }
    /// Whether a rotation is under way, or was interrupted.
    var hasSuccessor: Bool { FileManager.default.fileExists(atPath: successorPath) }
    /// Where the key before the last rotation is kept.
    var oldPath: String { path + ".old" }

    /// The key that opens the ledger. After a rotation that was interrupted there are two files; the one whose key fits
    /// is the right one.
    func load(for ledger: LedgerLocation) throws -> RootKey {
        guard hasSuccessor else { return try read(path) }
        let successor: RootKey?
        do {
            successor = try read(successorPath)
        } catch {
            // Unfinished when the power went: then the old one still fits, or there is something to be told.
            guard let old = try? read(path), try Ledger.fits(rootKey: old, in: ledger) else { throw error }
            return old
        }
        guard let successor, try Ledger.fits(rootKey: successor, in: ledger) else { return try read(path) }
        return successor
    }

    /// A new key, on disk beside the old one, belonging to the same user.
    func prepareSuccessor() throws -> RootKey {
        let key = RootKey.random()
        try? FileManager.default.removeItem(atPath: successorPath)
        try write(key, to: successorPath, like: path)
        return key
    }

    /// Finishes a rotation that was interrupted after the ledger was resealed. Only for whoever holds the ledger.
    ///
    /// - Parameter key: the one that opened it.
    func finishInterrupted(with key: RootKey) throws {
        guard let successor = try? read(successorPath), successor.exported() == key.exported() else { return }
        try adoptSuccessor()
    }

    /// Puts the successor into the old key's place, in one step, if there is one. Only for whoever holds the ledger: its
    /// key is the successor then.
    ///
    /// The old key is kept at ``oldPath``, for backups of its time.
    func adoptSuccessor() throws {
        guard hasSuccessor else { return }
        try? FileManager.default.removeItem(atPath: oldPath)
        guard link(path, oldPath) == 0 || errno == ENOENT, rename(successorPath, path) == 0 else {
            throw CommandFailure(
                "The new root key at \(successorPath) cannot be moved to \(path) (\(String(cString: strerror(errno))))."
            )
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
    ///
    /// - Parameter model: a file whose owner and group the new one gets, so that whoever rotates as root does not lock
    ///   the service out.
    private func write(_ key: RootKey, to path: String, like model: String? = nil) throws {
        let descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else {
            throw CommandFailure("The root key cannot be written to \(path): \(String(cString: strerror(errno))).")
        }
        let handle = FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
        if let model { try giveAway(descriptor, like: model) }
        try handle.write(contentsOf: Data((key.exported() + "\n").utf8))
        try handle.synchronize()
        try syncFolder()
    }

    private func giveAway(_ descriptor: CInt, like model: String) throws {
        guard let attributes = try? FileManager.default.attributesOfItem(atPath: model),
            let owner = attributes[.ownerAccountID] as? UInt32, let group = attributes[.groupOwnerAccountID] as? UInt32
        else { throw CommandFailure("There is no root key at \(model).") }
        guard owner != geteuid() || group != getegid() else { return }
        guard fchown(descriptor, owner, group) == 0 else {
            throw CommandFailure(
                "\(model) belongs to user \(owner), to whom this user cannot give the new root key. "
                    + "Rotate as that user, or as root; nothing was changed."
            )
        }
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
        guard let file = try? FileHandle(forReadingFrom: URL(fileURLWithPath: path)),
            let data = try? file.readToEnd() ?? Data()
        else {
            throw CommandFailure(
                "The root key at \(path) cannot be read by this user; it belongs to "
                    + "\(attributes[.ownerAccountName] as? String ?? "somebody else")."
            )
        }
        do {
            let text = String(decoding: data, as: UTF8.self)
            return try RootKey(text: text.trimmingCharacters(in: .whitespacesAndNewlines))
        } catch {
            throw CommandFailure("\(path) does not hold a root key: 64 hex digits.")
        }
    }
}
