extension SQLRow {
    /// All rows of an answer.
    static func all(of result: LibpqResult) -> [SQLRow] {
        let columns = SQLColumns((0..<result.columnCount).map(result.name))
        let types = (0..<result.columnCount).map { PostgreSQLType(oid: result.type(of: $0)) }
        return (0..<result.rowCount).map { row in
            SQLRow(columns: columns, values: types.indices.map { types[$0].value(in: result, row, $0) })
        }
    }
}

/// What becomes of a column's values, by its type.
private enum PostgreSQLType {
    case integer, truth, number, bytes, nothing, text

    init(oid: UInt32) {
        self =
            switch oid {
            case 20, 21, 23, 26, 5069: .integer  // int8, int2, int4, oid, xid8
            case 16: .truth
            case 1700, 700, 701: .number  // numeric, float4, float8
            case 17: .bytes
            case 2278: .nothing  // void, of a function that only does something
            default: .text
            }
    }

    func value(in result: LibpqResult, _ row: Int, _ column: Int) -> SQLValue {
        if self == .bytes { return result.bytes(row, column).map(SQLValue.bytes) ?? .null }
        guard let text = result.text(row, column) else { return .null }
        return switch self {
        case .integer: Int64(text).map(SQLValue.integer) ?? .null
        case .truth: .integer(text == "t" ? 1 : 0)
        case .number: Self.wholeNumber(text).map(SQLValue.integer) ?? .null
        case .bytes, .nothing: .null
        case .text: .text(text)
        }
    }

    /// A number without a fraction, though it may be written with one, such as 12.00.
    private static func wholeNumber(_ text: String) -> Int64? {
        if let number = Int64(text) { return number }
        let parts = text.split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false)
        guard parts.count == 2 else { return Double(text).flatMap { Int64(exactly: $0) } }
        return parts[1].allSatisfy { $0 == "0" } ? Int64(parts[0]) : nil
    }
}
