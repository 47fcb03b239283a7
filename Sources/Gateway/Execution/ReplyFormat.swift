import E2BUpstream
import HTTPTypes
import NIOCore

/// How the caller wants to be answered.
enum ReplyFormat: String, Sendable, CaseIterable {
    case document = "application/json"
    case serverSentEvents = "text/event-stream"
    case jsonLines = "application/x-ndjson"

    /// Picks by `Accept` (RFC 9110, 12.5.1): the highest quality, at equal quality the first named; `*/*` and no
    /// header mean a document.
    init(accept: String?) throws(Problem) {
        guard let accept, !accept.isEmpty else {
            self = .document
            return
        }
        var best: (format: ReplyFormat, quality: Double)?
        for range in accept.split(separator: ",") {
            let parts = range.split(separator: ";").map { $0.trimming(" ").lowercased() }
            guard let type = parts.first, let format = Self.matching(type) else { continue }
            let quality = parts.dropFirst().first { $0.hasPrefix("q=") }.flatMap { Double($0.dropFirst(2)) } ?? 1
            if quality > best?.quality ?? 0 { best = (format, quality) }
        }
        guard let best else {
            let offered = Self.allCases.map(\.rawValue).joined(separator: ", ")
            throw Problem(.notAcceptable, "Offered are \(offered).", shouldRetry: false)
        }
        self = best.format
    }

    private static func matching(_ type: String) -> ReplyFormat? {
        switch type {
        case "*/*", "application/*": .document
        case "text/*": .serverSentEvents
        default: ReplyFormat(rawValue: type)
        }
    }
}
