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
    private var expectedBytes: Int?
    /// Takes the response's chunks apart, where that is ours to do.
    private var chunks: ChunkedBody?
    /// Whether libcurl hands over chunked bodies with their framing: beside an upload that may be the longer of the two,
    /// their end would not be learned otherwise, because libcurl goes on with the upload and says nothing.
    let isFramingOurs: Bool
    /// Whether libcurl has been given the whole request body.
    var isUploadOver: Bool
    /// libcurl has begun to wait for the response's bytes.
    private var isListening = false

    /// Set when nobody reads any more: the instant at which the transfer is closed if it has not ended by itself.
    var lingersUntil: ContinuousClock.Instant?

    let deadlines: Deadlines
    private let isExamined: Bool
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
        isExamined = request.isExamined
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
        isFramingOurs = uploadSequence != nil
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

    /// The transfer a libcurl handle belongs to; nil for those that libcurl makes for itself.
    static func of(_ easy: UnsafeMutableRawPointer?) -> Transfer? {
        var context: UnsafeMutableRawPointer?
        guard let easy, shim_get_pointer(easy, CURLINFO_PRIVATE, &context) == CURLE_OK else { return nil }
        return context.map { at($0) }
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
            body: ResponseBody(mailbox),
            connection: isExamined ? easy.connectionReport : nil
        )
        head.settle(.success(response))
        expectedBytes = responseHead.bodyLength(status: response.status)
        if isFramingOurs, responseHead.isChunked(status: response.status) { chunks = ChunkedBody() }
        completeIfWhole()
    }

    /// What of the bytes that libcurl handed over is the body's; counts towards its end.
    func content(of bytes: UnsafeRawBufferPointer) throws(ChunkedBody.Malformed) -> ByteBuffer {
        expectedBytes = expectedBytes.map { $0 - bytes.count }
        return try chunks?.data(in: bytes) ?? ByteBuffer(bytes: bytes)
    }

    /// libcurl goes on offering the upload to a peer that has answered already, for as long as the source has more;
    /// whoever has the whole answer need not wait for that.
    func completeIfWhole() {
        if !isUploadOver, expectedBytes == 0 || chunks?.isOver == true { loop.post(.complete(self)) }
    }

    /// Whether libcurl may wait for nothing although there is more to come: the reader is full, or the upload has nothing yet.
    var isHeldUp: Bool { isReceivingPaused || !isUploadOver }

    /// libcurl waits for other things of the connection from now on. When it no longer waits for bytes, though nobody
    /// keeps it from it, the peer has closed: with an upload that has nothing to send libcurl would not say so.
    func interestChanged(isReceiving: Bool) {
        if isReceiving {
            isListening = true
        } else if isListening, !isReceivingPaused, !isUploadOver {
            loop.post(.complete(self))
        }
    }

    /// What it means that the peer sends no more while the upload is under way; nil when the response is whole.
    var endWithinUpload: TransportFailure? {
        guard case .streaming = phase else { return .brokenOff }
        if let chunks { return chunks.isOver ? nil : .brokenOff }
        return expectedBytes ?? 0 == 0 ? nil : .brokenOff
    }

    /// Over, one way or the other: told to the reader as soon as nobody pulls the upload's source any more.
    ///
    /// Lets go of the mailbox, which refers back to here.
    func finish(_ failure: TransportFailure?) {
        onDueSooner = { _ in }
        var mailbox: BodyMailbox?
        if case .streaming(let streaming) = phase { mailbox = streaming }
        phase = .over
        let tell: @Sendable () -> Void = { [head, mailbox] in
            mailbox?.finish(failure)
            head.settle(.failure(failure ?? .brokenOff))  // matters only if no head ever came
        }
        guard let upload else { return tell() }
        upload.stop(tell)
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
