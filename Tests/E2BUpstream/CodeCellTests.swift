import Foundation
import Testing

@testable import E2BUpstream

/// The gateway's cell in a real IPython, the one that sandboxes run. `Tests/System/test_code_cell.py` compares it with a
/// plain first cell in ipykernel.
@Suite(.serialized, .timeLimit(.minutes(3)), .enabled(if: InteractivePython.python != nil, "no sandbox venv: run make"))
struct CodeCellTests {
    private static let awkward = [
        "", " ", "plain", "it's", "\"double\"", "'''triple'''", "\"\"\"", "back\\slash\\", "\\n not a newline",
        "new\nline\r\nreturn\r", "tab\t", "NUL\0inside", "€ ä 漢字", "emoji 👩‍👩‍👧 🏳️‍🌈", "line\u{2028}para\u{2029}next\u{85}",
        "\u{feff}bom", "{\"json\": [1, 2]}", "%magic", "!shell", "?help", "${HOME} {braces} %s %(x)s", "\u{10ffff}",
    ]

    /// What the code does as the cell of an order, in a shell of its own.
    private func outcome(
        _ code: String, contextData: String? = nil, environment: [String: String] = [:]
    ) async throws -> InteractivePython.Outcome {
        let order = CodeOrder(code: code, contextData: contextData, environment: environment)
        let outcomes = try await InteractivePython.run([try CodeCell.source(for: order)])
        return outcomes[0]
    }

    @Test func `context arrives character for character`() async throws {
        let probe = "print(type(context_data) is str, [ord(character) for character in context_data])"
        let cells = try Self.awkward.map { try CodeCell.source(for: CodeOrder(code: probe, contextData: $0)) }
        for (text, outcome) in zip(Self.awkward, try await InteractivePython.run(cells)) {
            let codes = text.unicodeScalars.map { "\($0.value)" }.joined(separator: ", ")
            #expect(outcome.output == "True [\(codes)]\n")
        }
    }

    @Test func `code arrives character for character`() async throws {
        let cells = try Self.awkward.map { text in
            let code = "print([ord(character) for character in r\"\"\"\(text)\"\"\"[:-1]])"
            return (code, try CodeCell.source(for: CodeOrder(code: code)))
        }
        for (code, cell) in cells {
            let plain = try await InteractivePython.run([code])
            let carried = try await InteractivePython.run([cell])
            #expect(carried == plain)
        }
    }

    @Test func `five megabytes arrive whole`() async throws {
        let text = String(repeating: "0123456789 \\ ' \" \n € 🏳️‍🌈 ", count: 5 << 20 / 40)
        let probe =
            "import hashlib; print(len(context_data.encode()), context_data == \"0123456789 \\\\ ' \\\" \\n € 🏳️‍🌈 \" * (5 * 2**20 // 40))"
        #expect(try await outcome(probe, contextData: text).output == "\(text.utf8.count) True\n")
    }

    @Test func `the environment arrives as it is, and stays out of the namespace`() async throws {
        let environment = ["QUOTE": "it's \"x\"", "LINES": "a\nb", "EMPTY": "", "ÜNI": "€👩‍👧", "PATH2": "$HOME\\"]
        let probe =
            "import os, json; print(json.dumps({name: os.environ[name] for name in \(Array(environment.keys))}))"
        let output = try await outcome(probe, environment: environment).output
        #expect(try JSONDecoder().decode([String: String].self, from: Data(output.utf8)) == environment)
    }

    @Test func `nothing else is left behind`() async throws {
        let probe = """
            import json, linecache
            shell = get_ipython()
            history = shell.history_manager
            history.writeout_cache()
            print(json.dumps([
                In, Out, _ih, _i, _ii, _iii, _, __, shell.execution_count,
                history.input_hist_parsed, history.input_hist_raw,
                list(history.get_range(0)),
                [list(row) for row in history.db.execute("SELECT line FROM history")],
                sum("payload" in "".join(entry[2]) for entry in linecache.cache.values() if len(entry) == 4),
            ]))
            """
        let plain = try await InteractivePython.run([probe])
        #expect(try await outcome(probe) == plain[0])
        #expect(try await outcome(probe, environment: ["A": "b"]) == plain[0])
        let given = try await outcome(probe, contextData: "x")
        #expect(given.output == plain[0].output)
        #expect(given.names == (plain[0].names + ["context_data"]).sorted())
    }

    @Test func `cells that follow count on, and the history database complains of nothing`() async throws {
        let flush = "get_ipython().history_manager.writeout_cache()"
        let list = "print([row[1:] for row in get_ipython().history_manager.get_range(0)])"
        let first = try CodeCell.source(for: CodeOrder(code: flush, contextData: "x"))
        let outcomes = try await InteractivePython.run([first, flush, list])
        #expect(outcomes.map(\.number) == [1, 2, 3])
        #expect(outcomes.map(\.output).dropLast() == ["", ""])
        #expect(
            outcomes[2].output == "[(1, '\(flush)'), (2, '\(flush)'), (3, '\(list.replacing("'", with: "\\'"))')]\n")
    }

    @Test func `tracebacks name the user's own lines`() async throws {
        let code = "def f(x):\n    return 1 / x\n\nf(0)"
        let plain = try await InteractivePython.run([code])
        let carried = try await outcome(code, contextData: "x")
        #expect(carried.traceback == plain[0].traceback)
        #expect(carried.traceback.contains("Cell In[1], line 4"))
        #expect(carried.traceback.contains("Cell In[1], line 2, in f(x)"))
    }

    @Test func `the two lines a real server puts in front of it do no harm`() async throws {
        let cell = try CodeCell.source(for: CodeOrder(code: "print(context_data)\nIn", contextData: "x"))
        let outcomes = try await InteractivePython.run(["import os\nos.environ['A'] = 'b'\n\(cell)"])
        #expect(outcomes[0].output.hasPrefix("x\nOut[1]: ['', 'print(context_data)"))
    }

    @Test func `a kernel that cannot be prepared runs nothing of the user's`() async throws {
        let cell = try CodeCell.source(for: CodeOrder(code: "print('it' + 'ran')"))
        let outcomes = try await InteractivePython.run(["import json\njson.loads = None", cell])
        #expect(outcomes[1].traceback.hasSuffix("\(CodeCell.setupFailure): TypeError\n"))
        #expect(!outcomes[1].traceback.contains("itran"))
    }

    @Test(arguments: [["": "x"], ["A=B": "x"], ["A\0": "x"], ["A": "x\0"]])
    func `an environment no process can have is refused`(environment: [String: String]) {
        let failure = #expect(throws: UpstreamFailure.self) {
            try CodeCell.source(for: CodeOrder(code: "", environment: environment))
        }
        guard case .contextInvalid = failure else { return #expect(failure == .contextInvalid("…")) }
    }
}
