import E2BUpstream
import NIOCore

/// One event of a streamed execution, as it is written to the caller.
enum StreamEvent: Sendable {
    case started(BegunExecution)
    case emitted(ExecutionEvent)
    case finished(ExecutionReply)
    /// The sandbox cloud or the gateway failed after the first byte: never a silent end.
    case failed(ProblemDocument)

    /// The bytes of this event as a line of JSON or a server-sent event.
    func encoded(as format: ReplyFormat) -> ByteBuffer {
        switch (format, self) {
        case (.serverSentEvents, .emitted(.keepalive)):
            return ByteBuffer(string: ": keepalive\n\n")
        case (.serverSentEvents, _):
            var buffer = ByteBuffer(string: "event: \(name)\ndata: ")
            buffer.writeImmutableBuffer(json)
            buffer.writeString("\n\n")
            return buffer
        case (.jsonLines, _), (.document, _):
            var buffer = json
            buffer.writeString("\n")
            return buffer
        }
    }

    private var name: String {
        switch self {
        case .started: "started"
        case .emitted(.stdout): "stdout"
        case .emitted(.stderr): "stderr"
        case .emitted(.result): "result"
        case .emitted(.exception): "exception"
        case .emitted(.keepalive): "keepalive"
        case .finished: "finished"
        case .failed: "failed"
        }
    }

    private var json: ByteBuffer {
        switch self {
        case .started(let begun):
            JSONReply.buffer(
                JSONValue.object([
                    "type": .string(name), "id": .string(begun.id),
                    "granted_timeout_ms": .integer(begun.grantedTimeoutMilliseconds),
                    "timeout_lowered": .bool(begun.timeoutLowered), "queued_ms": .integer(begun.queuedMilliseconds),
                ])
            )
        case .emitted(.stdout(let text)), .emitted(.stderr(let text)):
            JSONReply.buffer(["type": name, "text": text])
        case .emitted(.result(let result)):
            JSONReply.buffer(result.json.adding("type", .string(name)))
        case .emitted(.exception(let exceptionName, let value, let traceback)):
            JSONReply.buffer(["type": name, "name": exceptionName, "value": value, "traceback": traceback])
        case .emitted(.keepalive):
            JSONReply.buffer(["type": name])
        case .finished(let reply):
            JSONReply.buffer(reply)
        case .failed(let problem):
            JSONReply.buffer(FailedEvent(problem: problem))
        }
    }

    private struct FailedEvent: Encodable {
        var type = "failed"
        let problem: ProblemDocument
    }
}

extension JSONValue {
    fileprivate func adding(_ name: String, _ value: JSONValue) -> JSONValue {
        guard case .object(var members) = self else { return self }
        members[name] = value
        return .object(members)
    }
}
