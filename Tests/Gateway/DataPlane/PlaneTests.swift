import HTTPTypes
import Testing

@testable import Gateway

@Suite struct PlaneTests {
    private static let domain = ServedDomain("Gw.Test:8443")

    private static func plane(
        _ target: String, host: String = "127.0.0.1:8080", _ headers: HTTPFields = [:],
        method: HTTPRequest.Method = .get
    ) -> Plane {
        let head = HTTPRequest(method: method, scheme: "http", authority: host, path: target, headerFields: headers)
        return Plane.of(head, target: target, domain: domain)
    }

    private static func routed(_ id: String? = "iabc", _ port: String? = "49983") -> HTTPFields {
        var headers = HTTPFields()
        headers[.sandboxID] = id
        headers[.sandboxPort] = port
        return headers
    }

    @Test(
        arguments: [
            ("49983-iabc.gw.test", 49983), ("49999-iabc.gw.test:8443", 49999), ("49983-IABC.GW.Test:1", 49983),
            ("8000-iabc.gw.test.", 8000), ("1-iabc.gw.test", 1), ("65535-iabc.gw.test", 65535),
        ])
    func aHostNameNamesAPort(host: String, port: Int) {
        #expect(Self.plane("/v1/usage", host: host) == .sandbox(SandboxAddress(sandboxID: "iabc", port: port)))
    }

    @Test(
        arguments: [
            "api.gw.test", "gw.test", "sandbox.gw.test", "49983-iabc.x.gw.test", "49983-iabc.gw.tests", "iabc.gw.test",
            "49983.gw.test", "49983-iabcgw.test", "x49983-iabc.gw.test", "[::1]:8080", "",
        ])
    func otherHostNamesAreTheGateways(host: String) {
        #expect(Self.plane("/health", host: host) == .gateway)
    }

    @Test(
        arguments: [
            "0-iabc.gw.test", "65536-iabc.gw.test", "049983-iabc.gw.test", "49983-.gw.test", "49983-i_c.gw.test",
            "49983-iabc-1.gw.test", "99999999999999999999-iabc.gw.test",
        ])
    func aHostNameThatAlmostNamesAPortIsRefused(host: String) {
        guard case .unreadable = Self.plane("/health", host: host) else {
            Issue.record("\(host) was read")
            return
        }
    }

    @Test func headersNameAPort() {
        let expected = Plane.sandbox(SandboxAddress(sandboxID: "iabc", port: 49983))
        #expect(Self.plane("/files?path=x", Self.routed()) == expected)
        #expect(Self.plane("/anything", Self.routed("IABC")) == expected)
        #expect(Self.plane("/sandboxe", Self.routed()) == expected)
    }

    @Test(
        arguments: [
            "/v1/executions", "/sandboxes", "/sandboxes/iabc", "/v2/sandboxes?limit=1", "/healthz", "/readyz",
            "/problems/not-found", "/templates", "/teams", "/%73andboxes/iabc", "/v1",
        ])
    func noHeaderTakesAPathOfTheGatewaysAway(target: String) {
        #expect(Self.plane(target, Self.routed()) == .gateway)
        #expect(Self.plane(target, Self.routed(nil)) == .gateway)
    }

    @Test(
        arguments: [
            (routed("iabc", nil), "missing E2b-Sandbox-Port header"),
            (routed(nil, "49983"), "missing E2b-Sandbox-Id header"),
            (routed("", "49983"), "invalid sandbox id"), (routed("../x", "49983"), "invalid sandbox id"),
            (routed("iabc", "x"), "invalid sandbox port"), (routed("iabc", "-1"), "invalid sandbox port"),
            (routed("iabc", "+1"), "invalid sandbox port"), (routed("iabc", "65536"), "invalid sandbox port"),
            (routed(String(repeating: "a", count: 64), "1"), "invalid sandbox id"),
        ] as [(HTTPFields, String)])
    func headersThatCannotBeReadAreRefused(headers: HTTPFields, text: String) {
        #expect(Self.plane("/execute", headers) == .unreadable(SandboxAddress.Fault(text: text)))
    }

    @Test func aRepeatedHeaderIsRefused() {
        var headers = Self.routed()
        headers.append(HTTPField(name: .sandboxID, value: "iother"))
        #expect(
            Self.plane("/files", headers)
                == .unreadable(SandboxAddress.Fault(text: "more than one E2b-Sandbox-Id header")))
    }

    @Test func headersMustAgreeWithTheHostName() {
        let host = "49983-iabc.gw.test"
        let address = Plane.sandbox(SandboxAddress(sandboxID: "iabc", port: 49983))
        #expect(Self.plane("/files", host: host, Self.routed()) == address)
        #expect(Self.plane("/files", host: host, Self.routed("iabc", nil)) == address)
        for headers in [Self.routed("iother"), Self.routed("iabc", "49999"), Self.routed(nil, "49999")] {
            #expect(
                Self.plane("/files", host: host, headers)
                    == .unreadable(SandboxAddress.Fault(text: "the routing headers do not agree with the host name")))
        }
    }

    @Test func aSignedFileNeedsNoAddress() {
        let signed = Plane.sandbox(SandboxAddress(sandboxID: nil, port: 49983))
        #expect(Self.plane("/files?path=a&signature=v1_x") == signed)
        #expect(Self.plane("/files?path=a") == .gateway)
        #expect(Self.plane("/execute?signature=v1_x") == .gateway)
        #expect(Self.plane("/files?path=signature") == .gateway)
    }

    @Test func withoutADomainNoHostNameCounts() {
        let head = HTTPRequest(method: .get, scheme: "http", authority: "49983-iabc.gw.test", path: "/health")
        #expect(Plane.of(head, target: "/health", domain: nil) == .gateway)
    }
}
