import FoundationEssentials
import Glibc

/// What the server orders a sandbox's supervisor to do: one packet an order.
///
/// A kernel's own socket travels with the order to start it (`SCM_RIGHTS`), so that nothing in a sandbox
/// listens to anybody, and nothing of the server can be found by name.
final class ControlSocket: Sendable {
    private let descriptor: Descriptor

    init(_ descriptor: Descriptor) { self.descriptor = descriptor }

    /// How a kernel begins: `warm` imports the data libraries and runs what is slow the first time.
    enum KernelStart: String {
        case warm, cold
    }

    func start(kernel: String, in directory: String, as start: KernelStart, socket: Descriptor) throws {
        let order = ["do": "start", "context": kernel, "directory": directory, "mode": start.rawValue]
        try send(order, with: socket)
    }

    /// Hands envd the socket of a request.
    func serve(_ socket: Descriptor) throws {
        try send(["do": "serve"], with: socket)
    }

    /// Sends SIGINT to the kernel's process group, as Jupyter does.
    func interrupt(kernel: String) {
        try? send(["do": "interrupt", "context": kernel])  // a sandbox that is gone is interrupted enough
    }

    func kill(kernel: String) {
        try? send(["do": "kill", "context": kernel])
    }

    /// Tells the supervisor to end, and the sandbox with it.
    func disconnect() {
        shutdown(descriptor.number, CInt(SHUT_RDWR))
    }

    /// Whether the supervisor still lives.
    var isConnected: Bool {
        var look = pollfd(fd: descriptor.number, events: 0, revents: 0)
        return poll(&look, 1, 0) == 0
    }

    private func send(_ order: [String: String], with attachment: Descriptor? = nil) throws {
        var packet = Array(try JSONEncoder().encode(order))
        let sent = packet.withUnsafeMutableBytes { bytes in
            var vector = iovec(iov_base: bytes.baseAddress, iov_len: bytes.count)
            return withUnsafeMutablePointer(to: &vector) { vector in
                var message = msghdr()
                message.msg_iov = vector
                message.msg_iovlen = 1
                guard let attachment else { return sendmsg(descriptor.number, &message, Self.flags) }
                return withAttachment(attachment) { control in
                    message.msg_control = control.baseAddress
                    message.msg_controllen = control.count
                    return sendmsg(descriptor.number, &message, Self.flags)
                }
            }
        }
        if sent < 0 { throw SystemFailure("sendmsg") }
    }

    private static let flags = CInt(MSG_NOSIGNAL) | CInt(MSG_DONTWAIT)

    /// A control message with one descriptor: its header, the descriptor, and padding to the header's alignment.
    private func withAttachment<Result>(_ attachment: Descriptor, _ body: (UnsafeMutableRawBufferPointer) -> Result)
        -> Result
    {
        let header = MemoryLayout<cmsghdr>.size
        let length = header + MemoryLayout<CInt>.size
        let space = header + MemoryLayout<cmsghdr>.alignment
        return withUnsafeTemporaryAllocation(byteCount: space, alignment: MemoryLayout<cmsghdr>.alignment) { control in
            control.initializeMemory(as: UInt8.self, repeating: 0)
            var message = cmsghdr()
            message.cmsg_len = length
            message.cmsg_level = SOL_SOCKET
            message.cmsg_type = CInt(SCM_RIGHTS)
            control.storeBytes(of: message, as: cmsghdr.self)
            control.storeBytes(of: attachment.number, toByteOffset: header, as: CInt.self)
            return body(control)
        }
    }
}
