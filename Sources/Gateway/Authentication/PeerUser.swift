import Glibc
import NIOCore

/// Who is at the other end of a Unix socket.
enum PeerUser {
    /// The user's name, or its number if it has none; `unknown` if the kernel does not say.
    static func name(on channel: any Channel) async -> String {
        guard let options = channel as? any SocketOptionProvider else { return "unknown" }
        let credentials: EventLoopFuture<Credentials> = options.unsafeGetSocketOption(
            level: .socket, name: .init(rawValue: SO_PEERCRED)
        )
        guard let user = try? await credentials.get().uid else { return "unknown" }
        return name(of: user)
    }

    /// `struct ucred`, which Glibc shows to GNU programs only.
    private struct Credentials {
        var process: pid_t
        var uid: uid_t
        var group: gid_t
    }

    private static func name(of user: uid_t) -> String {
        var entry = passwd()
        var found: UnsafeMutablePointer<passwd>?
        var text = [CChar](repeating: 0, count: 16 * 1024)
        // The entry points into the text, so its name is copied before that may move.
        let name = text.withUnsafeMutableBufferPointer { text -> String? in
            guard let start = text.baseAddress, getpwuid_r(user, &entry, start, text.count, &found) == 0, found != nil
            else { return nil }
            return String(cString: entry.pw_name)
        }
        return name ?? "\(user)"
    }
}
