import CurlTransport
import Foundation
import NIOCore
import TestSupport
import Testing

/// Certificates are always verified; only the authority can be chosen.
@Suite(.timeLimit(.minutes(1)))
struct TLSTests {
    @Test func `an examined request tells how its connection was made`() async throws {
        let certificates = try await TestCertificates.make()
        defer { certificates.remove() }
        let server = try await TLSServer.start(certificates)
        try await withClient(.init(certificateAuthorityFile: certificates.authority)) { client in
            let plain = try await client.send(.init(url: server.url))
            #expect(plain.connection == nil)
            _ = try await plain.body.collect(upTo: 1 << 20)
            let report = try #require(try await client.send(.init(url: server.url, isExamined: true)).connection)
            #expect(report.address == "127.0.0.1")
            #expect(report.connect > .zero, "a connection of its own, though another was open")
            #expect(try #require(report.handshake) > .zero)
            #expect(report.certificateEnd?.hasSuffix(" GMT") == true)
        }
    }

    @Test func `without TLS there is neither handshake nor certificate`() async throws {
        let server = try await ScriptedServer.answering { _, connection in try await connection.respond(body: "") }
        try await withClient { client in
            let report = try #require(try await client.send(.init(url: server.url, isExamined: true)).connection)
            #expect(report.handshake == nil)
            #expect(report.certificateEnd == nil)
        }
    }

    @Test func `only the right authority is trusted`() async throws {
        let certificates = try await TestCertificates.make()
        defer { certificates.remove() }
        let server = try await TLSServer.start(certificates)

        try await withClient(.init(certificateAuthorityFile: certificates.authority)) { client in
            let response = try await client.send(.init(url: server.url))
            #expect(response.status == 200)
            #expect(String(buffer: try await response.body.collect(upTo: 1 << 20)).contains("TLSv1.3"))
            let wrongName = server.url.replacingOccurrences(of: "127.0.0.1", with: "localhost")
            let failure = await failure(of: client, .init(url: wrongName))
            guard case .tlsFailed = failure else { return #expect(failure == .tlsFailed("the name")) }
        }
        // In a process of its own, because the environment is the process's.
        await #expect(processExitsWith: .success) {
            [url = server.url as String, authority = certificates.authority as String] in
            // (CURL_CA_BUNDLE, SSL_CERT_FILE): the first of them that says something.
            for (bundle, file) in [("", authority), (authority, ""), (authority, "/nowhere.pem")] {
                setenv("CURL_CA_BUNDLE", bundle, 1)
                setenv("SSL_CERT_FILE", file, 1)
                try await withClient { client in
                    #expect(await failure(of: client, .init(url: url)) == nil)
                }
            }
        }
        for authority in [certificates.strangeAuthority, "\(certificates.folder)/missing.pem", nil] {
            try await withClient(.init(certificateAuthorityFile: authority)) { client in
                let failure = await failure(of: client, .init(url: server.url))
                guard case .tlsFailed(let detail) = failure else { return #expect(failure == .tlsFailed("…")) }
                #expect(!detail.isEmpty)
            }
        }
    }
}
