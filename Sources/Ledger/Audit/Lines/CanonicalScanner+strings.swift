/// Strings, and names of members in their order.
extension CanonicalScanner {
    /// A member's name as it is written, between its quotes.
    struct MemberName {
        var written: Range<Int>
        var hasEscapes: Bool
    }

    /// A string; where it is written, between its quotes.
    mutating func string() throws(MalformedLine) -> MemberName {
        try expect(UInt8(ascii: "\""))
        let start = place
        var hasEscapes = false
        while place < bytes.endIndex {
            switch bytes[place] {
            case UInt8(ascii: "\""):
                defer { skip(1) }
                return MemberName(written: start..<place, hasEscapes: hasEscapes)
            case UInt8(ascii: "\\"):
                hasEscapes = true
                try escape()
            case 0x20...0x7e: skip(1)
            default: throw malformed("a character that must be escaped")
            }
        }
        throw malformed("a string does not end")
    }

    private mutating func escape() throws(MalformedLine) {
        skip(1)
        switch next {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "b"), UInt8(ascii: "f"), UInt8(ascii: "n"),
            UInt8(ascii: "r"), UInt8(ascii: "t"):
            skip(1)
        case UInt8(ascii: "u"):
            let unit = try codeUnit()
            switch unit {
            case 0x08, 0x09, 0x0a, 0x0c, 0x0d, 0x20...0x7e: throw malformed("an escape that is not the shortest")
            case 0xd800...0xdbff:
                guard passes(UInt8(ascii: "\\")), next == UInt8(ascii: "u"), case 0xdc00...0xdfff = try codeUnit()
                else { throw malformed("half a surrogate pair") }
            case 0xdc00...0xdfff: throw malformed("half a surrogate pair")
            default: break
            }
        default: throw malformed("an escape that is never written")
        }
    }

    /// The four digits of `\u0000`, the reader being at the `u`.
    private mutating func codeUnit() throws(MalformedLine) -> UInt16 {
        skip(1)
        var unit: UInt16 = 0
        for digit in try take(4) {
            switch digit {
            case UInt8(ascii: "0")...UInt8(ascii: "9"): unit = unit << 4 | UInt16(digit - UInt8(ascii: "0"))
            case UInt8(ascii: "a")...UInt8(ascii: "f"): unit = unit << 4 | UInt16(digit - UInt8(ascii: "a") + 10)
            default: throw malformed("an escape needs four lowercase hex digits")
            }
        }
        return unit
    }

    /// A member's name and the colon after it; it must come after the one before it in the order of code points.
    mutating func name(after before: MemberName?) throws(MalformedLine) -> MemberName {
        let start = place
        let name = try string()
        if let before, !precedes(before, name) {
            skip(start - place)
            throw malformed("members are not in their order, or one stands twice")
        }
        try expect(UInt8(ascii: ":"))
        return name
    }

    private func precedes(_ left: MemberName, _ right: MemberName) -> Bool {
        guard left.hasEscapes || right.hasEscapes else {
            return bytes[left.written].lexicographicallyPrecedes(bytes[right.written])
        }
        guard let left = text(left.written), let right = text(right.written) else { return false }
        return left.unicodeScalars.lexicographicallyPrecedes(right.unicodeScalars)
    }

    /// What a string says that was found at this place.
    func text(_ written: Range<Int>) -> String? {
        let quoted = "\"" + String(decoding: bytes[written], as: UTF8.self) + "\""
        return try? Document.value(from: quoted)
    }
}
