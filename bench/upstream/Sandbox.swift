import FoundationEssentials
import NIOCore

/// A sandbox, which is nothing but what is known of it.
final class Sandbox {
    /// What a create asks for; everything else in it makes no difference here.
    struct Order: Decodable {
        /// E2B's own default.
        static let usualSeconds = 300

        let templateID: String
        let timeout: Int?
        let metadata: [String: String]?

        var labels: [String: String] { metadata ?? [:] }
    }

    /// What a create answers, and a connect.
    struct Opened: Encodable {
        let sandboxID: String, templateID: String, envdAccessToken: String, trafficAccessToken: String
        let clientID = "6532622b", envdVersion = "0.6.13"
    }

    /// What a list has of it.
    struct Detail: Encodable {
        let sandboxID: String, templateID: String, startedAt: Date, endAt: Date, metadata: [String: String]
        let clientID = "6532622b", envdVersion = "0.6.13", state = "running"
        let cpuCount = 2, memoryMB = 512, diskSizeMB = 1024
    }

    let id: String
    let order: Order
    let accessToken: String
    private let trafficToken: String
    private let startedAt = Date.now
    private(set) var endsAt: Date
    /// When its last execution is over.
    var isBusyUntil = NIODeadline.now()
    var files: [String: ByteBuffer] = [:]

    init(_ order: Order, number: Int) {
        let digits = String(number, radix: 16)
        let padding = String(repeating: "0", count: 20 - digits.count)
        id = "i" + padding + digits
        self.order = order
        accessToken = "5a9d" + String(repeating: "0", count: 40) + padding + digits
        trafficToken = "c0ff" + String(repeating: "0", count: 40) + padding + digits
        endsAt = startedAt + TimeInterval(order.timeout ?? Order.usualSeconds)
    }

    var opened: Opened {
        Opened(
            sandboxID: id, templateID: order.templateID, envdAccessToken: accessToken, trafficAccessToken: trafficToken)
    }

    var detail: Detail {
        Detail(
            sandboxID: id, templateID: order.templateID, startedAt: startedAt, endAt: endsAt, metadata: order.labels)
    }

    func end(in seconds: Int) {
        endsAt = .now + TimeInterval(seconds)
    }

    func lastAtLeast(_ seconds: Int) {
        endsAt = max(endsAt, .now + TimeInterval(seconds))
    }
}
