import Glibc
import Synchronization

/// The right to be a ledger's only process: an advisory lock on a file beside it, held until it is released or dropped.
///
/// The kernel lets go of it when the process ends, however it ends, so a crash leaves nothing to clean up.
final class LedgerLock: Sendable {
    /// The open lock file; nil once released.
    private let descriptor: Mutex<Int32?>

    init(path: String) throws(LedgerFailure) {
        let descriptor = Glibc.open(path + ".lock", O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw .unavailable("cannot open \(path).lock: \(SystemError.current)") }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            let error = SystemError.current
            Glibc.close(descriptor)
            if error.isWouldBlock { throw .inUse(path: path) }
            throw .unavailable("cannot lock \(path).lock: \(error)")
        }
        self.descriptor = Mutex(descriptor)
    }

    deinit { release() }

    func release() {
        descriptor.withLock { descriptor in
            guard let open = descriptor else { return }
            // Closing alone would leave the lock to a child process that is just being started and has not yet closed what
            // it inherited.
            flock(open, LOCK_UN)
            Glibc.close(open)
            descriptor = nil
        }
    }
}
