import CLibcurl
import Glibc

/// The connections that libcurl keeps for later requests, by their sockets.
///
/// Nothing may come on one of them: what does would be read as the answer to the next request, which may be somebody else's.
/// libcurl 7.88 leaves bytes unread that follow a body, and takes a connection with bytes to read for a sound one. So such a
/// connection is shut down, which libcurl notices before it would use it. The same goes for one that the peer has closed.
struct IdleConnections {
    private var sockets: Set<curl_socket_t> = []

    /// libcurl waits for nothing of a connection any more: it keeps it, or is about to close it. True if it may be kept, to be
    /// watched from now on.
    mutating func rest(_ socket: curl_socket_t) -> Bool {
        var byte: UInt8 = 0
        // Nothing to read, and not at its end: that alone is in order.
        guard recv(socket, &byte, 1, Int32(MSG_PEEK | MSG_DONTWAIT)) < 0 else {
            shutdown(socket, Int32(SHUT_RDWR))
            return false
        }
        sockets.insert(socket)
        return true
    }

    /// libcurl uses a connection again, or a new one that has an old one's number.
    mutating func wake(_ socket: curl_socket_t) {
        sockets.remove(socket)
    }

    /// Something came, or the peer closed: true if this is one of those kept, which then is not used again.
    mutating func discard(_ socket: curl_socket_t) -> Bool {
        guard sockets.remove(socket) != nil else { return false }
        shutdown(socket, Int32(SHUT_RDWR))
        return true
    }
}
