import FoundationEssentials

/// The one cell that is sent for an order: a fixed text with one base64 literal in it, so that no value can ever be read
/// as code.
///
/// It prepares the kernel, then runs the user's code as a cell of its own, the way ipykernel runs one, so that nothing
/// tells the code from a fresh kernel's first cell: not the two lines the real server puts before the first cell it is
/// sent, not the counter, the history or a traceback. It leaves behind nothing but `context_data` and the environment.
enum CodeCell {
    /// The name of the exception that the cell raises if it could not prepare the kernel. Nothing of the user's has run
    /// then; its value is the name of the exception behind it.
    static let setupFailure = "GatewaySetupFailure"

    private struct Payload: Encodable {
        let code: String
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
        let payload = Payload(code: order.code, context_data: order.contextData, environment: order.environment)
        let encoder = JSONEncoder()
        encoder.outputFormatting = .sortedKeys
        guard let json = try? encoder.encode(payload) else {
            throw .contextInvalid("the context cannot be written as JSON")
        }
        let names = "{'payload': '\(json.base64EncodedString())'}"
        return "await (lambda names: exec(r'''\(program)''', names) or names['run']())(\(names))"
    }

    /// Runs in a namespace of its own, so its names are nobody else's. Holds no triple single quotes.
    ///
    /// What it undoes are IPython's records of this cell (8.x and 9.x): the lists behind `In` and `%history`, the `_i…`
    /// variables, the rows on their way to the history database or already there (a second line 1 in the same session
    /// would print an error), the compiled source kept for tracebacks; and the counter. When the code has run, this
    /// cell's result becomes the code's: the kernel reports what it finds there, and some errors nowhere else.
    static let program = """

        class GatewaySetupFailure(Exception):
            pass

        try:
            import base64, json, linecache, os, signal, sys
            from IPython import get_ipython

            values = json.loads(base64.b64decode(payload))
            code = values["code"]
            shell = get_ipython()
            outer = vars(shell.displayhook.exec_result)
            user = shell.user_ns
            os.environ.update(values["environment"])
            if "context_data" in values:
                user["context_data"] = values["context_data"]

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
            for name in [name for name in user if name[:2] == "_i" and name[2:].strip("i0123456789") == ""]:
                if name != "_ih":
                    del user[name]
            for name in list(getattr(shell.compile, "_filename_map", ())):
                linecache.cache.pop(name, None)
                getattr(linecache, "_ipython_cache", {}).pop(name, None)
            shell.execution_count = 1
        except Exception as failure:
            raise GatewaySetupFailure(type(failure).__name__) from None

        async def run():
            inner = failure = None
            try:
                transformed = shell.transform_cell(code)
            except Exception:
                transformed, failure = code, sys.exc_info()
            arguments = {"transformed_cell": transformed, "preprocessing_exc_tuple": failure}

            is_async = shell.should_run_async(code, **arguments)
            if hasattr(shell, "kernel"):
                # ipykernel interrupts a cell with an await in it, as this one, by cancelling; others by an exception.
                if not is_async:
                    signal.signal(signal.SIGINT, signal.default_int_handler)
                shell._last_traceback = None  # what it expects of a failure, and forgets before a cell with an await

            # The first of the hooks that come after this cell: those of the code see what they would see without it.
            def hand_over():
                if inner is not None:
                    shell.events.unregister("post_execute", hand_over)
                    outer.update(vars(inner))
                    shell.execution_count = count

            shell.events.register("post_execute", hand_over)
            result = await shell.run_cell_async(code, store_history=True, **arguments)
            count = shell.execution_count
            inner = result

        """
}
