import Foundation
import Synchronization

/// A TCP proxy on 127.0.0.1 in front of a server, which breaks connections where a test wants it.
public final class FaultyWire: Sendable {
    /// What becomes of what is sent.
    public enum Fault: Sendable, Equatable {
        case none
        /// Nothing arrives any more, in either direction, and nobody is told.
        case silence
        /// The first time a client sends this, it is lost, and the connection with it.
        case cutBefore(String)
        /// The first time a client sends this, it arrives, and the connection is cut when the server has answered.
        case cutAfter(String)
        /// The first time a client sends this, it is lost, and its connection falls silent.
        case silenceBefore(String)
        /// Connections are ended as soon as they are made.
        case refusal
    }

    /// Where it listens.
    public let port: UInt16
    private let target: UInt16
    private let listener: Int32
    private struct State {
        var fault = Fault.none
        var nextFault = Fault.none
        var connections = 0
    }
    private let state = Mutex(State())

    /// Begins to pass on to a port of 127.0.0.1.
    public init(to target: UInt16) throws {
        self.target = target
        listener = Loopback.socket()
        guard let port = Loopback.with(0, listener, bind), listen(listener, 64) == 0 else { throw Failed() }
        self.port = port
        Thread.detachNewThread { [self, listener] in accept(from: listener) }
    }

    /// Ends it; connections that are open stay as they are.
    public func close() { shutdown(listener, Int32(SHUT_RDWR)) }

    /// What becomes of what is sent from now on.
    public var fault: Fault {
        get { state.withLock { $0.fault } }
        set { state.withLock { $0.fault = newValue } }
    }

    /// What becomes of it once a connection was cut, or fell silent, because of what was sent.
    public var nextFault: Fault {
        get { state.withLock { $0.nextFault } }
        set { state.withLock { $0.nextFault = newValue } }
    }

    private func goOn() {
        state.withLock { state in
            state.fault = state.nextFault
            state.nextFault = .none
        }
    }

    /// How many connections were made to it.
    public var connections: Int { state.withLock { $0.connections } }

    private func accept(from listener: Int32) {
        while true {
            let client = Foundation.accept(listener, nil, nil)
            guard client >= 0 else { break }
            state.withLock { $0.connections += 1 }
            let server = Loopback.socket()
            guard fault != .refusal, Loopback.with(target, server, connect) != nil else {
                Foundation.close(client)
                Foundation.close(server)
                continue
            }
            let pair = Pair(client: client, server: server)
            Thread.detachNewThread { [self] in pass(pair, fromClient: true) }
            Thread.detachNewThread { [self] in pass(pair, fromClient: false) }
        }
        Foundation.close(listener)
    }

    private func pass(_ pair: Pair, fromClient: Bool) {
        let (source, sink) = fromClient ? (pair.client, pair.server) : (pair.server, pair.client)
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let count = read(source, &buffer, buffer.count)
            if count < 0 && errno == EINTR { continue }
            guard count > 0 else {
                // The other end is not told of the end either.
                if fault == .silence || pair.isSilent.load(ordering: .relaxed) { return }
                break
            }
            let bytes = Array(buffer.prefix(count))
            switch fault {
            case .silence: continue
            case .cutBefore(let text) where fromClient && bytes.contains(text):
                goOn()
                return pair.cut()
            case .cutAfter(let text) where fromClient && bytes.contains(text):
                goOn()
                pair.isDoomed.store(true, ordering: .relaxed)
            case .silenceBefore(let text) where fromClient && bytes.contains(text):
                goOn()
                pair.isSilent.store(true, ordering: .relaxed)
            default: break
            }
            if pair.isSilent.load(ordering: .relaxed) { continue }
            if !fromClient && pair.isDoomed.load(ordering: .relaxed) { return pair.cut() }
            guard Self.write(bytes, to: sink) else { break }
        }
        pair.cut()
    }

    private static func write(_ bytes: [UInt8], to descriptor: Int32) -> Bool {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
            if count < 0 && errno == EINTR { continue }
            guard count > 0 else { return false }
            rest = rest.dropFirst(count)
        }
        return true
    }

    /// Both ends of a connection. The sockets are let go of when neither thread needs them any more.
    private final class Pair: Sendable {
        let client: Int32
        let server: Int32
        let isDoomed = Atomic(false)
        let isSilent = Atomic(false)

        init(client: Int32, server: Int32) {
            self.client = client
            self.server = server
        }

        deinit {
            Foundation.close(client)
            Foundation.close(server)
        }

        func cut() {
            shutdown(client, Int32(SHUT_RDWR))
            shutdown(server, Int32(SHUT_RDWR))
        }
    }

    struct Failed: Error {}
}

extension [UInt8] {
    fileprivate func contains(_ text: String) -> Bool { Data(self).range(of: Data(text.utf8)) != nil }
}
