import Dispatch

/// A ledger's database on a PostgreSQL server, which others may write to as well.
///
/// Connections are made when they are needed; it is not an error to begin without a server. While it cannot be reached,
/// calls fail at once, apart from one now and then that tries.
final class PostgreSQLDatabase: LedgerDatabase {
    let location: PostgreSQLLocation
    private let server: PostgreSQLServerState
    private let readers: PostgreSQLReaders
    private let glances: PostgreSQLReaders
    private let writer: PostgreSQLLink
    private let upkeep = DispatchQueue(label: "ledger upkeep")
    private let preparing: PostgreSQLTimeouts

    init(
        at location: PostgreSQLLocation, writing: PostgreSQLTimeouts = .writing, reading: PostgreSQLTimeouts = .reading,
        preparing: PostgreSQLTimeouts = .upkeep
    ) {
        self.preparing = preparing
        self.location = location
        server = PostgreSQLServerState(location)
        readers = PostgreSQLReaders(server, reading)
        glances = PostgreSQLReaders(server, .glancing, count: 2)
        writer = PostgreSQLLink(to: server, writing, label: "ledger writer")
    }

    func read<Value: Sendable>(
        _ query: @escaping @Sendable (any SQLConnection) throws -> Value
    ) async throws -> Value {
        try await readers.read(query)
    }

    func glance<Value: Sendable>(
        _ query: @escaping @Sendable (any SQLConnection) throws -> Value
    ) async throws -> Value {
        try await glances.read(query)
    }

    func prepare<Value>(_ body: (any SQLTransaction) throws -> Value) throws -> Value {
        try writer.queue.sync { try writer.transaction(.upkeep(preparing), body) }
    }

    func write(_ work: @escaping @Sendable (any SQLWriter) -> Void) {
        writer.queue.async { [writer] in work(PostgreSQLWriter(writer)) }
    }

    /// Vacuums the tables that hold secrets, which frees the place of the rows that were replaced. Their bytes are
    /// overwritten in the course of time; the write-ahead log keeps them until it is recycled.
    func finishErasing() async throws {
        try await withCheckedThrowingContinuation { continuation in
            upkeep.async { [self] in continuation.resume(with: Result { try vacuum() }) }
        }
    }

    private func vacuum() throws {
        // Not the writer's, which has other things to do meanwhile.
        let connection = try server.connect(.upkeep)
        for table in Set(SealedColumn.all.map(\.table)).sorted() { _ = try connection.runAlone("VACUUM \"\(table)\"") }
    }

    /// What other gateways, or this one, say on a channel: `NOTIFY`'s payloads. An empty text says that some may have been
    /// missed, as whenever the connection was made. Ends with the stream.
    func notifications(on channel: String) -> AsyncStream<String> {
        PostgreSQLNotifications.stream(on: channel, at: location)
    }

    func election(about key: Int64) -> (any Election)? { PostgreSQLElection(at: location, key: key) }

    /// Others may write to it in any case.
    func abandon() {}

    func close() {
        server.close()
        writer.queue.sync { writer.disconnect() }
        readers.close()
        glances.close()
    }
}

/// The writer, on its queue.
private final class PostgreSQLWriter: SQLWriter {
    private let link: PostgreSQLLink

    init(_ link: PostgreSQLLink) {
        self.link = link
    }

    func transaction<Value>(_ body: (any SQLTransaction) throws -> Value) throws -> Value {
        try link.transaction(.transaction, body)
    }
}
