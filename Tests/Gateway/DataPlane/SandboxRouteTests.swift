import HTTPTypes
import Ledger
import Testing

@testable import Gateway

@Suite struct SandboxRouteTests {
    private static func route(_ port: Int, _ method: HTTPRequest.Method, _ target: String) -> SandboxRoute? {
        (try? DataPath(target: target)).flatMap { SandboxRoute.to(port, method, $0) }
    }

    @Test(
        arguments: [
            (49983, .get, "/health", "health", .daemon), (49983, .get, "/files?path=a", "files", .daemon),
            (49983, .post, "/files", "files", .daemon), (49983, .get, "/%66iles", "files", .daemon),
            (49983, .get, "/envs", "envs", .daemon), (49983, .get, "/metrics", "metrics", .daemon),
            (49983, .post, "/process.Process/Start", "process.Process/Start", .daemon),
            (49983, .post, "/process.Process/StreamInput", "process.Process/StreamInput", .daemon),
            (49983, .post, "/filesystem.Filesystem/WatchDir", "filesystem.Filesystem/WatchDir", .daemon),
            (49999, .get, "/health", "health", .either), (49999, .post, "/execute", "execute", .either),
            (49999, .get, "/contexts", "contexts", .traffic), (49999, .post, "/contexts", "contexts", .traffic),
            (49999, .delete, "/contexts/ab-1", "contexts", .traffic),
            (49999, .post, "/contexts/ab-1/restart", "contexts", .traffic),
            (8000, .put, "/any/thing?at=all", "user", .traffic), (8000, .get, "/", "user", .traffic),
        ] as [(Int, HTTPRequest.Method, String, String, SandboxRoute.Key)])
    func isOffered(port: Int, method: HTTPRequest.Method, target: String, pathClass: String, key: SandboxRoute.Key) {
        let route = Self.route(port, method, target)
        #expect(route?.pathClass == pathClass)
        #expect(route?.key == key)
        #expect(route?.isUserPort == (port == 8000))
    }

    @Test(
        arguments: [
            (49983, .post, "/init"), (49983, .post, "/freeze"), (49983, .post, "/files/compose"), (49983, .get, "/"),
            (49983, .put, "/files"), (49983, .delete, "/files"), (49983, .post, "/health"), (49983, .head, "/files"),
            (49983, .get, "/files/"), (49983, .get, "/Files"), (49983, .get, "/execute"), (49983, .post, "/execute"),
            (49983, .get, "/process.Process/Start"), (49983, .post, "/process.Process/start"),
            (49983, .post, "/process.Process/Start/x"), (49983, .post, "/process.Process"),
            (49983, .post, "/process.Process/Stat"), (49983, .post, "/other.Service/Start"),
            (49999, .get, "/execute"), (49999, .post, "/contexts/a/b"), (49999, .get, "/contexts/a"),
            (49999, .delete, "/contexts"), (49999, .delete, "/contexts/a%20b"), (49999, .delete, "/contexts/"),
            (49999, .get, "/files"), (49999, .post, "/init"), (49999, .get, "/docs"), (49999, .get, "/openapi.json"),
        ] as [(Int, HTTPRequest.Method, String)])
    func isNotOffered(port: Int, method: HTTPRequest.Method, target: String) {
        #expect(Self.route(port, method, target) == nil)
    }

    @Test(
        arguments: [
            "/x/../files", "/./files", "/%2e%2e/files", "/.%2E/files", "/x%2f..%2ffiles", "/x%5c..%5cfiles",
            "/files%00", "/fi les", "/files%", "/files%2", "/files%zz", "/files#x", "files", "", "*", "/\u{e9}", "/%ff",
            "/files%0a", "/x/%2e%2e", "http://other/files",
        ])
    func whatLeadsElsewhereIsNotRead(target: String) {
        #expect(throws: DataPath.Malformed.self) { try DataPath(target: target) }
    }

    @Test(arguments: ["//files", "/files//x", "/x%2ffiles", "/x%5cfiles", "/x\\y", "//execute", "/contexts%2fa"])
    func whatCanBeReadInTwoWaysIsForPortsOfTheTenantsOwn(target: String) {
        for method in [HTTPRequest.Method.get, .post, .delete] {
            #expect(Self.route(49983, method, target) == nil && Self.route(49999, method, target) == nil)
        }
        #expect(Self.route(8000, .get, target)?.isUserPort == true)
    }

    @Test func onlyCodeAndProcessesAreStarts() {
        #expect(Self.route(49999, .post, "/execute")?.start == .code)
        #expect(Self.route(49983, .post, "/process.Process/Start")?.start == .process)
        #expect(Self.route(49983, .post, "/process.Process/Connect")?.start == nil)
        #expect(Self.route(49983, .post, "/files")?.start == nil)
    }

    @Test func theDaemonsRealTokenGoesToTheDaemonAndToExecuteOnly() {
        #expect(Self.route(49983, .get, "/health")?.needsDaemonToken == true)
        #expect(Self.route(49999, .post, "/execute")?.needsDaemonToken == true)
        #expect(Self.route(49999, .get, "/contexts")?.needsDaemonToken == false)
        #expect(Self.route(49999, .get, "/health")?.needsDaemonToken == false)
        #expect(Self.route(8000, .get, "/")?.needsDaemonToken == false)
    }

    @Test func onlyFilesOfTheDaemonMayBeSigned() {
        #expect(Self.route(49983, .get, "/files")?.maySigned == true)
        #expect(Self.route(49983, .get, "/envs")?.maySigned == false)
        #expect(Self.route(8000, .get, "/files")?.maySigned == false)
    }

    @Test func aQueryLosesOnlyWhatIsNamed() throws {
        let path = try DataPath(
            target: "/files?path=%2Fa+b&signature=v1_x&username=root&sig%6eature_expiration=1&x&=y&%zz=1")
        #expect(path.query(without: SignedFile.parameterNames) == "path=%2Fa+b&username=root&x&=y&%zz=1")
        #expect(path.parameters.map(\.name) == ["path", "signature", "username", "signature_expiration", "x", ""])
        #expect(path.parameters.first?.value == "/a b")
        #expect(try DataPath(target: "/files").query(without: []) == nil)
        #expect(try DataPath(target: "/files?signature=1").query(without: SignedFile.parameterNames) == nil)
    }
}
