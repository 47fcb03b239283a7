public import ServiceLifecycle

/// An HTTP/1.1 client over libcurl: streams both ways with backpressure, and closes a transfer the moment nobody
/// wants it.
///
/// It owns the one thread on which libcurl runs, from `init` until ``shutdown()``. Redirects are not followed,
/// proxies and credentials are never taken from the environment, and TLS certificates are always verified.
///
/// Shut it down before the process exits: OpenSSL's own exit handler must not find the thread at work.
public final class CurlClient: Service, Sendable {
    private let configuration: Configuration
    private let loop: TransferLoop
    private let thread: LoopThread

    /// Starts the thread.
    public init(_ configuration: Configuration = .init()) {
        self.configuration = configuration.resolvingEnvironment()
        loop = TransferLoop()
        thread = LoopThread(running: loop, under: self.configuration)
    }

    deinit {
        thread.stop()
    }

    /// Waits for graceful shutdown or cancellation, then shuts down.
    public func run() async throws {
        try? await gracefulShutdown()
        await shutdown()
    }

    /// Fails what is open with ``TransportFailure/stopped`` and joins the thread; returns when both are done.
    /// Requests sent later fail the same way. May be called more than once.
    public func shutdown() async {
        await thread.stopped()
    }

    /// Sends a request and returns as soon as the response head is complete.
    ///
    /// Cancelling the task closes the transfer at once and throws ``TransportFailure/cancelled``. A request whose
    /// method is not idempotent is never sent twice, not even when a reused connection proves dead.
    public func send(_ request: OutgoingRequest) async throws(TransportFailure) -> IncomingResponse {
        guard !Task.isCancelled else { throw .cancelled }
        let transfer = try Transfer(request, under: configuration, on: loop)
        guard loop.post(.start(transfer)) else { throw .stopped }
        let outcome = await withTaskCancellationHandler {
            await transfer.head.outcome()
        } onCancel: {
            loop.post(.cancel(transfer))
        }
        return try outcome.get()
    }
}
