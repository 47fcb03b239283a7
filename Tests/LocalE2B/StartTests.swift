import Foundation
import Logging
import Testing

@testable import LocalE2B

/// Why a server does not start, and what it says.
struct StartTests {
    private func failure(_ change: (inout LocalE2BConfiguration) -> Void) async throws -> LocalE2BFailure? {
        var configuration = LocalE2BConfiguration()
        configuration.port = 0
        configuration.warmSandboxes = 0
        change(&configuration)
        do {
            try await RunningServer.run(configuration) { _ in }
            return nil
        } catch let failure as LocalE2BFailure {
            return failure
        }
    }

    @Test func aMissingEnvironmentIsNamed() async throws {
        #expect(try await failure { $0.environment = "/nowhere" } == .environmentMissing(path: "/nowhere"))
        #expect("\(LocalE2BFailure.environmentMissing(path: "/nowhere"))".contains("make setup"))
    }

    @Test func anEnvironmentWithoutTheLibrariesIsNamed() async throws {
        let path = FileManager.default.temporaryDirectory.path + "/empty-venv-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: path + "/bin", withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: path) }
        try Data().write(to: URL(filePath: path + "/pyvenv.cfg"))
        try FileManager.default.createSymbolicLink(
            atPath: path + "/bin/python", withDestinationPath: "/usr/bin/python3"
        )
        guard case .environmentIncomplete(path, let detail) = try await failure({ $0.environment = path }) else {
            Issue.record("it started")
            return
        }
        #expect(detail.contains("No module named"))
    }

    @Test(
        arguments: [
            { $0.port = 70000 }, { $0.maximumSandboxes = 0 }, { $0.warmSandboxes = -1 }, { $0.environment = "venv" },
            { $0.limits.memoryMiB = 10 }, { $0.limits.processes = 1 }, { $0.limits.contexts = 0 },
        ] as [@Sendable (inout LocalE2BConfiguration) -> Void])
    func settingsWithoutSenseAreRefused(_ change: @Sendable (inout LocalE2BConfiguration) -> Void) async throws {
        guard case .invalidConfiguration = try await failure(change) else {
            Issue.record("it started")
            return
        }
    }

    @Test func aTakenPortIsNamed() async throws {
        var first = LocalE2BConfiguration()
        first.port = 0
        first.warmSandboxes = 0
        try await RunningServer.run(first) { server in
            let port = server.http.port
            guard case .cannotListen("127.0.0.1", port, _) = try await failure({ $0.port = port }) else {
                Issue.record("two servers listen on one port")
                return
            }
        }
    }

    @Test func anAddressOfAnotherMachineIsNamed() async throws {
        guard case .cannotListen("192.0.2.1", 0, _) = try await failure({ $0.host = "192.0.2.1" }) else {
            Issue.record("it listens there")
            return
        }
    }

    @Test func everyFailureSaysWhatToDo() {
        let failures: [(LocalE2BFailure, String)] = [
            (.programMissing(path: "/usr/bin/bwrap", package: "bubblewrap"), "apt-get install bubblewrap"),
            (.environmentIncomplete(path: "/v", detail: "d"), "make setup"),
            (.filterFailed(detail: "d"), "apt-get install python3-seccomp"),
            (.namespacesNotAllowed(detail: "d"), "sysctl"), (.directoryFailed(path: "/t", detail: "d"), "TMPDIR"),
            (.cannotListen(host: "h", port: 1, detail: "d"), "another port"),
        ]
        for (failure, advice) in failures { #expect("\(failure)".contains(advice)) }
    }

    @Test func nothingIsLeftBehind() async throws {
        let name = "local-e2b-\(getpid())-"
        @Sendable func leftovers() -> [String] {
            [FileManager.default.temporaryDirectory.path, "/sys/fs/cgroup/memory"].flatMap {
                ((try? FileManager.default.contentsOfDirectory(atPath: $0)) ?? []).filter { $0.hasPrefix(name) }
            }
        }
        var configuration = LocalE2BConfiguration()
        configuration.port = 0
        configuration.warmSandboxes = 1
        let before = Set(leftovers())
        let during = try await RunningServer.run(configuration) { _ in Set(leftovers()) }
        let after = Set(leftovers())
        #expect(!during.subtracting(before).isEmpty)
        #expect(after.isDisjoint(with: during.subtracting(before)) || !before.isEmpty)
    }
}
