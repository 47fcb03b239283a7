import Testing

@testable import LocalE2B

struct SandboxTests {
    @Test func idsHaveTheFormOfE2B() {
        let ids = (0..<100).map { _ in SandboxID.make() }
        #expect(Set(ids).count == 100)
        for id in ids {
            #expect(id.wholeMatch(of: /i[a-z0-9]{20}/) != nil)
            #expect(SandboxID.parse(id) == id)
            #expect(SandboxID.parse(id + "-6532622b") == id)
        }
        for text in ["", "-x", "I1", "a_b", "é", "a.b", String(repeating: "a", count: 58)] {
            #expect(SandboxID.parse(text) == nil, "\(text)")
        }
    }

    @Test func tokensOpenOneSandboxForOnePurpose() {
        let tokens = SandboxTokens()
        let token = tokens.token(.envd, of: "i1")
        #expect(token == tokens.token(.envd, of: "i1"))
        #expect(token.wholeMatch(of: /[0-9a-f]{64}/) != nil)
        #expect(tokens.isValid(token, .envd, of: "i1"))
        #expect(!tokens.isValid(token, .traffic, of: "i1"))
        #expect(!tokens.isValid(token, .envd, of: "i2"))
        #expect(!SandboxTokens().isValid(token, .envd, of: "i1"))
        for wrong in [nil, "", "zz", String(token.dropLast()), token + "0", String(token.dropLast(2)) + "zz"] {
            #expect(!tokens.isValid(wrong, .envd, of: "i1"))
        }
    }

    @Test func theCommandLineHoldsNoSecretsAndLeavesNothingOpen() throws {
        let directory = try RuntimeDirectory()
        defer { directory.remove() }
        let command = Bubblewrap(environment: "/venv", directory: directory, limits: SandboxLimits())
            .command(user: 1_900_000_000, group: "/group/cgroup.procs")
        for flag in [
            "--unshare-user", "--unshare-pid", "--unshare-net", "--unshare-ipc", "--disable-userns", "--as-pid-1",
            "--die-with-parent", "--new-session", "--clearenv", "--seccomp",
        ] {
            #expect(command.contains(flag), "\(flag)")
        }
        // Every program but the first replaces the one before: none may fork in between.
        #expect(command.prefix(2) == ["/bin/sh", "-c"])
        #expect(command[2].contains("exec"))
        #expect(!command.contains("--bind"))
    }
}
