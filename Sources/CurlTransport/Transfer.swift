import CLibcurl
import NIOCore

/// One exchange: a libcurl handle and what its callbacks need.
///
/// Safety of `@unchecked Sendable`: `init` runs on the sender's thread before anyone else knows the transfer; from
/// then on every stored `var` and every libcurl call belongs to libcurl's thread. Other threads hold the reference
/// only to name the transfer in a command, and touch nothing but ``head``, which has its own lock.
final class Transfer: @unchecked Sendable {
    enum Phase {
        /// No connection yet. → `awaitingHead`, `over`
        case connecting
        /// Connected; sending, or waiting for the response head. → `streaming`, `over`
        case awaitingHead
        /// The head was given to the sender, the body follows. → `over`
        case streaming(BodyMailbox)
        case over
    }

    let head = HeadPromise()
    let easy: EasyHandle
    let upload: UploadSource?
    var phase = Phase.connecting
    /// Why a callback made libcurl stop, which libcurl itself reports only as "a callback stopped it".
    var cause: TransportFailure?
    /// The reader is full.
    var isReceivingPaused = false
    /// The upload's source has nothing yet.
    var isSendingPaused = false
    /// Tells the driver that a deadline now lies earlier than it last heard.
    private(set) var onDueSooner: (ContinuousClock.Instant?) -> Void = { _ in }

    /// Bytes of the response body still to come; nil when only the connection or the chunks tell its end.
    var expectedBytes: Int?
    /// Whether libcurl has been given the whole request body.
    var isUploadOver: Bool

    /// Set when nobody reads any more: the instant at which the transfer is closed if it has not ended by itself.
    var lingersUntil: ContinuousClock.Instant?

    let deadlines: Deadlines
    let started = ContinuousClock.now
    var lastActivity: ContinuousClock.Instant
    var responseHead: ResponseHead
    let loop: TransferLoop
    private var uploadSequence: (any AsyncSequence<ByteBuffer, any Error> & Sendable)?

    init(
        _ request: OutgoingRequest,
        under configuration: CurlClient.Configuration,
        on loop: TransferLoop
    ) throws(TransportFailure) {
        easy = try EasyHandle.sending(request, under: configuration)
        deadlines = request.deadlines
        lastActivity = started
        responseHead = ResponseHead(maximumBytes: configuration.maximumHeaderBytes)
        self.loop = loop
        upload =
            switch request.body {
            case .none: request.method.announcesBody ? UploadSource(bytes: ByteBuffer()) : nil
            case .bytes(let bytes): UploadSource(bytes: bytes)
            case .stream(_, let length): UploadSource(length: length)
            }
        if case .stream(let sequence, _) = request.body { uploadSequence = sequence }
        isUploadOver = uploadSequence == nil  // other bodies are at hand; libcurl is never kept waiting for them
        try installCallbacks()
    }

    /// The driver has taken it: from here on ``finish(_:)`` is certain to be called.
    func begin(onDueSooner: @escaping (ContinuousClock.Instant?) -> Void) {
        self.onDueSooner = onDueSooner
        guard let sequence = uploadSequence.take() else { return }
        upload?.pump(sequence) { [weak self, loop] in
            if let self { loop.post(.resumeSending(self)) }
        }
    }

    /// The transfer a libcurl handle belongs to.
    static func of(_ easy: UnsafeMutableRawPointer) -> Transfer {
        var context: UnsafeMutableRawPointer?
        _ = shim_get_pointer(easy, CURLINFO_PRIVATE, &context)
        return at(context)
    }

    static func at(_ context: UnsafeMutableRawPointer?) -> Transfer {
        Unmanaged<Transfer>.fromOpaque(context!).takeUnretainedValue()
    }

    /// The connection stands, new or reused.
    func connected() {
        guard case .connecting = phase else { return }
        phase = .awaitingHead
        lastActivity = .now
        onDueSooner(due)
    }

    /// The head is complete: the sender may have its response.
    func headCompleted() {
        guard case .awaitingHead = phase else { return }
        let mailbox = BodyMailbox(
            demand: .init(
                produceMore: { [loop, self] in loop.post(.resumeReceiving(self)) },
                stop: { [loop, self] in loop.post(.cancel(self)) },
                linger: { [loop, self] in loop.post(.linger(self)) }
            )
        )
        phase = .streaming(mailbox)
        let response = IncomingResponse(
            status: easy.status,
            headers: responseHead.fields,
            body: ResponseBody(mailbox)
        )
        head.settle(.success(response))
        expectedBytes = responseHead.bodyLength(status: response.status)
        bodyReceived(0)
    }

    /// Counts towards the response's end. libcurl goes on offering the upload to a peer that has answered already,
    /// for as long as the source has more; whoever has the whole answer need not wait for that.
    func bodyReceived(_ count: Int) {
        guard let expected = expectedBytes else { return }
        expectedBytes = expected - count
        if expected == count, !isUploadOver { loop.post(.complete(self)) }
    }

    /// Over, one way or the other. Lets go of the mailbox, which refers back to here.
    func finish(_ failure: TransportFailure?) {
        upload?.stop()
        onDueSooner = { _ in }
        if case .streaming(let mailbox) = phase { mailbox.finish(failure) }
        phase = .over
        head.settle(.failure(failure ?? .brokenOff))  // matters only if no head ever came
    }

    /// What libcurl's result means here; nil when the response is complete.
    func failure(for code: CURLcode) -> TransportFailure? {
        guard code != CURLE_OK else { return nil }
        if let cause { return cause }
        var isAwaitingHead = false
        if case .awaitingHead = phase { isAwaitingHead = true }
        return TransportFailure(code, detail: easy.detail(for: code), isAwaitingHead: isAwaitingHead)
    }
}
