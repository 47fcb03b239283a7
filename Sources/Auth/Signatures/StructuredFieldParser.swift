/// Why a text is no structured field: the rule it breaks, never the text.
struct StructuredFieldFailure: Error, Equatable {
    let reason: String
}

/// Reads structured fields (RFC 9651, section 4.2), stricter than asked: what occurs twice is refused instead of the last
/// one winning, bytes have one encoding only, and everything is bounded.
struct StructuredFieldParser {
    /// Longer texts are refused unread.
    static let maximumLength = 16_384
    /// More members, items of a list or parameters than this are refused.
    static let maximumCount = 64

    private var rest: ArraySlice<UInt8>

    private init(_ text: String) {
        rest = ArraySlice(text.utf8)
    }

    static func dictionary(_ text: String) throws(StructuredFieldFailure) -> StructuredField.Dictionary {
        guard text.utf8.count <= maximumLength else {
            throw StructuredFieldFailure(reason: "longer than \(maximumLength) characters")
        }
        var parser = StructuredFieldParser(text)
        return try parser.dictionary()
    }

    private mutating func dictionary() throws(StructuredFieldFailure) -> StructuredField.Dictionary {
        var dictionary = StructuredField.Dictionary()
        skip(" ")
        while !rest.isEmpty {
            let key = try key()
            guard dictionary[key] == nil else { throw failure("a dictionary has a key twice") }
            guard dictionary.entries.count < Self.maximumCount else { throw failure("too many members") }
            dictionary.entries.append(.init(key: key, member: try member()))
            skip(" \t")
            guard !rest.isEmpty else { break }
            guard take(",") else { throw failure("members are separated by commas") }
            skip(" \t")
            guard !rest.isEmpty else { throw failure("a dictionary ends in a comma") }
        }
        return dictionary
    }

    private mutating func member() throws(StructuredFieldFailure) -> StructuredField.Member {
        guard take("=") else { return .item(.init(value: .boolean(true), parameters: try parameters())) }
        guard take("(") else { return .item(try item()) }
        var list = StructuredField.InnerList(items: [])
        while true {
            skip(" ")
            if take(")") { break }
            guard list.items.count < Self.maximumCount else { throw failure("too many items in a list") }
            list.items.append(try item())
            guard rest.first == UInt8(ascii: " ") || rest.first == UInt8(ascii: ")") else {
                throw failure("a list's items are separated by spaces")
            }
        }
        list.parameters = try parameters()
        return .innerList(list)
    }

    private mutating func item() throws(StructuredFieldFailure) -> StructuredField.Item {
        .init(value: try bareItem(), parameters: try parameters())
    }

    private mutating func parameters() throws(StructuredFieldFailure) -> StructuredField.Parameters {
        var parameters = StructuredField.Parameters()
        while take(";") {
            skip(" ")
            let name = try key()
            guard parameters[name] == nil else { throw failure("a parameter occurs twice") }
            guard parameters.list.count < Self.maximumCount else { throw failure("too many parameters") }
            let value: StructuredField.BareItem = take("=") ? try bareItem() : .boolean(true)
            parameters.list.append(.init(name: name, value: value))
        }
        return parameters
    }

    private mutating func key() throws(StructuredFieldFailure) -> String {
        let key = takeWhile(Self.isKeyCharacter)
        guard let first = key.first, Self.isLowercase(first) || first == UInt8(ascii: "*") else {
            throw failure("a key begins with a lowercase letter or an asterisk")
        }
        return String(decoding: key, as: UTF8.self)
    }

    private mutating func bareItem() throws(StructuredFieldFailure) -> StructuredField.BareItem {
        switch rest.first {
        case UInt8(ascii: "\""): return .string(try string())
        case UInt8(ascii: ":"): return .bytes(try bytes())
        case UInt8(ascii: "?"): return .boolean(try boolean())
        case UInt8(ascii: "-"): return try number()
        case .some(let first) where Self.isDigit(first): return try number()
        case .some(let first) where Self.isLetter(first) || first == UInt8(ascii: "*"):
            return .token(String(decoding: takeWhile(Self.isTokenCharacter), as: UTF8.self))
        default: throw failure("a value is of no known type")
        }
    }

