import Foundation
import HTTPTypes

/// A query for sandboxes, and its answer page by page.
struct SandboxListQuery {
    var metadata: [String: String] = [:]
    var template: String?
    var startedAfter: Date?
    var includesRunning = true
    var includesPaused = true
    var isAscending = false
    var limit = 100
    var after: Cursor?

    /// Where a page ends: a sandbox's start, in microseconds since 1970, and its id for those that started together.
    struct Cursor: Equatable {
        let microseconds: Int64
        let id: String
    }

    /// - Parameter value: the value of a parameter, decoded once.
    init(_ value: (_ parameter: String) -> String?) throws(ControlPlaneRefusal) {
        if let filter = value("metadata") { metadata = try Self.metadata(filter) }
        template = value("template")
        if let text = value("state") {
            let states = text.split(separator: ",")
            guard states.allSatisfy({ $0 == "running" || $0 == "paused" }) else {
                throw ControlPlaneRefusal(.badRequest, "state is 'running', 'paused' or both")
            }
            includesRunning = states.contains("running")
            includesPaused = states.contains("paused")
        }
        if let text = value("startedAfter") {
            guard let date = Self.date(text) else { throw ControlPlaneRefusal(.badRequest, "startedAfter is no time") }
            startedAfter = date
        }
        isAscending = value("order") == "asc"
        if let text = value("limit") {
            guard let number = Int(text), (1...100).contains(number) else {
                throw ControlPlaneRefusal(.badRequest, "limit must be between 1 and 100")
            }
            limit = number
        }
        if let token = value("nextToken") {
            guard let cursor = Cursor(token: token) else { throw ControlPlaneRefusal(.badRequest, "Invalid nextToken") }
            after = cursor
        }
    }

    /// The page, and the token of the next if there is more.
    func page(of sandboxes: [Sandbox]) -> (sandboxes: [Sandbox], nextToken: String?) {
        let matching = sandboxes.filter(matches).map { (Cursor($0), $0) }
            .sorted { isAscending ? $0.0 < $1.0 : $1.0 < $0.0 }
            .filter { entry in after.map { isAscending ? $0 < entry.0 : entry.0 < $0 } ?? true }
        let page = matching.prefix(limit)
        let nextToken = matching.count > limit ? page.last?.0.token : nil
        return (page.map(\.1), nextToken)
    }

    private func matches(_ sandbox: Sandbox) -> Bool {
        (sandbox.isRunning ? includesRunning : includesPaused)
            && metadata.allSatisfy { sandbox.order.metadata[$0.key] == $0.value }
            && template.map { sandbox.order.template == $0 } ?? true
            && startedAfter.map { sandbox.startedAt > $0 } ?? true
    }

    /// The SDK encodes thrice: each part, the whole as a form, the form as a parameter. The last of these is
    /// undone already.
    private static func metadata(_ parameter: String) throws(ControlPlaneRefusal) -> [String: String] {
        var filter: [String: String] = [:]
        for pair in (decoded(parameter) ?? "").split(separator: "&") {
            let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard parts.count == 2, let name = decoded(parts[0]), let value = decoded(parts[1]) else {
                throw ControlPlaneRefusal(.badRequest, "metadata is not a form")
            }
            filter[name] = value
        }
        return filter
    }

    private static func decoded(_ part: some StringProtocol) -> String? {
        part.replacingOccurrences(of: "+", with: " ").removingPercentEncoding
    }

    private static func date(_ text: String) -> Date? {
        let spaced = text.replacingOccurrences(of: " ", with: "+")  // a `+` that was not encoded
        return (try? Date(spaced, strategy: .iso8601))
            ?? (try? Date(spaced, strategy: Date.ISO8601FormatStyle(includingFractionalSeconds: true)))
    }
}

extension SandboxListQuery.Cursor: Comparable {
    init(_ sandbox: Sandbox) {
        microseconds = Int64(sandbox.startedAt.timeIntervalSince1970 * 1_000_000)
        id = sandbox.id
    }

    init?(token: String) {
        let parts = token.split(separator: "_")
        guard parts.count == 2, let number = Int64(parts[0]), let id = SandboxID.parse(parts[1]) else { return nil }
        microseconds = number
        self.id = id
    }

    var token: String { "\(microseconds)_\(id)" }

    static func < (left: Self, right: Self) -> Bool {
        (left.microseconds, left.id) < (right.microseconds, right.id)
    }
}
