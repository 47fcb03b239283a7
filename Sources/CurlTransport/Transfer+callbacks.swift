import CLibcurl
import NIOCore

/// What libcurl calls, on its own thread.
extension Transfer {
    func installCallbacks() throws(TransportFailure) {
        let context = Unmanaged.passUnretained(self).toOpaque()
        try easy.set(CURLOPT_PRIVATE, pointer: context)
        try easy.set(CURLOPT_PREREQDATA, pointer: context)
        try easy.check(
            shim_set_prerequest_callback(easy.raw) { context, _, _, _, _ in
                Transfer.at(context).connected()
                return CURL_PREREQFUNC_OK
            }
        )
        try easy.set(CURLOPT_HEADERDATA, pointer: context)
        try easy.set(CURLOPT_HEADERFUNCTION) { bytes, size, count, context in
            Transfer.at(context).receivedHeader(UnsafeRawBufferPointer(start: bytes, count: size * count))
        }
        try easy.set(CURLOPT_WRITEDATA, pointer: context)
        try easy.set(CURLOPT_WRITEFUNCTION) { bytes, size, count, context in
            Transfer.at(context).receivedBody(UnsafeRawBufferPointer(start: bytes, count: size * count))
        }
        try easy.set(CURLOPT_READDATA, pointer: context)
        try easy.set(CURLOPT_READFUNCTION) { bytes, size, count, context in
            Transfer.at(context).wantsBytes(UnsafeMutableRawBufferPointer(start: bytes, count: size * count))
        }
    }

    /// Returns the bytes taken; fewer make libcurl stop.
    private func receivedHeader(_ line: UnsafeRawBufferPointer) -> Int {
        lastActivity = .now
        guard case .awaitingHead = phase else { return line.count }  // trailers
        switch responseHead.received(line, status: easy.status) {
        case .incomplete: break
        case .complete: headCompleted()
        case .tooLarge:
            cause = .headersTooLarge
            return 0
        }
        return line.count
    }

    /// Returns the bytes taken, or the pause code when the reader lags: libcurl then brings the same bytes again.
    private func receivedBody(_ bytes: UnsafeRawBufferPointer) -> Int {
        guard !isReceivingPaused else { return Int(CURL_WRITEFUNC_PAUSE) }
        lastActivity = .now
        guard case .streaming(let mailbox) = phase else {
            cause = .malformedResponse
            return 0
        }
        let content: ByteBuffer
        do {
            content = try self.content(of: bytes)
        } catch {
            cause = .malformedResponse
            return 0
        }
        defer { completeIfWhole() }
        guard content.readableBytes > 0 else { return bytes.count }
        switch mailbox.deliver(content) {
        case .taken: break
        case .full: isReceivingPaused = true
        case .abandoned:
            cause = .cancelled
            return 0
        }
        return bytes.count
    }

    /// Returns the bytes supplied, 0 at the end, or the pause code while the source has none.
    private func wantsBytes(_ target: UnsafeMutableRawBufferPointer) -> Int {
        guard let upload else { return 0 }
        lastActivity = .now
        switch upload.supply(into: target) {
        case .bytes(let count): return count
        case .end:
            isUploadOver = true
            return 0
        case .later:
            isSendingPaused = true
            return Int(CURL_READFUNC_PAUSE)
        case .failed:
            cause = .uploadFailed
            return Int(CURL_READFUNC_ABORT)
        }
    }

    func resumeReceiving() {
        guard isReceivingPaused else { return }
        isReceivingPaused = false
        resume()
    }

    func resumeSending() {
        guard isSendingPaused else { return }
        isSendingPaused = false
        resume()
    }

    func linger() {
        lingersUntil = .now + .seconds(1)
        isReceivingPaused = false
        resume()
    }

    private func resume() {
        lastActivity = .now
        easy.pause(receiving: isReceivingPaused, sending: isSendingPaused)
        onDueSooner(due)
    }
}
