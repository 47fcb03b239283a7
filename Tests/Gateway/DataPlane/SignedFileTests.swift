import HTTPTypes
import Testing

@testable import Gateway

/// Expected values by `get_signature` of the official Python SDK (e2b 2.63, `sandbox/signature.py`).
@Suite struct SignedFileTests {
    private static let token = "0123456789abcdef"

    private static func signed(_ query: String, _ method: HTTPRequest.Method = .get) throws -> SignedFile? {
        SignedFile(method, try DataPath(target: "/files?\(query)"))
    }

    @Test(
        arguments: [
            (.get, "path=%2Fhome%2Fuser%2Fa.txt&signature=v1_V0HPqWlhZhPnOIFvO41ZtHKfi841KMOg2X0dVUjMzf8"),
            (
                .get,
                "path=%2Fhome%2Fuser%2F%C3%A4%20b%2Bc%26d.txt&username=root&signature=v1_s5wCBd07xgzn3hkhGmTnSAXoKd5bYWIXccAsUTobfDc&signature_expiration=1800000000"
            ),
            (.post, "path=x.bin&username=user&signature=v1_%2Bttcj%2F5Dh1D7lz70OF9GWoYb3IzemA4cWXvESDwAWBA"),
            (.post, "signature=v1_0huLzSKN6w3xtvPFx%2F%2BtLPWu%2BM7jtfvVjZG7ZW2vViU&signature_expiration=1"),
        ] as [(HTTPRequest.Method, String)])
    func whatTheSDKSignsHolds(method: HTTPRequest.Method, query: String) throws {
        let signed = try #require(try Self.signed(query, method))
        #expect(signed.isMade(with: Self.token))
        #expect(!signed.isMade(with: "another"))
    }

    @Test func everyPartIsSigned() throws {
        let query =
            "path=%2Fhome%2Fuser%2Fa.txt&username=root&signature=v1_GG4pESOCcfB4w4bUkeYVAwauOmP7SiwgPOcnE7Qglu0&signature_expiration=1800000000"
        #expect(try Self.signed(query)?.isMade(with: Self.token) == true)
        let others = [
            query.replacing("a.txt", with: "b.txt"), query.replacing("root", with: "user"),
            query.replacing("1800000000", with: "1800000001"),
            query.replacing("&signature_expiration=1800000000", with: ""),
            query.replacing("&username=root", with: ""), query.replacing("v1_", with: "v2_"),
            query.replacing("signature=v1_", with: "signature="),
            query.replacing(
                "v1_GG4pESOCcfB4w4bUkeYVAwauOmP7SiwgPOcnE7Qglu0",
                with: "v1_GG4pESOCcfB4w4bUkeYVAwauOmP7SiwgPOcnE7Qglu0="),
        ]
        for other in others { #expect(try Self.signed(other)?.isMade(with: Self.token) != true, "\(other)") }
        #expect(try Self.signed(query, .post)?.isMade(with: Self.token) == false)
    }

    @Test(
        arguments: [
            "path=a", "signature=v1_a&signature=v1_b&path=a", "signature=v1_a&path=a&path=b",
            "signature=v1_a&username=a&username=b", "signature=v1_a&signature_expiration=soon",
            "signature=v1_a&signature_expiration=", "signature=v1_a&signature_expiration=1&signature_expiration=2",
        ])
    func whatCannotBeJudgedIsNoSignature(query: String) throws {
        #expect(try Self.signed(query) == nil)
    }
}
