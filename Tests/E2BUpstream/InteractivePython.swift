import Foundation
import TestSupport

/// A real IPython that runs cells one after the other and tells what each left behind.
enum InteractivePython {
    /// What one cell did.
    struct Outcome: Decodable, Equatable {
        /// `In[n]`.
        let number: Int
        let output: String
        /// The traceback without colours, empty without an exception.
        let traceback: String
        /// The names in the namespace that `dir()` shows.
        let names: [String]
    }

    /// The sandbox's own virtual environment, or nil on a machine that has none.
    static let python: String? = {
        let folder = ProcessInfo.processInfo.environment["LOCAL_E2B_VENV"] ?? "/opt/e2b-gateway/sandbox-venv"
        let path = "\(folder)/bin/python"
        return FileManager.default.isExecutableFile(atPath: path) ? path : nil
    }()

    struct Failed: Error {
        let status: Int32
        let output: String
    }

    /// Runs the cells in one fresh shell.
    static func run(_ cells: [String]) async throws -> [Outcome] {
        let input = try JSONEncoder().encode(cells)
        let python = self.python ?? "python3"
        return try await blocking {
            let home = NSTemporaryDirectory() + "ipython-\(UUID().uuidString)"
            defer { try? FileManager.default.removeItem(atPath: home) }
            try FileManager.default.createDirectory(atPath: home, withIntermediateDirectories: true)
            let script = "\(home)/driver.py"
            let cellsFile = "\(home)/cells.json"
            try driver.write(toFile: script, atomically: true, encoding: .utf8)
            try input.write(to: URL(fileURLWithPath: cellsFile))
            let process = Process()
            let output = Pipe()
            process.executableURL = URL(fileURLWithPath: python)
            process.arguments = [script, cellsFile]
            process.environment = ["HOME": home, "IPYTHONDIR": "\(home)/ipython", "PATH": "/usr/bin:/bin"]
            process.standardOutput = output
            try process.run()
            let bytes = try output.fileHandleForReading.readToEnd() ?? Data()
            process.waitUntilExit()
            guard process.terminationStatus == 0 else {
                throw Failed(status: process.terminationStatus, output: String(decoding: bytes, as: UTF8.self))
            }
            return try JSONDecoder().decode([Outcome].self, from: bytes)
        }
    }

    private static let driver = #"""
        import json, re, sys
        from IPython.core.interactiveshell import InteractiveShell
        from IPython.utils.capture import capture_output

        cells = json.load(open(sys.argv[1]))
        sys.argv = ["driver"]
        shell = InteractiveShell.instance(colors="NoColor")
        outcomes = []
        for cell in cells:
            number = shell.execution_count
            with capture_output() as captured:
                result = shell.run_cell(cell, store_history=True)
            error = result.error_before_exec or result.error_in_exec
            text = captured.stdout + captured.stderr
            outcomes.append({
                "number": number,
                "output": "" if error else text,
                "traceback": re.sub(r"\x1b\[[0-9;]*m", "", text) if error else "",
                "names": sorted(shell.user_ns),
            })
        shell.history_manager.writeout_cache()
        json.dump(outcomes, sys.stdout)
        """#
}
