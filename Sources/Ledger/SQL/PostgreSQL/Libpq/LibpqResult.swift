internal import CLibpq

/// What the server answered to one statement.
final class LibpqResult {
    enum Status {
        /// It went well, with or without rows.
        case succeeded
        case failed
        /// It was skipped, because one before it failed.
        case skipped
        /// The end of a segment of the pipeline.
        case sync
        /// Nothing that was asked for.
        case unexpected
    }

    private let raw: OpaquePointer

    init(_ raw: OpaquePointer) {
        self.raw = raw
    }

    deinit { PQclear(raw) }

    var status: Status {
        switch PQresultStatus(raw) {
        case PGRES_COMMAND_OK, PGRES_TUPLES_OK: .succeeded
        case PGRES_FATAL_ERROR: .failed
        case PGRES_PIPELINE_ABORTED: .skipped
        case PGRES_PIPELINE_SYNC: .sync
        default: .unexpected
        }
    }

    /// What was done, such as `COMMIT`.
    var command: String { String(cString: PQcmdStatus(raw)) }

    /// How many rows were changed.
    var changes: Int { Int(String(cString: PQcmdTuples(raw))) ?? 0 }

    // MARK: Failure

    /// Nil where libpq itself failed.
    var sqlState: String? { shim_sqlstate(raw).map { String(cString: $0) } }

    var primaryMessage: String { shim_primary_message(raw).map { String(cString: $0) } ?? "no message" }

    /// Whether the server ends the connection with it.
    var isFatal: Bool { shim_severity(raw).map { String(cString: $0) != "ERROR" } ?? true }

    // MARK: Rows

    var rowCount: Int { Int(PQntuples(raw)) }
    var columnCount: Int { Int(PQnfields(raw)) }

    /// How much memory it takes.
    var size: Int { PQresultMemorySize(raw) }

    func name(of column: Int) -> String { String(cString: PQfname(raw, Int32(column))) }
    func type(of column: Int) -> UInt32 { PQftype(raw, Int32(column)) }

    /// A value as text; nil for NULL.
    func text(_ row: Int, _ column: Int) -> String? {
        guard PQgetisnull(raw, Int32(row), Int32(column)) == 0 else { return nil }
        let length = Int(PQgetlength(raw, Int32(row), Int32(column)))
        return String(
            decoding: UnsafeRawBufferPointer(start: PQgetvalue(raw, Int32(row), Int32(column)), count: length),
            as: UTF8.self)
    }

    /// A value of the type `bytea`; nil for NULL, and without memory for it.
    func bytes(_ row: Int, _ column: Int) -> [UInt8]? {
        guard PQgetisnull(raw, Int32(row), Int32(column)) == 0 else { return nil }
        var length = 0
        let bytes = PQgetvalue(raw, Int32(row), Int32(column)).withMemoryRebound(to: UInt8.self, capacity: 1) { text in
            PQunescapeBytea(text, &length)
        }
        guard let bytes else { return nil }
        defer { PQfreemem(bytes) }
        return Array(UnsafeBufferPointer(start: bytes, count: length))
    }
}
