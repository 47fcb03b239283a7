/// A new value for a limit that need not be there, or `null`, which lifts it. Absent, the limit stays as it is.
public enum LimitChange<Value: Codable & Sendable>: Codable, Sendable {
    case lifted
    case set(Value)

    /// Reads a value or `null`.
    public init(from decoder: any Decoder) throws {
        let value = try decoder.singleValueContainer()
        self = value.decodeNil() ? .lifted : .set(try value.decode(Value.self))
    }

    /// Writes the value or `null`.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        switch self {
        case .lifted: try container.encodeNil()
        case .set(let value): try container.encode(value)
        }
    }

    /// The limit with the change made: nil when it is lifted.
    func applied<Limit, Failure: Error>(
        _ make: (Value) throws(Failure) -> Limit
    ) throws(Failure) -> Limit? {
        switch self {
        case .lifted: nil
        case .set(let value): try make(value)
        }
    }
}

extension LimitChange: Equatable where Value: Equatable {}

extension KeyedDecodingContainer {
    /// The standard library's takes `null` for absent; here it is a change. Synthesised initialisers find this one.
    func decodeIfPresent<Value>(_ type: LimitChange<Value>.Type, forKey key: Key) throws -> LimitChange<Value>? {
        contains(key) ? try decode(type, forKey: key) : nil
    }
}
