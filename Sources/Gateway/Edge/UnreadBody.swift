import HTTPTypes
import Hummingbird
import NIOCore

/// What becomes of a body whose request is refused before anybody has read it.
extension Request {
    /// So much of it is taken in before the refusal is sent, in bytes.
    private static let swallowedBytes = 256 << 10
    /// For so long. Longer than lost packets take: what still comes after it is not read any more.
    private static let patience = Duration.seconds(10)

    /// Takes in and drops a body that nobody has begun to read. There are clients that lose an answer which comes while they
    /// send (hyper, and with it E2B's Python SDK): the refusal is to come when they are done, as with Go's `net/http`.
    ///
    /// - Returns: whether the connection can be kept; if not, more may come than is worth waiting for.
    func swallowBody(unlessBegun note: RequestNote) async -> Bool {
        let noted = note.content
        if noted.bodyBytes != nil { return true }
        if noted.isBodyBegun { return !announces(moreThan: 64 << 10) }
        guard headers[.transferEncoding] != nil || length != 0 else { return true }
        // Who asks first does not send before it is told to.
        if headers[.expect] != nil || length > Self.swallowedBytes { return false }
        let isWhole = try? await within(Self.patience) {
            var bytes = 0
            for try await piece in body {
                bytes += piece.readableBytes
                if bytes > Self.swallowedBytes { return false }
            }
            return true
        }
        return isWhole ?? false
    }

    /// As it was announced, in bytes; 0 if it was not, more than anything if that cannot be read.
    private var length: Int { headers[.contentLength].map { Int($0) ?? .max } ?? 0 }

    private func announces(moreThan bytes: Int) -> Bool { headers[.transferEncoding] != nil || length > bytes }
}

extension Channel {
    /// Cuts off a caller that may go on sending a body nobody reads, after time enough to fetch the refusal.
    func closeSoon() {
        eventLoop.scheduleTask(in: .seconds(1)) { self.close(promise: nil) }
    }
}
