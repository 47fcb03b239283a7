import FoundationEssentials
import Glibc

/// Everything that has to hold on a machine before sandboxes can be made; found out once, at the start.
struct HostPreparation {
    let configuration: LocalE2BConfiguration

    private static let systemPython = "/usr/bin/python3"

    /// Finds what is missing, or prepares what sandboxes read. The caller removes the directory in the end.
    func prepare(_ directory: RuntimeDirectory, memory: MemoryGuard) async throws -> SandboxHost {
        try await prepareFilter(directory)
        try await prepareFonts(directory)
        return SandboxHost(configuration, directory: directory, memory: memory)
    }

    /// Throws for what can be seen without starting anything.
    func checkPrograms() throws(LocalE2BFailure) {
        let programs = [
            (Bubblewrap.program, "bubblewrap"), ("/usr/bin/setpriv", "util-linux"),
            ("/usr/bin/prlimit", "util-linux"), ("/usr/bin/nice", "coreutils"), (Self.systemPython, "python3"),
        ]
        for (path, package) in programs where !FileManager.default.isExecutableFile(atPath: path) {
            throw .programMissing(path: path, package: package)
        }
        let environment = configuration.environment
        guard FileManager.default.fileExists(atPath: "\(environment)/pyvenv.cfg") else {
            throw .environmentMissing(path: environment)
        }
    }

    private func prepareFilter(_ directory: RuntimeDirectory) async throws {
        let (status, text) = try await run(
            [Self.systemPython, "-I", directory.filterProgram, directory.systemCallFilter]
        )
        guard status == "exit status 0" else { throw LocalE2BFailure.filterFailed(detail: lastLine(text)) }
    }

    /// Also finds out whether the libraries are there.
    private func prepareFonts(_ directory: RuntimeDirectory) async throws {
        let program = "import IPython, orjson, e2b_charts, pandas, scipy, matplotlib.font_manager"
        let (status, text) = try await run(
            ["\(configuration.environment)/bin/python", "-I", "-c", program],
            ["MPLCONFIGDIR": directory.fonts, "HOME": directory.fonts]
        )
        guard status == "exit status 0" else {
            throw LocalE2BFailure.environmentIncomplete(path: configuration.environment, detail: lastLine(text))
        }
        makeReadable(directory.fonts)
    }

    /// Runs one sandbox far enough to see that this machine can: the real command, with another program in it.
    func trySandbox(on host: SandboxHost) async throws {
        let (ours, theirs) = try Descriptor.socketPair(SOCK_SEQPACKET)
        defer { withExtendedLifetime(ours) {} }
        var command = try host.command(slot: 0, urgently: true)
        command.removeLast(Bubblewrap.supervisor.count)
        command += ["/opt/venv/bin/python", "-c", ""]
        let recipe = ProcessRecipe(command: command, descriptors: [theirs, try host.openFilter()])
        let (status, text) = try await outcome(of: recipe)
        host.memory.removeGroup(slot: 0)
        guard status != "exit status 0" else { return }
        let detail = text.isEmpty ? status : lastLine(text)
        if text.contains("namespace") || text.contains("setting up uid map") || text.contains("loopback") {
            throw LocalE2BFailure.namespacesNotAllowed(detail: detail)
        }
        throw LocalE2BFailure.sandboxFailed(detail: detail)
    }

    private func makeReadable(_ directory: String) {
        for name in (try? FileManager.default.contentsOfDirectory(atPath: directory)) ?? [] {
            let attributes: [FileAttributeKey: Any] = [.posixPermissions: 0o644]
            try? FileManager.default.setAttributes(attributes, ofItemAtPath: "\(directory)/\(name)")
        }
    }

    private func run(_ command: [String], _ variables: [String: String] = [:]) async throws -> (String, String) {
        var recipe = ProcessRecipe(command: command)
        recipe.environment.merge(variables) { $1 }
        return try await outcome(of: recipe)
    }

    private func outcome(of recipe: ProcessRecipe) async throws -> (status: String, text: String) {
        let (pid, log) = try await recipe.spawn()
        let text = await log.lastText()
        return (await ChildProcess.reap(pid), text)
    }

    private func lastLine(_ text: String) -> String {
        text.split(separator: "\n").last.map(String.init) ?? "no message"
    }
}
