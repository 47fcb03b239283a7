import Foundation
import Ledger
import Quota

/// What `GET /v2/sandboxes` is asked for, and its answer page by page.
struct SandboxListQuery {
    var metadata: [String: String] = [:]
    var template: String?
    var startedAfter: Moment?
    var states: Set<OwnedSandbox.State> = [.running, .paused]
    var isAscending = false
    var limit = 100
    var after: Cursor?

    /// Where a page ends. It names no sandbox that anybody else could reach: only what its reader may see is ever listed.
    struct Cursor: Hashable, Comparable {
        let startedAt: Int64
        let handle: String

        static func < (left: Self, right: Self) -> Bool {
            (left.startedAt, left.handle) < (right.startedAt, right.handle)
        }
    }

    /// - Parameter value: the value of a parameter, decoded once.
    init(_ value: (_ parameter: String) -> String?) throws(Problem) {
        if let filter = value("metadata") { metadata = try Self.metadata(filter) }
        template = value("template")
        if let text = value("state"), !text.isEmpty {
            states = []
            for name in text.split(separator: ",") {
                guard let state = OwnedSandbox.State(rawValue: String(name)), [.running, .paused].contains(state) else {
                    throw .invalidField("state", "is \"running\", \"paused\", or both with a comma between")
                }
                states.insert(state)
            }
        }
        if let text = value("startedAfter") {
            // A `+` that was not encoded arrives as a blank.
            guard let moment = Timestamp.moment(text.replacing(" ", with: "+")) else {
                throw .invalidField("startedAfter", "is no time")
            }
            startedAfter = moment
        }
        if let order = value("order") {
            guard ["asc", "desc"].contains(order) else { throw .invalidField("order", "is \"asc\" or \"desc\"") }
            isAscending = order == "asc"
        }
        if let text = value("limit") {
            guard let number = Int(text), (1...100).contains(number) else {
                throw .invalidField("limit", "is a number from 1 to 100")
            }
            limit = number
        }
        if let token = value("nextToken") {
            guard let cursor = Cursor(token: token) else {
                throw .invalidField("nextToken", "is none that this gateway gave")
            }
            after = cursor
        }
    }

    /// The page, and the token of the next if there is more.
    func page(of sandboxes: [OwnedSandbox]) -> (sandboxes: [OwnedSandbox], nextToken: String?) {
        let matching = sandboxes.filter(matches).map { (Cursor($0), $0) }
            .sorted { isAscending ? $0.0 < $1.0 : $1.0 < $0.0 }
            .filter { entry in after.map { isAscending ? $0 < entry.0 : entry.0 < $0 } ?? true }
        let page = matching.prefix(limit)
        return (page.map(\.1), matching.count > limit ? page.last?.0.token : nil)
    }

    private func matches(_ sandbox: OwnedSandbox) -> Bool {
        states.contains(sandbox.state)
            && metadata.allSatisfy { sandbox.metadata[$0.key] == $0.value }
            && template.map { sandbox.template == $0 } ?? true
            && startedAfter.map { sandbox.startedAt > $0 } ?? true
    }

    /// SDKs encode thrice: each part, the whole as a form, the form as a parameter. The last of these is undone already.
    private static func metadata(_ parameter: String) throws(Problem) -> [String: String] {
        var filter: [String: String] = [:]
        guard let form = decoded(parameter) else {
            throw .invalidField("metadata", "is not a form of names and values")
        }
        for pair in form.split(separator: "&") {
            let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard parts.count == 2, let name = decoded(parts[0]), let value = decoded(parts[1]) else {
                throw .invalidField("metadata", "is not a form of names and values")
            }
            filter[name] = value
        }
        return filter
    }

    private static func decoded(_ part: some StringProtocol) -> String? {
        String(part).replacing("+", with: " ").removingPercentEncoding
    }
}

extension SandboxListQuery.Cursor {
    init(_ sandbox: OwnedSandbox) {
        startedAt = sandbox.startedAt.nanoseconds
        handle = sandbox.handle.text
    }

    init?(token: String) {
        let parts = token.split(separator: ".")
        guard parts.count == 2, let number = Int64(parts[0]), let handle = SandboxHandle(String(parts[1])) else {
            return nil
        }
        startedAt = number
        self.handle = handle.text
    }

    var token: String { "\(startedAt).\(handle)" }
}