    private mutating func number() throws(StructuredFieldFailure) -> StructuredField.BareItem {
        let sign: Int64 = take("-") ? -1 : 1
        let whole = takeWhile(Self.isDigit)
        guard (1...15).contains(whole.count) else { throw failure("a number has 1 to 15 digits") }
        guard take(".") else { return .integer(sign * Self.value(of: whole)) }
        let fraction = takeWhile(Self.isDigit)
        guard whole.count <= 12, (1...3).contains(fraction.count) else {
            throw failure("a decimal has 1 to 12 digits, a point, and 1 to 3 more")
        }
        let padded = fraction + [UInt8](repeating: UInt8(ascii: "0"), count: 3 - fraction.count)
        return .decimal(thousandths: sign * (Self.value(of: whole) * 1_000 + Self.value(of: padded)))
    }

    /// At most 15 digits, so that nothing overflows.
    private static func value(of digits: some Sequence<UInt8>) -> Int64 {
        digits.reduce(0) { $0 * 10 + Int64($1 - UInt8(ascii: "0")) }
    }

    private mutating func string() throws(StructuredFieldFailure) -> String {
        rest.removeFirst()
        var string: [UInt8] = []
        while var character = rest.popFirst() {
            if character == UInt8(ascii: "\"") { return String(decoding: string, as: UTF8.self) }
            if character == UInt8(ascii: "\\") {
                guard let escaped = rest.popFirst(), escaped == UInt8(ascii: "\"") || escaped == UInt8(ascii: "\\")
                else {
                    throw failure("only quotes and backslashes are escaped")
                }
                character = escaped
            }
            guard (0x20...0x7e).contains(character) else { throw failure("a string is printable ASCII") }
            string.append(character)
        }
        throw failure("a string does not end")
    }

    private mutating func bytes() throws(StructuredFieldFailure) -> [UInt8] {
        rest.removeFirst()
        let text = takeWhile { $0 != UInt8(ascii: ":") }
        guard take(":") else { throw failure("a byte sequence does not end") }
        guard let bytes = Base64.bytes(text) else { throw failure("a byte sequence is not padded base64") }
        return bytes
    }

    private mutating func boolean() throws(StructuredFieldFailure) -> Bool {
        rest.removeFirst()
        if take("1") { return true }
        guard take("0") else { throw failure("a boolean is ?0 or ?1") }
        return false
    }

    // MARK: Characters

    private func failure(_ reason: String) -> StructuredFieldFailure { StructuredFieldFailure(reason: reason) }

    private mutating func take(_ character: Unicode.Scalar) -> Bool {
        guard rest.first == UInt8(ascii: character) else { return false }
        rest.removeFirst()
        return true
    }

    private mutating func skip(_ characters: StaticString) {
        _ = takeWhile { character in characters.withUTF8Buffer { $0.contains(character) } }
    }

    private mutating func takeWhile(_ belongs: (UInt8) -> Bool) -> ArraySlice<UInt8> {
        let taken = rest.prefix(while: belongs)
        rest = rest[taken.endIndex...]
        return taken
    }

    private static func isDigit(_ character: UInt8) -> Bool {
        (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(character)
    }

    private static func isLowercase(_ character: UInt8) -> Bool {
        (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(character)
    }

    private static func isLetter(_ character: UInt8) -> Bool { isLowercase(character | 0x20) }

    private static func isKeyCharacter(_ character: UInt8) -> Bool {
        isLowercase(character) || isDigit(character) || "_-.*".utf8.contains(character)
    }

    /// What a token is made of: RFC 9110's characters, colon and slash.
    private static func isTokenCharacter(_ character: UInt8) -> Bool {
        isLetter(character) || isDigit(character) || "!#$%&'*+-.^_`|~:/".utf8.contains(character)
    }
}
