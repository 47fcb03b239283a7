import HTTPTypes

/// Which trace (W3C Trace Context) calls of upstream belong to: what they carry, if they are made within ``carrying(_:_:)``.
public struct TraceHeaders: Sendable, Equatable {
    /// The headers that calls carry which the present task makes; nil where it makes them for nobody's call.
    @TaskLocal public static var current: TraceHeaders?

    /// `traceparent`.
    public let parent: String
    /// `tracestate`, if there is one.
    public let state: String?

    /// Headers as they are to be sent.
    public init(parent: String, state: String?) {
        self.parent = parent
        self.state = state
    }

    /// Does some work, whose calls of upstream carry these headers.
    public static func carrying<Value, Failure: Error>(
        _ headers: TraceHeaders?, _ work: () async throws(Failure) -> Value
    ) async throws(Failure) -> Value {
        let result: Result<Value, Failure> = await $current.withValue(headers) {
            do throws(Failure) {
                return .success(try await work())
            } catch {
                return .failure(error)
            }
        }
        return try result.get()
    }

    func set(in headers: inout HTTPFields) {
        headers[.traceParent] = parent
        headers[.traceState] = state
    }
}
