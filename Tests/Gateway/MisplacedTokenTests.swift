import Testing

@testable import Gateway

@Suite struct MisplacedTokenTests {
    static let digits = String(repeating: "0123456789abcdef", count: 2)

    @Test(arguments: [
        ("/v1/executions", "/v1/executions"),
        ("/", "/"),
        ("", ""),
        ("//a//", "//a//"),
        ("/v1/e2b_00ff/x", "/v1/[token]/x"),
        ("/v1/E2B_00ff/x", "/v1/[token]/x"),
        ("/v1/a-e2B_", "/v1/a-[token]"),
        ("/v1/%65%32b%5f00ff/x", "/v1/[token]/x"),
        ("/v1/e2b-00ff", "/v1/e2b-00ff"),
        ("/v1/%zze2b_1", "/v1/%zz[token]"),
        ("/v1/\(digits)", "/v1/[token]"),
        ("/v1/é\(digits.uppercased())0", "/v1/é[token]"),
        ("/v1/\(digits.dropLast())g", "/v1/\(digits.dropLast())g"),
        ("/v1/\(digits.dropLast())-\(digits)", "/v1/\(digits.dropLast())-[token]"),
        ("/v1/\(digits)/e2b_", "/v1/[token]/[token]"),
    ])
    func whatIsWrittenDownOfAPath(path: String, written: String) {
        #expect(MisplacedToken.redacted(path: path) == written)
    }

    @Test func isRefusedAsAName() throws {
        #expect(try MisplacedToken.refused("acme") == "acme")
        #expect(throws: Problem.self) { try MisplacedToken.refused("x-e2b_00") }
        #expect(throws: Problem.self) { try MisplacedToken.refused("%45%32%42%5F00") }
    }
}
