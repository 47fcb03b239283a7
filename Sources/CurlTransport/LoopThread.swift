import CLibcurl
import Glibc
import Synchronization

/// The thread that runs libcurl: started at once, stopped and joined exactly once.
final class LoopThread: Sendable {
    private enum State {
        case running(waiters: [CheckedContinuation<Void, Never>])
        case over
    }

    /// What the thread itself holds: not the ``LoopThread``, so that dropping that one can stop it.
    private final class Body: Sendable {
        let loop: TransferLoop
        let configuration: CurlClient.Configuration
        let state = Mutex(State.running(waiters: []))

        init(loop: TransferLoop, configuration: CurlClient.Configuration) {
            self.loop = loop
            self.configuration = configuration
        }

        func run() {
            var all = sigset_t()
            sigfillset(&all)
            pthread_sigmask(SIG_BLOCK, &all, nil)  // OpenSSL writes without MSG_NOSIGNAL; handlers belong elsewhere
            MultiDriver(loop: loop, configuration: configuration).run()
            let waiters = state.withLock { state -> [CheckedContinuation<Void, Never>] in
                guard case .running(let waiters) = state else { return [] }
                state = .over
                return waiters
            }
            for waiter in waiters { waiter.resume() }
        }
    }

    private static let initializeLibcurl: Void = {
        curl_global_init(Int(CURL_GLOBAL_DEFAULT))
    }()

    private let body: Body
    private let handle: Mutex<pthread_t?>

    init(running loop: TransferLoop, under configuration: CurlClient.Configuration) {
        Self.initializeLibcurl
        body = Body(loop: loop, configuration: configuration)
        var thread = pthread_t()
        let failure = pthread_create(
            &thread, nil,
            { context in
                Unmanaged<Body>.fromOpaque(context!).takeRetainedValue().run()
                return nil
            }, Unmanaged.passRetained(body).toOpaque())
        precondition(failure == 0, "no thread for libcurl: error \(failure)")
        handle = Mutex(thread)
    }

    /// Stops the thread and waits for its end without blocking the caller's.
    func stopped() async {
        body.loop.post(.stop)
        await withCheckedContinuation { continuation in
            let isOver = body.state.withLock { state in
                guard case .running(let waiters) = state else { return true }
                state = .running(waiters: waiters + [continuation])
                return false
            }
            if isOver { continuation.resume() }
        }
        join()
    }

    /// Stops the thread and blocks until it has ended: a few milliseconds. For a `deinit`.
    func stop() {
        body.loop.post(.stop)
        join()
    }

    private func join() {
        handle.withLock { handle in
            if let thread = handle.take() { pthread_join(thread, nil) }
        }
    }
}
