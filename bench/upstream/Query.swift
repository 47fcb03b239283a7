/// The parameters behind a path's question mark.
struct Query {
    private var values: [String: String] = [:]

    init(_ text: Substring) {
        values = Self.pairs(in: text)
    }

    subscript(_ name: String) -> String? { values[name] }

    /// The labels asked for, which are escaped three deep: each part by itself, the parts as a form, the form as one value.
    var labels: [String: String] {
        guard let form = self["metadata"] else { return [:] }
        return Self.pairs(in: Substring(form)).reduce(into: [:]) { labels, pair in
            labels[Self.unescaped(Substring(pair.key))] = Self.unescaped(Substring(pair.value))
        }
    }

    private static func pairs(in form: Substring) -> [String: String] {
        form.split(separator: "&").reduce(into: [:]) { pairs, part in
            let sides = part.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            pairs[unescaped(sides[0])] = sides.count > 1 ? unescaped(sides[1]) : ""
        }
    }

    private static func unescaped(_ text: Substring) -> String {
        var bytes: [UInt8] = []
        var rest = text.utf8
        while let byte = rest.popFirst() {
            switch byte {
            case UInt8(ascii: "%"):
                guard let value = UInt8(Substring(rest.prefix(2)), radix: 16) else { continue }
                bytes.append(value)
                rest = rest.dropFirst(2)
            case UInt8(ascii: "+"): bytes.append(UInt8(ascii: " "))
            default: bytes.append(byte)
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
