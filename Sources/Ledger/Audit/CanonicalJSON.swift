import FoundationEssentials

/// JSON with one way only to write each value, so that a hash over the text is a hash over the meaning.
///
/// Keys sorted by their code points, no spaces, integers only, everything but printable ASCII escaped in lowercase: what
/// Python writes with `json.dumps(value, sort_keys=True, separators=(",", ":"))`.
public enum CanonicalJSON: Sendable, Hashable {
    /// `null`.
    case null
    /// `true` or `false`.
    case bool(Bool)
    /// A whole number.
    case integer(Int64)
    /// A string.
    case string(String)
    /// Values in order.
    case array([CanonicalJSON])
    /// Values by name.
    case object([String: CanonicalJSON])

    /// The canonical text.
    public var text: String {
        var output: [UInt8] = []
        output.reserveCapacity(512)
        write(to: &output)
        return String(decoding: output, as: UTF8.self)
    }

    /// The canonical text of an object whose members come as two lists, each in the order of code points.
    static func text(
        of members: [(name: String, value: CanonicalJSON?)], and others: [(name: String, value: CanonicalJSON)]
    ) -> String {
        var output: [UInt8] = []
        output.reserveCapacity(1_024)
        func write(_ name: String, _ value: CanonicalJSON) {
            output.append(output.isEmpty ? UInt8(ascii: "{") : UInt8(ascii: ","))
            Self.write(name, to: &output)
            output.append(UInt8(ascii: ":"))
            value.write(to: &output)
        }
        var rest = others[...]
        for case (let name, let value?) in members {
            while let first = rest.first, first.name < name {
                write(first.name, first.value)
                rest.removeFirst()
            }
            write(name, value)
        }
        for (name, value) in rest { write(name, value) }
        output += "}".utf8
        return String(decoding: output, as: UTF8.self)
    }

    private func write(to output: inout [UInt8]) {
        switch self {
        case .null: output += "null".utf8
        case .bool(let value): output += (value ? "true" : "false").utf8
        case .integer(let value): output += String(value).utf8
        case .string(let value): Self.write(value, to: &output)
        case .array(let values):
            output.append(UInt8(ascii: "["))
            for (index, value) in values.enumerated() {
                if index > 0 { output.append(UInt8(ascii: ",")) }
                value.write(to: &output)
            }
            output.append(UInt8(ascii: "]"))
        case .object(let members):
            output.append(UInt8(ascii: "{"))
            let sorted = members.sorted { $0.key.unicodeScalars.lexicographicallyPrecedes($1.key.unicodeScalars) }
            for (index, member) in sorted.enumerated() {
                if index > 0 { output.append(UInt8(ascii: ",")) }
                Self.write(member.key, to: &output)
                output.append(UInt8(ascii: ":"))
                member.value.write(to: &output)
            }
            output.append(UInt8(ascii: "}"))
        }
    }

    private static func write(_ string: String, to output: inout [UInt8]) {
        output.append(UInt8(ascii: "\""))
        // Nearly all of it is plain.
        guard !string.utf8.allSatisfy({ (0x20...0x7e).contains($0) && $0 != 0x22 && $0 != 0x5c }) else {
            output += string.utf8
            return output.append(UInt8(ascii: "\""))
        }
        for unit in string.utf16 {
            switch unit {
            case 0x22: output += "\\\"".utf8
            case 0x5c: output += "\\\\".utf8
            case 0x08: output += "\\b".utf8
            case 0x09: output += "\\t".utf8
            case 0x0a: output += "\\n".utf8
            case 0x0c: output += "\\f".utf8
            case 0x0d: output += "\\r".utf8
            case 0x20...0x7e: output.append(UInt8(unit))
            default:
                let digits = String(unit, radix: 16)
                output += "\\u".utf8
                output += repeatElement(UInt8(ascii: "0"), count: 4 - digits.utf8.count)
                output += digits.utf8
            }
        }
        output.append(UInt8(ascii: "\""))
    }
}

extension CanonicalJSON: Codable {
    /// What `value` says in JSON, for documents inside a record such as a policy.
    init(encoding value: some Encodable) throws {
        self = try JSONDecoder().decode(CanonicalJSON.self, from: try JSONEncoder().encode(value))
    }

    /// Reads any JSON that has a canonical form; numbers with a fraction have none.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        // What is most frequent first, since each failed attempt costs.
        if let value = try? container.decode(String.self) {
            self = .string(value)
        } else if let value = try? container.decode(Int64.self) {
            self = .integer(value)
        } else if let value = try? container.decode(Bool.self) {
            self = .bool(value)
        } else if container.decodeNil() {
            self = .null
        } else if let value = try? container.decode([CanonicalJSON].self) {
            self = .array(value)
        } else {
            self = .object(try container.decode([String: CanonicalJSON].self))
        }
    }

    /// Writes JSON, not necessarily in its canonical form.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        switch self {
        case .null: try container.encodeNil()
        case .bool(let value): try container.encode(value)
        case .integer(let value): try container.encode(value)
        case .string(let value): try container.encode(value)
        case .array(let value): try container.encode(value)
        case .object(let value): try container.encode(value)
        }
    }
}
