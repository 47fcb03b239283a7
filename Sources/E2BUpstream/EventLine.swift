/// What one line of `/execute` says.
enum EventLine: Equatable {
    case event(ExecutionEvent)
    /// The last line.
    case end
    /// A count, or a type a newer server has invented.
    case nothing

    /// Reads one line; a blank one says nothing.
    init(_ line: [UInt8]) throws(UpstreamFailure) {
        guard line.contains(where: { $0 != 0x20 && $0 != 0x09 && $0 != 0x0d }) else {
            self = .nothing
            return
        }
        guard case .object(let fields)? = try? JSONParser.parse(line), let type = fields["type"]?.text else {
            throw .broken("a line of the event stream is not an event")
        }
        switch type {
        case "stdout": self = .event(.stdout(try Self.text("text", of: fields)))
        case "stderr": self = .event(.stderr(try Self.text("text", of: fields)))
        case "result": self = .event(.result(RichResult(eventFields: fields)))
        case "error": self = .event(try Self.exception(fields))
        case "keepalive": self = .event(.keepalive)
        case "end_of_execution": self = .end
        default: self = .nothing
        }
    }

    private static func exception(_ fields: [String: JSONValue]) throws(UpstreamFailure) -> ExecutionEvent {
        .exception(
            name: try text("name", of: fields),
            value: fields["value"]?.text ?? "",
            traceback: fields["traceback"]?.text ?? ""
        )
    }

    private static func text(_ key: String, of fields: [String: JSONValue]) throws(UpstreamFailure) -> String {
        guard let text = fields[key]?.text else { throw .broken("an event lacks its \(key)") }
        return text
    }
}

extension RichResult {
    fileprivate init(eventFields: [String: JSONValue]) {
        var formats = eventFields
        formats["type"] = nil
        let isMainResult = formats.removeValue(forKey: "is_main_result") == .bool(true)
        self.init(isMainResult: isMainResult, formats: formats)
    }
}
