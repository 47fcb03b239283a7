import Synchronization

/// The books behind their lock. Holding it is always short: nothing is computed, read or written meanwhile.
final class BooksBox: Sendable {
    private let books: Mutex<Books>
    /// Has a word when notifications have been added.
    let notificationsAdded: AsyncStream<Void>
    private let bell: AsyncStream<Void>.Continuation
    /// What happened elsewhere that concerns what this gateway is doing.
    let news: AsyncStream<PeerNews>
    private let messenger: AsyncStream<PeerNews>.Continuation
    private let auditListeners = Mutex<(next: Int, all: [Int: AsyncStream<Void>.Continuation])>((0, [:]))

    init(_ books: Books) {
        self.books = Mutex(books)
        (notificationsAdded, bell) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
        (news, messenger) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(Self.newsKept))
    }

    /// How much news waits for who does not listen.
    private static let newsKept = 10_000

    /// Tells whoever runs what this concerns.
    func tell(_ news: [PeerNews]) {
        for one in news { messenger.yield(one) }
    }

    /// Tells whoever delivers notifications.
    func ring() {
        bell.yield()
    }

    /// A stream that has a word whenever the chain has grown.
    func auditGrown() -> AsyncStream<Void> {
        let (stream, continuation) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        let id = auditListeners.withLock { listeners in
            listeners.next += 1
            listeners.all[listeners.next] = continuation
            return listeners.next
        }
        continuation.onTermination = { [weak self] _ in self?.auditListeners.withLock { $0.all[id] = nil } }
        return stream
    }

    /// Takes up where the chain ends, if somebody else has extended it.
    func chainGrew(to head: AuditHead) {
        let hasGrown = withLock { books in
            guard head.sequence > books.head.sequence else { return false }
            books.head = head
            return true
        }
        if hasGrown { auditHasGrown() }
    }

    /// Tells whoever ships the chain.
    func auditHasGrown() {
        for listener in auditListeners.withLock({ Array($0.all.values) }) { listener.yield() }
    }

    func withLock<Result: Sendable, Failure: Error>(
        _ body: (inout Books) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        try books.withLock { books throws(Failure) in try body(&books) }
    }
}
