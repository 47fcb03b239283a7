import CurlTransport
import Foundation

/// Runs with a client of its own and shuts it down at the end, whatever happens.
func withClient(
    _ configuration: CurlClient.Configuration = .init(),
    _ body: (CurlClient) async throws -> Void
) async throws {
    let client = CurlClient(configuration)
    do {
        try await body(client)
        await client.shutdown()
    } catch {
        await client.shutdown()
        throw error
    }
}

/// How sending a request and reading its whole body fails; nil if it does not.
func failure(of client: CurlClient, _ request: OutgoingRequest) async -> TransportFailure? {
    do {
        for try await _ in try await client.send(request).body {}
        return nil
    } catch {
        return error
    }
}

/// How many threads this process has.
func threadCount() -> Int {
    (try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/task").count) ?? 0
}
