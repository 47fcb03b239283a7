import HTTPTypes
import Ledger

/// What a call does in a sandbox: the allow-list by port, method and path. What is not on it does not exist.
struct SandboxRoute: Equatable, Sendable {
    /// Which of the gateway's own tokens opens it.
    enum Key: Equatable, Sendable {
        /// `X-Access-Token`.
        case daemon
        /// `E2B-Traffic-Access-Token`.
        case traffic
        /// One of the two.
        case either
    }

    /// How log and audit name it.
    let pathClass: String
    /// What opens it.
    let key: Key
    /// What it starts, which is recorded before it does.
    var start: CallStart?
    /// Whether upstream is given the real token of the daemon.
    var needsDaemonToken = false
    /// Whether it leads to what the tenant itself has put on a port.
    var isUserPort = false

    /// Whether a signed URL may stand for the token.
    var maySigned: Bool { pathClass == Self.filesClass && needsDaemonToken }

    static let filesClass = "files"
    static let userPortClass = "user"

    /// What is at a port, method and path; nil for nothing.
    static func to(_ port: Int, _ method: HTTPRequest.Method, _ path: DataPath) -> SandboxRoute? {
        switch port {
        case SandboxAddress.daemonPort: path.isPlain ? daemon(method, path.decoded) : nil
        case SandboxAddress.interpreterPort: path.isPlain ? interpreter(method, path) : nil
        default:
            SandboxRoute(pathClass: userPortClass, key: .traffic, isUserPort: true)
        }
    }

    // MARK: The daemon

    private static let processMethods: Set<String> = [
        "Start", "Connect", "List", "SendInput", "StreamInput", "SendSignal", "CloseStdin", "Update",
    ]
    private static let filesystemMethods: Set<String> = [
        "Stat", "MakeDir", "Move", "ListDir", "Remove", "WatchDir", "CreateWatcher", "GetWatcherEvents",
        "RemoveWatcher",
    ]

    private static func daemon(_ method: HTTPRequest.Method, _ path: String) -> SandboxRoute? {
        switch (method, path) {
        case (.get, "/health"), (.get, "/files"), (.post, "/files"), (.get, "/envs"), (.get, "/metrics"):
            SandboxRoute(pathClass: String(path.dropFirst()), key: .daemon, needsDaemonToken: true)
        case (.post, _): remoteProcedure(path)
        default: nil
        }
    }

    /// Connect's RPC: `/{package.Service}/{Method}`.
    private static func remoteProcedure(_ path: String) -> SandboxRoute? {
        let parts = path.dropFirst().split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 2 else { return nil }
        let methods: Set<String> =
            switch parts[0] {
            case "process.Process": processMethods
            case "filesystem.Filesystem": filesystemMethods
            default: []
            }
        guard methods.contains(String(parts[1])) else { return nil }
        let pathClass = String(path.dropFirst())
        return SandboxRoute(
            pathClass: pathClass, key: .daemon, start: pathClass == "process.Process/Start" ? .process : nil,
            needsDaemonToken: true
        )
    }

    // MARK: The code interpreter

    private static func interpreter(_ method: HTTPRequest.Method, _ path: DataPath) -> SandboxRoute? {
        switch (method, path.segments.count, path.segments[0]) {
        case (.get, 1, "health"):
            return SandboxRoute(pathClass: "health", key: .either)
        case (.post, 1, "execute"):
            // The server reads the sandbox's environment from the daemon with the token it is given here.
            return SandboxRoute(pathClass: "execute", key: .either, start: .code, needsDaemonToken: true)
        case (.get, 1, "contexts"), (.post, 1, "contexts"):
            return SandboxRoute(pathClass: "contexts", key: .traffic)
        case (.delete, 2, "contexts") where isContextID(path.segments[1]),
            (.post, 3, "contexts") where isContextID(path.segments[1]) && path.segments[2] == "restart":
            return SandboxRoute(pathClass: "contexts", key: .traffic)
        default:
            return nil
        }
    }

    private static func isContextID(_ text: String) -> Bool {
        (1...128).contains(text.utf8.count)
            && text.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"):
                    true
                default: false
                }
            }
    }
}
