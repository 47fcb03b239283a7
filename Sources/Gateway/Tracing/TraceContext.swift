import E2BUpstream
import HTTPTypes

/// The trace (W3C Trace Context) that a request belongs to, and this gateway's own span in it.
///
/// The caller's trace is continued; where it said none, or none that is one, a trace is begun.
struct TraceContext: Sendable, Equatable {
    /// 32 lowercase hex digits, not all zero.
    let traceID: String
    /// The gateway's span: 16 lowercase hex digits, not all zero.
    let spanID: String
    /// Whether somebody may be recording it.
    let isSampled: Bool
    /// What others along the way have to say, as `tracestate` has it; nil if that is nothing.
    let state: String?

    /// - Parameter sampling: how many of the traces that are begun here are marked as recorded.
    init(continuing fields: HTTPFields, sampling: TraceSampling = .none) {
        spanID = Self.randomID(digits: 16)
        if let parent = TraceParent(fields) {
            traceID = parent.traceID
            isSampled = parent.isSampled
            state = TraceState.text(of: fields[values: .traceState])
        } else {
            traceID = Self.randomID(digits: 32)
            isSampled = sampling.decides()
            state = nil
        }
    }

    /// Of what is no request, or of none yet.
    static let none = TraceContext(traceID: "", spanID: "", isSampled: false, state: nil)

    private init(traceID: String, spanID: String, isSampled: Bool, state: String?) {
        self.traceID = traceID
        self.spanID = spanID
        self.isSampled = isSampled
        self.state = state
    }

    /// What calls of upstream carry, so that theirs are this gateway's children.
    var headers: TraceHeaders {
        TraceHeaders(parent: "00-\(traceID)-\(spanID)-\(isSampled ? "01" : "00")", state: state)
    }

    private static func randomID(digits: Int) -> String {
        let digitsOfEach = 16
        // One that is all zero would be none.
        return (0..<digits / digitsOfEach).map { _ in
            let text = String(UInt64.random(in: 1 ... .max), radix: 16)
            return String(repeating: "0", count: digitsOfEach - text.count) + text
        }.joined()
    }
}

/// What a caller's `traceparent` says (section 3.2).
struct TraceParent: Equatable {
    let traceID: String
    let isSampled: Bool

    /// Nil unless there is one such header, of the form that it must have. Of later versions than the first, what that has.
    init?(_ fields: HTTPFields) {
        let headers = fields[values: .traceParent]
        guard headers.count == 1, let header = headers.first, header.utf8.count <= 512 else { return nil }
        let parts = header.split(separator: "-", omittingEmptySubsequences: false)
        guard parts.count >= 4, parts[0].isHex(2), parts[0] != "ff", parts[0] != "00" || parts.count == 4,
            parts[1].isHex(32), parts[2].isHex(16), parts[3].isHex(2),
            parts[1].contains(where: { $0 != "0" }), parts[2].contains(where: { $0 != "0" }),
            let flags = UInt8(parts[3], radix: 16)
        else { return nil }
        traceID = String(parts[1])
        isSampled = flags & 1 == 1
    }
}

extension Substring {
    fileprivate func isHex(_ count: Int) -> Bool {
        utf8.count == count
            && utf8.allSatisfy {
                (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0)
                    || (UInt8(ascii: "a")...UInt8(ascii: "f")).contains($0)
            }
    }
}
