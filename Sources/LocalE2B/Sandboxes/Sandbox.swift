import FoundationEssentials
import Synchronization

/// A sandbox as E2B's callers know it: a container that has been given a name, an owner's data and an end.
final class Sandbox: Sendable {
    let id: String
    let container: Container
    let order: SandboxOrder
    let startedAt = Date()
    private let end: Mutex<End>

    private struct End {
        var instant: ContinuousClock.Instant
        var date: Date
    }

    init(_ order: SandboxOrder, in container: Container) {
        id = SandboxID.make()
        self.container = container
        self.order = order
        end = Mutex(End(instant: .now + .seconds(order.timeout), date: .now + TimeInterval(order.timeout)))
    }

    /// When it is killed unless that is changed before.
    var endAt: Date { end.withLock { $0.date } }

    var isExpired: Bool { end.withLock { $0.instant <= .now } }

    /// Whether requests can get to it at all.
    var isReachable: Bool { !container.hasEnded && !isExpired }

    /// Lets it live for this many seconds from now.
    func setTimeout(_ seconds: Int) {
        end.withLock { $0 = End(instant: .now + .seconds(seconds), date: .now + TimeInterval(seconds)) }
    }

    /// The same, unless that would shorten its life.
    func extend(to seconds: Int) {
        end.withLock { end in
            let instant = ContinuousClock.now + .seconds(seconds)
            if instant > end.instant { end = End(instant: instant, date: .now + TimeInterval(seconds)) }
        }
    }

    /// What envd's `/envs` would answer: the variables of the create, and those E2B adds.
    var environment: [String: String] {
        order.environment.merging([
            "E2B_SANDBOX": "true", "E2B_SANDBOX_ID": id, "E2B_TEMPLATE_ID": order.template,
        ]) { own, _ in own }
    }
}

/// What a caller asks of a new sandbox.
struct SandboxOrder: Sendable, Equatable {
    var template: String
    /// Seconds it lives, if nobody changes that.
    var timeout: Int
    var metadata: [String: String] = [:]
    var environment: [String: String] = [:]
    /// Whether envd wants a token.
    var isSecure = true
    /// Whether the other ports are open without a token.
    var allowsPublicTraffic = true
}

/// E2B's sandbox ids: `i` and twenty of `a`-`z` and `0`-`9`.
enum SandboxID {
    private static let alphabet = Array("abcdefghijklmnopqrstuvwxyz0123456789")

    static func make() -> String {
        "i" + String((0..<20).map { _ in alphabet[Int.random(in: alphabet.indices)] })
    }

    /// The id in a path or header, which may have the legacy form `id-clientid`; nil if it cannot be one.
    static func parse(_ text: some StringProtocol) -> String? {
        let id = text.prefix { $0 != "-" }
        let isValid = !id.isEmpty && id.utf8.count <= 57 && id.utf8.allSatisfy(isLetterOrDigit)
        return isValid ? String(id) : nil
    }

    private static func isLetterOrDigit(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte) || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
    }
}
