import Foundation
import Logging
import NIOCore
import NIOSSL
import ServiceLifecycle
import Synchronization

/// The certificate that new connections are shown: read at the start, and again whenever its files have changed, so that a
/// renewal needs no restart. Connections that stand keep what they have.
final class TLSCertificate: Service {
    private struct State {
        var identity: TLSIdentity
        /// Of the files when they were last read, whatever came of it.
        var stamps: [FileStatus?]
    }

    private let files: TLSFiles
    private let logger: Logger
    private let state: Mutex<State>

    private static let look = Duration.seconds(2)

    /// - Throws: what is wrong with the files.
    init(_ files: TLSFiles, logger: Logger) throws(SettingFailure) {
        self.files = files
        self.logger = logger
        let stamps = files.stamps  // before they are read: a change in between is seen as one
        let identity = try files.load()
        state = Mutex(State(identity: identity, stamps: stamps))
        warn(of: identity)
    }

    func run() async throws {
        await cancelWhenGracefulShutdown { [self] in
            while (try? await Task.sleep(for: Self.look)) != nil { reloadIfChanged() }
        }
    }

    /// Takes over what the files hold now; where that cannot be used, says so once and keeps what was.
    func reloadIfChanged() {
        let stamps = files.stamps
        guard stamps != state.withLock(\.stamps) else { return }
        do {
            let identity = try files.load()
            state.withLock { $0 = State(identity: identity, stamps: stamps) }
            logger.notice("certificate reloaded", metadata: ["file": "\(files.certificate)"])
            warn(of: identity)
        } catch {
            state.withLock { $0.stamps = stamps }
            logger.error("certificate not reloaded; the one before stays", metadata: ["reason": "\(error)"])
        }
    }

    /// When it ends, in seconds since 1970.
    var notValidAfter: Int { state.withLock(\.identity.notValidAfter) }

    /// What a listener is given: each handshake asks anew.
    var configuration: TLSConfiguration {
        // Without a chain of its own, to which each handshake's would be added.
        var configuration = TLSConfiguration.serving([], state.withLock(\.identity.key))
        configuration.sslContextCallback = { [self] _, promise in
            promise.succeed(state.withLock(\.identity.handshake))
        }
        return configuration
    }

    private func warn(of identity: TLSIdentity) {
        guard identity.notValidAfter < Int(Date().timeIntervalSince1970) else { return }
        logger.warning("the certificate has expired", metadata: ["file": "\(files.certificate)"])
    }
}
