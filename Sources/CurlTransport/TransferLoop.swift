import Synchronization

/// The inbox of libcurl's thread: every libcurl call on a running transfer happens there; everyone else posts
/// commands here.
final class TransferLoop: Sendable {
    enum Command: Sendable {
        case start(Transfer)
        /// The reader has room again.
        case resumeReceiving(Transfer)
        /// The upload's source has more.
        case resumeSending(Transfer)
        case cancel(Transfer)
        /// Nobody reads on; cancel unless it ends by itself soon.
        case linger(Transfer)
        /// The response is whole although the upload is not.
        case complete(Transfer)
        case stop
    }

    private struct Inbox {
        var commands: [Command] = []
        var isOpen = true
    }

    let wakeup = WakeupEvent()
    private let inbox = Mutex(Inbox())

    /// Posts a command; false when the thread has stopped and will never see it.
    @discardableResult
    func post(_ command: Command) -> Bool {
        let (isTaken, isFirst) = inbox.withLock { box in
            guard box.isOpen else { return (false, false) }
            box.commands.append(command)
            return (true, box.commands.count == 1)
        }
        if isFirst { wakeup.signal() }  // later ones ride on the first one's signal
        return isTaken
    }

    /// Takes everything posted so far, in order.
    func takeCommands() -> [Command] {
        inbox.withLock { box in
            guard !box.commands.isEmpty else { return [] }
            defer { box.commands = [] }
            return box.commands
        }
    }

    /// Refuses what comes from now on and returns what had been taken before.
    func close() -> [Command] {
        inbox.withLock { box in
            box.isOpen = false
            defer { box.commands = [] }
            return box.commands
        }
    }
}
