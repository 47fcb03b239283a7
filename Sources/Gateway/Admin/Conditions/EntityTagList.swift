import HTTPTypes

/// What `If-Match` or `If-None-Match` names: any state, or some (RFC 9110, 13.1.1).
enum EntityTagList: Sendable, Hashable {
    case any
    /// Weak ones are kept apart: they are never the same as ours where bytes have to be the same.
    case tags(strong: Set<EntityTag>, weak: Set<EntityTag>)

    /// Whether one of them is this state's, beyond doubt.
    func matchesStrongly(_ tag: EntityTag) -> Bool {
        switch self {
        case .any: true
        case .tags(let strong, weak: _): strong.contains(tag)
        }
    }

    /// Whether one of them is this state's, or as good as.
    func matchesWeakly(_ tag: EntityTag) -> Bool {
        switch self {
        case .any: true
        case .tags(let strong, let weak): strong.contains(tag) || weak.contains(tag)
        }
    }

    /// From all headers of a name; nil if there is none.
    ///
    /// - Throws: a problem for what is no such list.
    init?(_ name: HTTPField.Name, of headers: HTTPFields) throws(Problem) {
        let values = headers[values: name]
        guard !values.isEmpty else { return nil }
        var scanner = Scanner(rest: values.joined(separator: ",").utf8[...])
        guard let list = scanner.list() else {
            throw .invalidField(
                name.rawName, "must be * or a list of entity tags, each in quotes, as an ETag header says them")
        }
        self = list
    }

    private struct Scanner {
        var rest: Substring.UTF8View

        mutating func list() -> EntityTagList? {
            var strong: Set<EntityTag> = [], weak: Set<EntityTag> = []
            skip(" \t,")
            if take("*") {
                skip(" \t,")
                return rest.isEmpty ? .any : nil
            }
            while !rest.isEmpty {
                let isWeak = take("W/")
                guard let tag = tag() else { return nil }
                if isWeak { weak.insert(tag) } else { strong.insert(tag) }
                skip(" \t")
                guard rest.isEmpty || rest.first == UInt8(ascii: ",") else { return nil }
                skip(" \t,")
            }
            return strong.isEmpty && weak.isEmpty ? nil : .tags(strong: strong, weak: weak)
        }

        private mutating func tag() -> EntityTag? {
            guard take("\"") else { return nil }
            let inner = rest.prefix { $0 == 0x21 || (0x23...0x7E).contains($0) || $0 >= 0x80 }
            rest = rest[inner.endIndex...]
            guard take("\"") else { return nil }
            return EntityTag(opaque: String(Substring(inner)))
        }

        private mutating func take(_ text: String) -> Bool {
            guard rest.starts(with: text.utf8) else { return false }
            rest = rest.dropFirst(text.utf8.count)
            return true
        }

        private mutating func skip(_ characters: String) {
            rest = rest.drop { characters.utf8.contains($0) }
        }
    }
}
