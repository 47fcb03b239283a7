import Foundation

/// The code that runs before the caller's in the same fresh context, to hand over its context data and environment.
///
/// The values travel as one base64 literal of a JSON document, so nothing in them is ever read as code. The setup also
/// absorbs what E2B's server puts before the first execution of a context (two lines, which would shift the caller's
/// line numbers), and takes back every trace of itself: IPython's counter, its histories, its `_i` variables.
enum SetupCode {
    /// - Throws: ``UpstreamFailure/contextInvalid(_:)`` for an environment that no process could have.
    static func text(for order: CodeOrder) throws(UpstreamFailure) -> String {
        for (name, value) in order.environment
        where name.isEmpty || name.contains("=") || name.contains("\0") || value.contains("\0") {
            throw .contextInvalid("an environment variable contains a NUL, or its name is empty or contains =")
        }
        let payload = Payload(contextData: order.contextData, environment: order.environment)
        guard let json = try? JSONEncoder().encode(payload) else {
            throw .contextInvalid("the context data cannot be sent")
        }
        return program.replacing("PAYLOAD", with: json.base64EncodedString(), maxReplacements: 1)
    }

    private struct Payload: Encodable {
        let contextData: String?
        let environment: [String: String]

        enum CodingKeys: String, CodingKey {
            case environment
            case contextData = "context_data"
        }
    }

    /// Written as one function under a name that IPython owns anyway, so that no other name is left behind.
    ///
    /// The counter goes back by one whether IPython counts a cell before it runs (9.15) or after (8).
    private static let program = """
        def _(payload):
            import base64, json, os
            given = json.loads(base64.b64decode(payload))
            os.environ.update(given["environment"])
            shell = get_ipython()
            names = shell.user_ns
            if "context_data" in given:
                names["context_data"] = given["context_data"]
            history = shell.history_manager
            for lines in (history.input_hist_parsed, history.input_hist_raw):
                if len(lines) > 1:
                    lines.pop()
            for attribute in ("_i", "_ii", "_iii", "_i00"):
                if hasattr(history, attribute):
                    setattr(history, attribute, "")
            history.db_input_cache.clear()
            for name in ("_i", "_ii", "_iii"):
                names[name] = ""
            names.pop("_i1", None)
            shell.execution_count -= 1
        _("PAYLOAD")
        _ = ""
        """
}
