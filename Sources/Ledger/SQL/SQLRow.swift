/// A row of a result: its values by the names, or the places, of their columns.
struct SQLRow: Sendable {
    let columns: SQLColumns
    let values: [SQLValue]

    /// The value of a column that is never NULL and always of this type. What is neither is a fault in the query.
    subscript<Value: SQLConvertible>(_ name: String) -> Value {
        self[columns.place(of: name)]
    }

    /// The value of a column that may be NULL.
    subscript<Value: SQLConvertible>(_ name: String) -> Value? {
        self[columns.place(of: name)]
    }

    subscript<Value: SQLConvertible>(_ place: Int) -> Value {
        guard let value = Value(sqlValue: values[place]) else {
            preconditionFailure("the column \(columns.names[place]) is no \(Value.self)")
        }
        return value
    }

    subscript<Value: SQLConvertible>(_ place: Int) -> Value? {
        values[place] == .null ? nil : self[place] as Value
    }

    /// What a column holds, in words; nil for NULL.
    func description(of name: String) -> String? {
        switch values[columns.place(of: name)] {
        case .null: nil
        case .integer(let number): "\(number)"
        case .text(let text): text
        case .bytes(let bytes): "\(bytes.count) bytes"
        }
    }

    /// Whether a column is NULL.
    func isNull(_ name: String) -> Bool { values[columns.place(of: name)] == .null }
}

/// The columns of a result, shared by its rows.
final class SQLColumns: Sendable {
    let names: [String]

    init(_ names: [String]) {
        self.names = names
    }

    func place(of name: String) -> Int {
        // There are few of them.
        guard let place = names.firstIndex(of: name) else { preconditionFailure("the result has no column \(name)") }
        return place
    }
}
