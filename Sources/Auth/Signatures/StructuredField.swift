/// The values of structured fields (RFC 9651), as far as signatures and digests use them: no dates, no display strings.
enum StructuredField {
    /// A value without parameters.
    enum BareItem: Hashable, Sendable {
        /// At most 15 digits.
        case integer(Int64)
        /// In thousandths, at most 12 digits before the point.
        case decimal(thousandths: Int64)
        /// Printable ASCII.
        case string(String)
        case token(String)
        case bytes([UInt8])
        case boolean(Bool)
    }

    /// Names and values in their order; no name twice.
    struct Parameters: Hashable, Sendable {
        struct Parameter: Hashable, Sendable {
            let name: String
            let value: BareItem
        }

        var list: [Parameter] = []

        subscript(name: String) -> BareItem? { list.first { $0.name == name }?.value }
    }

    struct Item: Hashable, Sendable {
        let value: BareItem
        var parameters = Parameters()
    }

    struct InnerList: Hashable, Sendable {
        var items: [Item]
        var parameters = Parameters()
    }

    enum Member: Hashable, Sendable {
        case item(Item)
        case innerList(InnerList)
    }

    /// A dictionary's members in their order; no key twice.
    struct Dictionary: Hashable, Sendable {
        struct Entry: Hashable, Sendable {
            let key: String
            let member: Member
        }

        var entries: [Entry] = []

        subscript(key: String) -> Member? { entries.first { $0.key == key }?.member }
    }
}
