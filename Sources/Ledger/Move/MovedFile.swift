import FoundationEssentials
import Glibc

/// The file of a ledger that moves, under the name that nobody serves from once it has moved.
///
/// It is renamed, with the place it went to in a file beside it, so that gateways of any version find nothing to serve from.
/// Renaming it back undoes that.
struct MovedFile: Sendable {
    /// Where the ledger is served from, or was.
    let path: String

    /// Where it is once it has moved.
    var keptAt: String { path + ".moved" }
    /// Holds the address it moved to.
    private var note: String { path + ".moved-to" }

    /// Whether the ledger left its place, or was about to.
    var hasLeft: Bool { !FileOnDisk.exists(path) && FileOnDisk.exists(keptAt) }

    /// Where the ledger's file is now.
    var current: String { hasLeft ? keptAt : path }

    /// Where it went, if that is known.
    var destination: String? {
        guard let text = try? String(contentsOfFile: note, encoding: .utf8) else { return nil }
        return text.split(whereSeparator: \.isNewline).first.map(String.init)
    }

    /// Takes the file out of its place; on disk when this returns. It must have no journal.
    func leave(for destination: String) throws(LedgerFailure) {
        guard !hasLeft else { return }
        try write(destination)
        try FileOnDisk.move(path, to: keptAt)
        try FileOnDisk.syncFolder(of: path)
    }

    /// Puts it back.
    func comeBack() throws(LedgerFailure) {
        guard hasLeft else { return }
        try FileOnDisk.move(keptAt, to: path)
        try FileOnDisk.syncFolder(of: path)
        unlink(note)
    }

    private func write(_ destination: String) throws(LedgerFailure) {
        let descriptor = open(note, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else { throw FileOnDisk.failure("create", note) }
        defer { close(descriptor) }
        let line = Array((destination + "\n").utf8)
        guard Glibc.write(descriptor, line, line.count) == line.count, fsync(descriptor) == 0 else {
            throw FileOnDisk.failure("write", note)
        }
        try FileOnDisk.giveAway(note, like: path)
    }
}
