import NIOCore

/// One `/execute`: what to run and where the events go.
final class Execution: Sendable {
    /// The request's body as the caller sent it, already validated.
    let request: ByteBuffer
    /// The environment this execution's context takes on if none before it has brought one.
    let environment: [String: String]
    let answer = Handoff()

    init(request: ByteBuffer, environment: [String: String]) {
        self.request = request
        self.environment = environment
    }

    /// Events the server itself writes, in the form of the real code-interpreter server.
    enum Line {
        static let keepalive = ByteBuffer(string: #"{"type": "keepalive"}"# + "\n")
        static let end = ByteBuffer(string: #"{"type": "end_of_execution"}"# + "\n")
        static let contextRestarting = error("ContextRestarting", "Context was restarted")

        static func outputLimit(_ limitMiB: Int) -> ByteBuffer {
            error("OutputLimitExceeded", "The execution sent more than \(limitMiB) MiB and was ended")
        }

        private static func error(_ name: String, _ value: String) -> ByteBuffer {
            let fields = #""name": "\#(name)", "value": "\#(value)", "traceback": """#
            return ByteBuffer(string: #"{"type": "error", \#(fields)}"# + "\n")
        }
    }
}
