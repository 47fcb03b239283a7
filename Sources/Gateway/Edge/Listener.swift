import Glibc
import Hummingbird
import HummingbirdCore
import Logging
import NIOCore
import ServiceLifecycle

/// One of the addresses at which the gateway answers.
struct Listener: Service {
    enum Role: CaseIterable {
        case callers, administrators, commands

        /// The setting that says where it is.
        var setting: SettingName {
            switch self {
            case .callers: .listen
            case .administrators: .adminListen
            case .commands: .ledger
            }
        }

        /// How long a connection may rest. That of a caller longer than any SDK keeps one: whoever takes an old connection
        /// for its next request must not find it being closed. E2B's edge waits as long.
        var idleTimeout: TimeAmount {
            switch self {
            case .callers: .seconds(610)
            case .administrators, .commands: .seconds(75)
            }
        }
    }

    private let application: any Service
    private let address: ListenerAddress
    private let role: Role

    /// - Parameter certificate: what it is served with; without one it is served in clear.
    init(
        _ role: Role, at address: ListenerAddress, with certificate: TLSCertificate? = nil,
        _ router: Router<OpenContext>, _ arrivals: Arrivals, _ logger: Logger
    ) {
        self.role = role
        self.address = address
        application = Application(
            router: router,
            server: .serving(with: certificate, idleTimeout: role.idleTimeout),
            configuration: .init(address: address.bindAddress),
            onServerRunning: { channel in await arrivals.arrived(role, port: channel.localAddress?.port) },
            logger: logger
        )
    }

    /// - Throws: ``SettingFailure`` if the address is taken or not to be had.
    func run() async throws {
        do {
            try await application.run()
        } catch let error as IOError {
            let reason = String(cString: strerror(error.errnoCode))
            throw SettingFailure("\(role.setting.rawValue): \(address) cannot be listened on: \(reason)")
        }
    }
}

extension HTTPServerBuilder {
    fileprivate static func serving(with certificate: TLSCertificate?, idleTimeout: TimeAmount) -> HTTPServerBuilder {
        guard let certificate else {
            return .http1(configuration: .init(additionalChannelHandlers: [CallerPresence()], idleTimeout: idleTimeout))
        }
        return HTTPServerBuilder { responder in
            try TLSConnections(certificate, idleTimeout: idleTimeout, responder: responder)
        }
    }
}

/// Where a listener is.
enum ListenerAddress: CustomStringConvertible {
    case tcp(ListenAddress)
    case socket(path: String)

    var bindAddress: BindAddress {
        switch self {
        case .tcp(let address): .hostname(address.host, port: address.port)
        case .socket(let path): .unixDomainSocket(path: path)
        }
    }

    var description: String {
        switch self {
        case .tcp(let address): address.description
        case .socket(let path): path
        }
    }
}
