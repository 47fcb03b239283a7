import Foundation
import Testing

@testable import E2BUpstream

/// The setup cell in a real IPython, the one that sandboxes run.
@Suite(.serialized, .timeLimit(.minutes(3)), .enabled(if: InteractivePython.python != nil, "no sandbox venv: run make"))
struct SetupCellTests {
    private static let awkward = [
        "", " ", "plain", "it's", "\"double\"", "'''triple'''", "\"\"\"", "back\\slash\\", "\\n not a newline",
        "new\nline\r\nreturn\r", "tab\t", "NUL\0inside", "€ ä 漢字", "emoji 👩‍👩‍👧 🏳️‍🌈", "line\u{2028}para\u{2029}next\u{85}",
        "\u{feff}bom", "{\"json\": [1, 2]}", "%magic", "!shell", "?help", "${HOME} {braces} %s %(x)s", "\u{10ffff}",
    ]

    @Test func `context arrives character for character`() async throws {
        let probe = "print(type(context_data) is str, [ord(character) for character in context_data])"
        let cells = try Self.awkward.flatMap { text in
            [try SetupCell.source(for: CodeOrder(code: "", contextData: text)), probe]
        }
        let outcomes = try await InteractivePython.run(cells)
        for (index, text) in Self.awkward.enumerated() {
            let codes = text.unicodeScalars.map { "\($0.value)" }.joined(separator: ", ")
            #expect(outcomes[2 * index].output == "")
            #expect(outcomes[2 * index + 1].output == "True [\(codes)]\n")
        }
    }

    @Test func `five megabytes arrive whole`() async throws {
        let text = String(repeating: "0123456789 \\ ' \" \n € 🏳️‍🌈 ", count: 5 << 20 / 40)
        let setup = try SetupCell.source(for: CodeOrder(code: "", contextData: text))
        let probe =
            "import hashlib; print(len(context_data.encode()), context_data == \"0123456789 \\\\ ' \\\" \\n € 🏳️‍🌈 \" * (5 * 2**20 // 40))"
        let outcomes = try await InteractivePython.run([setup, probe])
        #expect(outcomes[1].output == "\(text.utf8.count) True\n")
    }

    @Test func `the environment arrives as it is, and stays out of the namespace`() async throws {
        let environment = ["QUOTE": "it's \"x\"", "LINES": "a\nb", "EMPTY": "", "ÜNI": "€👩‍👧", "PATH2": "$HOME\\"]
        let setup = try SetupCell.source(for: CodeOrder(code: "", environment: environment))
        let probe =
            "import os, json; print(json.dumps({name: os.environ[name] for name in \(Array(environment.keys))}))"
        let outcomes = try await InteractivePython.run([setup, probe])
        let seen = try JSONDecoder().decode([String: String].self, from: Data(outcomes[1].output.utf8))
        #expect(seen == environment)
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
        for order in [CodeOrder(code: ""), CodeOrder(code: "", environment: ["A": "b"])] {
            let prepared = try await InteractivePython.run([try SetupCell.source(for: order), probe])
            #expect(prepared[1].output == plain[0].output)
            #expect(prepared[1].number == plain[0].number)
            #expect(prepared[1].names == plain[0].names)
        }
        let given = try await InteractivePython.run([
            try SetupCell.source(for: .init(code: "", contextData: "x")), probe,
        ])
        #expect(given[1].names == (plain[0].names + ["context_data"]).sorted())
    }

    @Test func `the history database holds each cell once, and complains of nothing`() async throws {
        let setup = try SetupCell.source(for: CodeOrder(code: "", contextData: "x"))
        let flush = "get_ipython().history_manager.writeout_cache()"
        let list = "print([row[1:] for row in get_ipython().history_manager.get_range(0)])"
        let outcomes = try await InteractivePython.run([setup, flush, flush, list])
        #expect(outcomes.map(\.number) == [1, 1, 2, 3])
        #expect(outcomes[1].output == "")
        #expect(outcomes[2].output == "")
        #expect(
            outcomes[3].output == "[(1, '\(flush)'), (2, '\(flush)'), (3, '\(list.replacing("'", with: "\\'"))')]\n")
    }

    @Test func `tracebacks name the user's own lines`() async throws {
        let code = "def f(x):\n    return 1 / x\n\nf(0)"
        let setup = try SetupCell.source(for: CodeOrder(code: code, contextData: "x"))
        let plain = try await InteractivePython.run([code])
        let prepared = try await InteractivePython.run([setup, code])
        #expect(prepared[1].traceback == plain[0].traceback)
        #expect(prepared[1].traceback.contains("Cell In[1], line 4"))
        #expect(prepared[1].traceback.contains("Cell In[1], line 2, in f(x)"))
    }

    @Test func `the two lines a real server puts in front of it do no harm`() async throws {
        let setup = try SetupCell.source(for: CodeOrder(code: "", contextData: "x"))
        let outcomes = try await InteractivePython.run([
            "import os\nos.environ['A'] = 'b'\n\(setup)", "print(context_data)\nIn",
        ])
        #expect(outcomes[0].traceback == "")
        #expect(outcomes[1].output.hasPrefix("x\nOut[1]: ['', 'print(context_data)"))
    }

    @Test(arguments: [["": "x"], ["A=B": "x"], ["A\0": "x"], ["A": "x\0"]])
    func `an environment no process can have is refused`(environment: [String: String]) {
        let failure = #expect(throws: UpstreamFailure.self) {
            try SetupCell.source(for: CodeOrder(code: "", environment: environment))
        }
        guard case .contextInvalid = failure else { return #expect(failure == .contextInvalid("…")) }
    }
}
