import HTTPTypes
import Testing

@testable import Gateway

@Suite struct ForwardedHeadersTests {
    private static let daemon = SandboxRoute(pathClass: "files", key: .daemon, needsDaemonToken: true)
    private static let interpreter = SandboxRoute(pathClass: "execute", key: .either, needsDaemonToken: true)
    private static let user = SandboxRoute(pathClass: "user", key: .traffic, isUserPort: true)

    private static func fields(_ pairs: [(String, String)]) throws -> HTTPFields {
        HTTPFields(try pairs.map { HTTPField(name: try #require(HTTPField.Name($0.0)), value: $0.1) })
    }

    private static func names(_ fields: HTTPFields) -> Set<String> { Set(fields.map(\.name.canonicalName)) }

    private static let neverUp: [(String, String)] = [
        ("X-Access-Token", "virtual"), ("E2B-Traffic-Access-Token", "virtual"), ("X-API-Key", "e2b_00"),
        ("E2b-Sandbox-Id", "i"), ("E2b-Sandbox-Port", "1"), ("E2b-Anything", "x"), ("Connection", "x-hop, close"),
        ("X-Hop", "1"), ("Keep-Alive", "5"), ("TE", "trailers"), ("Trailer", "x"), ("Transfer-Encoding", "chunked"),
        ("Content-Length", "5"), ("Expect", "100-continue"), ("Upgrade", "h2c"), ("Proxy-Authorization", "Basic x"),
        ("X-Forwarded-For", "1.2.3.4"), ("X-Forwarded-Proto", "https"), ("Forwarded", "for=1.2.3.4"), ("Via", "1.1 x"),
        ("X-Real-Ip", "1.2.3.4"), ("Signature", "sig1=:x:"), ("Signature-Input", "sig1=()"),
        ("Authorization", "Bearer e2b_00ff"), ("X-Request-Id", "req_1"),
    ]

    @Test(arguments: [(daemon, 49983), (interpreter, 49999), (user, 8000)] as [(SandboxRoute, Int)])
    func whatIsTheGatewaysOwnNeverGoesUp(route: SandboxRoute, port: Int) throws {
        let up = ForwardedHeaders.upwards(try Self.fields(Self.neverUp), by: route, to: port)
        #expect(up.isEmpty, "\(up)")
    }

    @Test func whatTheProtocolNeedsGoesUp() throws {
        let needed: [(String, String)] = [
            ("Accept", "*/*"), ("Accept-Encoding", "gzip"), ("Content-Type", "application/connect+json"),
            ("Content-Encoding", "gzip"), ("Range", "bytes=0-1"), ("Connect-Protocol-Version", "1"),
            ("Connect-Timeout-Ms", "60000"), ("Connect-Accept-Encoding", "identity"), ("Keepalive-Ping-Interval", "50"),
            ("X-Metadata-Owner", "me"), ("If-None-Match", "x"),
        ]
        let headers = try Self.fields(
            needed + [("Cookie", "a=b"), ("Origin", "x"), ("X-Anything", "y"), ("User-Agent", "z")])
        let up = ForwardedHeaders.upwards(headers, by: Self.daemon, to: 49983)
        #expect(Self.names(up) == Set(needed.map { $0.0.lowercased() }))
    }

    @Test func onlyTheDaemonIsToldAUser() throws {
        let basic = try Self.fields([("Authorization", "Basic cm9vdDo=")])
        #expect(ForwardedHeaders.upwards(basic, by: Self.daemon, to: 49983) == basic)
        #expect(ForwardedHeaders.upwards(basic, by: Self.interpreter, to: 49999).isEmpty)
        let bearer = try Self.fields([("Authorization", "Bearer of-something")])
        #expect(ForwardedHeaders.upwards(bearer, by: Self.daemon, to: 49983).isEmpty)
    }

    @Test func aTenantsOwnServerGetsItsOwnHeaders() throws {
        let own = try Self.fields([
            ("Cookie", "session=1"), ("Authorization", "Bearer of-their-own"), ("User-Agent", "x"), ("X-Anything", "y"),
        ])
        #expect(ForwardedHeaders.upwards(own, by: Self.user, to: 8000) == own)
    }

    @Test(arguments: [daemon, interpreter, user])
    func whatIsUpstreamsNeverComesDown(route: SandboxRoute) throws {
        let headers = try Self.fields([
            ("Set-Cookie", "a=b"), ("Server", "edge"), ("Via", "1.1 edge"), ("Alt-Svc", "h3"), ("Connection", "x-hop"),
            ("X-Hop", "1"), ("Transfer-Encoding", "chunked"), ("Keep-Alive", "5"), ("E2b-Node", "n1"), ("Date", "x"),
            ("Strict-Transport-Security", "x"), ("X-Request-Id", "theirs"),
        ])
        let down = ForwardedHeaders.downwards(headers, by: route, from: "https://8000-i.e2b.app")
        #expect(down.isEmpty, "\(down)")
    }

    @Test func theAnswersOwnHeadersComeDown() throws {
        let headers = try Self.fields([
            ("Content-Type", "application/json"), ("Content-Encoding", "gzip"), ("Content-Length", "5"),
            ("Content-Range", "bytes 0-4/10"), ("Accept-Ranges", "bytes"), ("ETag", "x"), ("Last-Modified", "y"),
        ])
        #expect(ForwardedHeaders.downwards(headers, by: Self.daemon, from: "https://x") == headers)
    }

    @Test(
        arguments: [
            ("https://8000-i.e2b.app/login?x=1", "/login?x=1"), ("//8000-i.e2b.app", "/"),
            ("http://8000-I.E2B.app/a", "/a"), ("https://8000-i.e2b.app?x", "/?x"), ("/local", "/local"),
            ("https://elsewhere.example/", "https://elsewhere.example/"),
            ("https://8000-i.e2b.app.evil.example/", "https://8000-i.e2b.app.evil.example/"),
        ])
    func aRedirectDoesNotTellUpstreamsAddress(location: String, told: String) throws {
        let headers = try Self.fields([("Location", location)])
        let address = "https://8000-i.e2b.app"
        #expect(ForwardedHeaders.downwards(headers, by: Self.user, from: address)[.location] == told)
        #expect(ForwardedHeaders.downwards(headers, by: Self.daemon, from: address)[.location] == nil)
    }
}
