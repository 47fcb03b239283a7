/// Statements with SQLite's `?` and `?1` in the places of PostgreSQL's `$1`.
///
/// What stands in quotes and comments stays as it is. PostgreSQL's operators with a question mark cannot be written.
enum PostgreSQLPlaceholders {
    static func numbered(_ sql: String) -> String {
        var scanner = Scanner(rest: Substring(sql).utf8)
        while !scanner.rest.isEmpty { scanner.step() }
        return String(decoding: scanner.written, as: UTF8.self)
    }

    private struct Scanner {
        var rest: Substring.UTF8View
        var written: [UInt8] = []
        /// The largest number so far: a bare `?` has the next one.
        private var largest = 0
        /// Whether what stands before is part of a name, so that a `$` does not begin a quotation.
        private var isInName = false

        init(rest: Substring.UTF8View) {
            self.rest = rest
        }

        mutating func step() {
            let byte = rest[rest.startIndex]
            let isName = byte >= 0x80 || byte == UInt8(ascii: "_") || byte == UInt8(ascii: "$") || byte.isLetterOrDigit
            switch byte {
            case UInt8(ascii: "?"): placeholder()
            case UInt8(ascii: "'"), UInt8(ascii: "\""): quotation(endingWith: byte)
            case UInt8(ascii: "-") where begins(with: "--"): copy(through: "\n")
            case UInt8(ascii: "/") where begins(with: "/*"): comment()
            case UInt8(ascii: "$") where !isInName: dollarQuotation()
            default: copy(1)
            }
            isInName = isName
        }

        private mutating func placeholder() {
            rest = rest.dropFirst()
            let digits = rest.prefix { $0.isDigit }
            rest = rest.dropFirst(digits.count)
            let number = Int(String(Substring(digits))) ?? largest + 1
            largest = max(largest, number)
            written += "$\(number)".utf8
        }

        /// A quote within is written twice, which reads as two quotations side by side; in an `E''` it may be escaped.
        private mutating func quotation(endingWith quote: UInt8) {
            let before = written.suffix(2)
            let hasEscapes =
                quote == UInt8(ascii: "'") && [UInt8(ascii: "e"), UInt8(ascii: "E")].contains(before.last)
                && !(before.count == 2 && before.first.map { $0.isLetterOrDigit } ?? false)
            copy(1)
            while let byte = rest.first {
                if hasEscapes && byte == UInt8(ascii: "\\") {
                    copy(2)
                } else {
                    copy(1)
                    if byte == quote { return }
                }
            }
        }

        /// Comments may hold others.
        private mutating func comment() {
            var depth = 0
            repeat {
                if begins(with: "/*") {
                    depth += 1
                    copy(2)
                } else if begins(with: "*/") {
                    depth -= 1
                    copy(2)
                } else {
                    copy(1)
                }
            } while depth > 0 && !rest.isEmpty
        }

        /// `$$…$$` or `$tag$…$tag$`; a `$` that begins none is copied.
        private mutating func dollarQuotation() {
            let tag = rest.dropFirst().prefix { $0 == UInt8(ascii: "_") || $0 >= 0x80 || $0.isLetterOrDigit }
            let delimiter = rest.prefix(tag.count + 2)
            guard delimiter.count == tag.count + 2, delimiter.last == UInt8(ascii: "$"), tag.first?.isDigit != true
            else {
                return copy(1)
            }
            copy(delimiter.count)
            copy(through: String(Substring(delimiter)))
        }

        private func begins(with text: String) -> Bool { rest.starts(with: text.utf8) }

        private mutating func copy(through end: String) {
            while !rest.isEmpty && !begins(with: end) { copy(1) }
            copy(end.utf8.count)
        }

        private mutating func copy(_ count: Int) {
            written += rest.prefix(count)
            rest = rest.dropFirst(count)
        }
    }
}

extension UInt8 {
    fileprivate var isDigit: Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(self) }

    fileprivate var isLetterOrDigit: Bool {
        isDigit || (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(self | 0x20)
    }
}
