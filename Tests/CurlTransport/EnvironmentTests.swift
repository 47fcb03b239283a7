import CurlTransport
import Foundation
import TestSupport
import Testing

/// The environment does not choose where requests go.
@Suite(.timeLimit(.minutes(1)))
struct EnvironmentTests {
    /// In a process of its own, because the environment is the process's.
    @Test func `a proxy in the environment is not used`() async {
        await #expect(processExitsWith: .success) {
            let proxied = Recording<ReceivedRequest>()
            let proxy = try await ScriptedServer.answering { request, connection in
                proxied.note(request)
                try await connection.respond(body: "from the proxy")
            }
            let server = try await ScriptedServer.answering { _, connection in
                try await connection.respond(body: "from the server")
            }
            for name in ["http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"] { setenv(name, proxy.url, 1) }
            try await withClient { client in
                #expect(await failure(of: client, .init(url: server.url)) == nil)
            }
            #expect(proxied.elements.isEmpty)
            #expect(server.connections == 1)
        }
    }
}
