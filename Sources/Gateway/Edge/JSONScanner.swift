/// A strict reader of RFC 8259 JSON that keeps the text of nested objects and arrays instead of taking them apart.
struct JSONScanner {
    enum Value {
        case null
        case bool(Bool)
        /// The number as it was written.
        case number(String)
        case string(String)
        /// An object's or array's own text, its brackets included, without the white space between its parts.
        case composite(String, isObject: Bool)

        var kind: String {
            switch self {
            case .null: "null"
            case .bool: "a boolean"
            case .number: "a number"
            case .string: "a string"
            case .composite(_, let isObject): isObject ? "an object" : "an array"
            }
        }
    }

    struct Fault: Error, CustomStringConvertible {
        let description: String
    }

    static let maximumDepth = 128

    private let bytes: [UInt8]
    private var position = 0

    init(_ bytes: [UInt8]) {
        self.bytes = bytes
    }

    /// Reads the whole text as one object.
    mutating func object() throws(Fault) -> [String: Value] {
        skipSpace()
        guard current == UInt8(ascii: "{") else { throw fault("expected {") }
        var members: [String: Value] = [:]
        try readMembers { (name, value) throws(Fault) in
            guard members.updateValue(value, forKey: name) == nil else {
                throw Fault(description: "the name \"\(name.prefix(100))\" occurs twice")
            }
        }
        skipSpace()
        guard position == bytes.count else { throw fault("expected nothing more") }
        return members
    }

    // MARK: Values

    private mutating func value(depth: Int) throws(Fault) -> Value {
        guard depth < Self.maximumDepth else { throw fault("nested more than \(Self.maximumDepth) deep") }
        skipSpace()
        switch current {
        case UInt8(ascii: "\""): return .string(try string())
        case UInt8(ascii: "{"), UInt8(ascii: "["):
            let start = position, isObject = current == UInt8(ascii: "{")
            if isObject { try readMembers(depth: depth) { _, _ in } } else { try skipElements(depth: depth) }
            // Only a member of the outermost object is handed on; what is nested deeper is only checked.
            return .composite(depth == 1 ? try compactText(start..<position) : "", isObject: isObject)
        case UInt8(ascii: "t"): try expect("true"); return .bool(true)
        case UInt8(ascii: "f"): try expect("false"); return .bool(false)
        case UInt8(ascii: "n"): try expect("null"); return .null
        default: return .number(try number())
        }
    }

    private mutating func readMembers(
        depth: Int = 0, _ take: (String, Value) throws(Fault) -> Void
    ) throws(Fault) {
        position += 1
        skipSpace()
        if skip(UInt8(ascii: "}")) { return }
        repeat {
            skipSpace()
            guard current == UInt8(ascii: "\"") else { throw fault("expected a name in quotes") }
            let name = try string()
            skipSpace()
            guard skip(UInt8(ascii: ":")) else { throw fault("expected :") }
            try take(name, try value(depth: depth + 1))
            skipSpace()
        } while skip(UInt8(ascii: ","))
        guard skip(UInt8(ascii: "}")) else { throw fault("expected , or }") }
    }

    private mutating func skipElements(depth: Int) throws(Fault) {
        position += 1
        skipSpace()
        if skip(UInt8(ascii: "]")) { return }
        repeat {
            _ = try value(depth: depth + 1)
            skipSpace()
        } while skip(UInt8(ascii: ","))
        guard skip(UInt8(ascii: "]")) else { throw fault("expected , or ]") }
    }

    private mutating func number() throws(Fault) -> String {
        let start = position
        _ = skip(UInt8(ascii: "-"))
        if !skip(UInt8(ascii: "0")) { try digits() }
        if skip(UInt8(ascii: ".")) { try digits() }
        if skip(UInt8(ascii: "e")) || skip(UInt8(ascii: "E")) {
            if !skip(UInt8(ascii: "+")) { _ = skip(UInt8(ascii: "-")) }
            try digits()
        }
        return try text(start..<position)
    }

