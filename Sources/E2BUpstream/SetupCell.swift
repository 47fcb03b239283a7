import FoundationEssentials

/// The Python that prepares a fresh kernel for the user's code: a fixed text with one base64 literal in it, so that no
/// value can ever be read as code.
///
/// It is always sent, as the context's first execution: the real server prepends two lines of its own to that one,
/// which would otherwise shift the user's line numbers. It leaves nothing behind but `context_data` and the
/// environment, not even itself in the history, so that the user's cell is `In[1]`.
enum SetupCell {
    private struct Payload: Encodable {
        let context_data: String?
        let environment: [String: String]
    }

    /// The cell for an order.
    ///
    /// - Throws: ``UpstreamFailure/contextInvalid(_:)`` for an environment no process can have.
    static func source(for order: CodeOrder) throws(UpstreamFailure) -> String {
        for (name, value) in order.environment {
            guard !name.isEmpty, !name.utf8.contains(UInt8(ascii: "=")) else {
                throw .contextInvalid("the name of an environment variable is empty or holds an equals sign")
            }
            guard !name.utf8.contains(0), !value.utf8.contains(0) else {
                throw .contextInvalid("an environment variable holds a NUL character")
            }
        }
        let payload = Payload(context_data: order.contextData, environment: order.environment)
        guard let json = try? JSONEncoder().encode(payload) else {
            throw .contextInvalid("the context cannot be written as JSON")
        }
        return "exec(r'''\(program)''', {'payload': '\(json.base64EncodedString())'})"
    }

    /// Runs in a namespace of its own, so its names are nobody else's. Holds no triple single quotes.
    ///
    /// What it undoes are IPython's records of the setup cell itself (8.x and 9.x): the lists behind `In` and
    /// `%history`, the `_i…` variables, the rows on their way to the history database or already there (a second line
    /// 1 in the same session would print an error), the compiled source kept for tracebacks; and the counter, which
    /// becomes 1 when the cell ends.
    static let program = """

        import base64, json, linecache, os
        from IPython import get_ipython

        values = json.loads(base64.b64decode(payload))
        shell = get_ipython()
        names = shell.user_ns
        os.environ.update(values["environment"])
        if "context_data" in values:
            names["context_data"] = values["context_data"]

        # Newer versions count before they run a cell, older ones after it: this cell's own `_iN` tells which.
        counts_later = f"_i{shell.execution_count}" in names
        history = shell.history_manager
        if history is not None:
            history.input_hist_parsed[:] = [""]
            history.input_hist_raw[:] = [""]
            history._i = history._ii = history._iii = history._i00 = ""
            try:
                with history.db_input_cache_lock:
                    history.db_input_cache = []
                    with history.db:
                        history.db.execute("DELETE FROM history WHERE session = ?", (history.session_number,))
            except Exception:
                pass
        for name in [name for name in names if name[:2] == "_i" and name[2:].strip("i0123456789") == ""]:
            if name != "_ih":
                del names[name]
        for name in list(getattr(shell.compile, "_filename_map", ())):
            linecache.cache.pop(name, None)
            getattr(linecache, "_ipython_cache", {}).pop(name, None)
        shell.execution_count = 0 if counts_later else 1

        """
}
