import Synchronization

// Two tokens whose end means "nobody will read on": a struct has no deinit of its own.
extension ResponseBody {
    /// Held by the body; abandons it when it goes away unread.
    final class Holder: Sendable {
        let isRead = Mutex(false)
        private let mailbox: BodyMailbox

        init(_ mailbox: BodyMailbox) {
            self.mailbox = mailbox
        }

        deinit {
            if !isRead.withLock({ $0 }) { mailbox.abandon() }
        }
    }

    /// Held by an iterator; abandons the rest of the body when the loop is left.
    final class Reader: Sendable {
        let mailbox: BodyMailbox

        init(_ mailbox: BodyMailbox) {
            self.mailbox = mailbox
        }

        deinit {
            mailbox.abandon()
        }
    }
}

extension ResponseBody {
    /// Closes the transfer at once, from anywhere: whoever reads gets ``TransportFailure/cancelled``. What has been read
    /// to its end stays read.
    public func abandon() {
        mailbox.abandon()
    }
}