    private mutating func digits() throws(Fault) {
        let start = position
        while let byte = current, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) { position += 1 }
        guard position > start else { throw fault(position == bytes.count ? "ended too early" : "expected a value") }
    }

    // MARK: Strings

    private mutating func string() throws(Fault) -> String {
        position += 1
        var decoded: [UInt8] = []
        var runStart = position
        while let byte = current {
            switch byte {
            case UInt8(ascii: "\""):
                decoded += bytes[runStart..<position]
                position += 1
                guard let text = String(validating: decoded, as: UTF8.self) else { throw fault("not valid UTF-8") }
                return text
            case UInt8(ascii: "\\"):
                decoded += bytes[runStart..<position]
                position += 1
                decoded += Array(String(try escape()).utf8)
                runStart = position
            case ..<0x20:
                throw fault("an unescaped control character in a string")
            default:
                position += 1
            }
        }
        throw fault("a string without an end")
    }

    private mutating func escape() throws(Fault) -> Unicode.Scalar {
        defer { position += 1 }
        switch current {
        case UInt8(ascii: "\""): return "\""
        case UInt8(ascii: "\\"): return "\\"
        case UInt8(ascii: "/"): return "/"
        case UInt8(ascii: "b"): return "\u{8}"
        case UInt8(ascii: "f"): return "\u{C}"
        case UInt8(ascii: "n"): return "\n"
        case UInt8(ascii: "r"): return "\r"
        case UInt8(ascii: "t"): return "\t"
        case UInt8(ascii: "u"): return try unicodeEscape()
        default: throw fault("an unknown escape in a string")
        }
    }

    /// Stands on the `u`; leaves the position on the last digit.
    private mutating func unicodeEscape() throws(Fault) -> Unicode.Scalar {
        let first = try fourHexDigits()
        if let scalar = Unicode.Scalar(first) { return scalar }
        let start = position
        guard first < 0xDC00, position + 2 < bytes.count, bytes[position + 1] == UInt8(ascii: "\\"),
            bytes[position + 2] == UInt8(ascii: "u")
        else { throw loneSurrogate }
        position += 2
        let second = try fourHexDigits()
        guard (0xDC00...0xDFFF).contains(second),
            let scalar = Unicode.Scalar(0x10000 + ((first - 0xD800) << 10) + (second - 0xDC00))
        else {
            position = start
            throw loneSurrogate
        }
        return scalar
    }

    private var loneSurrogate: Fault { fault("a lone surrogate, which is no character, in a string") }

    private mutating func fourHexDigits() throws(Fault) -> UInt32 {
        guard position + 4 < bytes.count,
            let text = String(validating: bytes[position + 1...position + 4], as: UTF8.self),
            text.utf8.allSatisfy({ Character(Unicode.Scalar($0)).isHexDigit }), let value = UInt32(text, radix: 16)
        else { throw fault("\\u needs four hex digits") }
        position += 4
        return value
    }

    // MARK: Bytes

    private var current: UInt8? { position < bytes.count ? bytes[position] : nil }

    private mutating func skip(_ byte: UInt8) -> Bool {
        guard current == byte else { return false }
        position += 1
        return true
    }

    private mutating func skipSpace() {
        while let byte = current, byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 { position += 1 }
    }

    private mutating func expect(_ word: StaticString) throws(Fault) {
        let text = Array(word.description.utf8)
        guard bytes[position...].starts(with: text) else { throw fault("expected a value") }
        position += text.count
    }

    /// A nested value's own text without the white space between its parts.
    private func compactText(_ range: Range<Int>) throws(Fault) -> String {
        var compact: [UInt8] = []
        compact.reserveCapacity(range.count)
        var isInString = false, isEscaped = false
        for byte in bytes[range] {
            if isInString {
                if isEscaped {
                    isEscaped = false
                } else if byte == UInt8(ascii: "\\") {
                    isEscaped = true
                } else if byte == UInt8(ascii: "\"") {
                    isInString = false
                }
            } else if byte == UInt8(ascii: "\"") {
                isInString = true
            } else if byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 {
                continue
            }
            compact.append(byte)
        }
        guard let text = String(validating: compact, as: UTF8.self) else { throw fault("not valid UTF-8") }
        return text
    }

    private func text(_ range: Range<Int>) throws(Fault) -> String {
        guard let text = String(validating: bytes[range], as: UTF8.self) else { throw fault("not valid UTF-8") }
        return text
    }

    private func fault(_ problem: String) -> Fault {
        Fault(description: "\(problem) at byte \(position)")
    }
}
