/// The one canonical text of each value (RFC 9651, section 4.1).
extension StructuredField.BareItem {
    var text: String {
        switch self {
        case .integer(let number): String(number)
        case .decimal(let thousandths): Self.decimal(thousandths)
        case .string(let string): "\"" + Self.escaped(string) + "\""
        case .token(let token): token
        case .bytes(let bytes): ":" + Base64.text(bytes) + ":"
        case .boolean(let value): value ? "?1" : "?0"
        }
    }

    private static func escaped(_ string: String) -> String {
        func isEscaped(_ character: UInt8) -> Bool {
            character == UInt8(ascii: "\\") || character == UInt8(ascii: "\"")
        }
        guard string.utf8.contains(where: isEscaped) else { return string }
        let escaped = string.utf8.flatMap { isEscaped($0) ? [UInt8(ascii: "\\"), $0] : [$0] }
        return String(decoding: escaped, as: UTF8.self)
    }

    private static func decimal(_ thousandths: Int64) -> String {
        let (whole, fraction) = thousandths.magnitude.quotientAndRemainder(dividingBy: 1_000)
        var digits = String(String(fraction + 1_000).dropFirst())
        while digits.hasSuffix("0"), digits.utf8.count > 1 { digits.removeLast() }
        return "\(thousandths < 0 ? "-" : "")\(whole).\(digits)"
    }
}

extension StructuredField.Parameters {
    var text: String {
        list.map { $0.value == .boolean(true) ? ";\($0.name)" : ";\($0.name)=\($0.value.text)" }.joined()
    }
}

extension StructuredField.Item {
    var text: String { value.text + parameters.text }
}

extension StructuredField.InnerList {
    var text: String { "(" + items.map(\.text).joined(separator: " ") + ")" + parameters.text }
}

extension StructuredField.Dictionary {
    var text: String {
        entries.map { entry in
            switch entry.member {
            case .item(let item) where item.value == .boolean(true): entry.key + item.parameters.text
            case .item(let item): "\(entry.key)=\(item.text)"
            case .innerList(let list): "\(entry.key)=\(list.text)"
            }
        }.joined(separator: ", ")
    }
}
