import Glibc

/// A file that gets its name only when it is whole and on disk. Until then it stands beside, under a name that ends in
/// `.partial`; what an interrupted attempt left there is used up by the next one.
struct PartialFile: ~Copyable {
    /// Where it stands until it is published.
    let path: String
    private let target: String
    /// Open and locked, so that nobody else writes the same.
    private let descriptor: Int32

    /// - Throws: ``LedgerFailure/inUse(path:)`` if somebody else is about to make the same file.
    init(for target: String) throws(LedgerFailure) {
        self.target = target
        path = target + ".partial"
        descriptor = Glibc.open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else { throw FileOnDisk.failure("create", path) }
        var (opened, named) = (stat(), stat())
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0, fstat(descriptor, &opened) == 0, stat(path, &named) == 0,
            opened.st_ino == named.st_ino
        else {
            Glibc.close(descriptor)
            throw .inUse(path: path)
        }
        guard fchmod(descriptor, 0o600) == 0, ftruncate(descriptor, 0) == 0 else {
            let failure = FileOnDisk.failure("write", path)
            Glibc.close(descriptor)
            throw failure
        }
        removeJournals()
    }

    deinit { Glibc.close(descriptor) }

    /// Gives the file its name, unless that is taken by now.
    consuming func publish() throws(LedgerFailure) {
        guard fsync(descriptor) == 0 else { throw FileOnDisk.failure("sync", path) }
        guard link(path, target) == 0 else {
            let error = SystemError.current
            if error.isExisting { throw .exists(path: target) }
            throw .unavailable("cannot create \(target): \(error)")
        }
        unlink(path)
        try FileOnDisk.syncFolder(of: target)
    }

    /// Takes back what is there so far.
    consuming func discard() {
        removeJournals()
        unlink(path)
    }

    private func removeJournals() {
        for suffix in ["-journal", "-wal", "-shm"] { unlink(path + suffix) }
    }
}
