import Hummingbird
import Logging
import NIOCore
import ServiceLifecycle

/// One of the addresses at which the gateway answers.
struct Listener: Service {
    enum Door: CaseIterable {
        case callers, administrators, commands

        /// The setting that says where it is.
        var setting: SettingName {
            switch self {
            case .callers: .listen
            case .administrators: .adminListen
            case .commands: .ledger
            }
        }
    }

    private let application: any Service
    private let address: BindAddress
    private let door: Door

    private static let idleTimeout = TimeAmount.seconds(75)

    init(_ door: Door, at address: BindAddress, _ router: Router<OpenContext>, _ arrivals: Arrivals, _ logger: Logger) {
        self.door = door
        self.address = address
        application = Application(
            router: router,
            server: .http1(
                configuration: .init(additionalChannelHandlers: [CallerPresence()], idleTimeout: Self.idleTimeout)
            ),
            configuration: .init(address: address),
            onServerRunning: { channel in await arrivals.arrived(door, port: channel.localAddress?.port) },
            logger: logger
        )
    }

    /// - Throws: ``SettingFailure`` if the address is taken or not to be had.
    func run() async throws {
        do {
            try await application.run()
        } catch let error as IOError {
            throw SettingFailure("\(door.setting.rawValue): \(address) cannot be listened on: \(error)")
        }
    }
}
