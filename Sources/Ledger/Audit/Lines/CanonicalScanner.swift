/// Reads canonical JSON once, from the left, without copying: what ``CanonicalJSON`` would not have written in exactly
/// these bytes is refused.
struct CanonicalScanner {
    /// No value lies deeper in others, so that no line can exhaust the stack.
    static let maximumDepth = 64

    let bytes: ArraySlice<UInt8>
    /// Where the next byte is read.
    private(set) var place: Int

    init(_ bytes: ArraySlice<UInt8>, at place: Int? = nil) {
        self.bytes = bytes
        self.place = place ?? bytes.startIndex
    }

    var isAtEnd: Bool { place == bytes.endIndex }

    func malformed(_ problem: String) -> MalformedLine {
        MalformedLine("is not canonical JSON at byte \(place - bytes.startIndex + 1): \(problem)")
    }

    /// The next byte, or 0, which stands nowhere in canonical JSON.
    var next: UInt8 { place < bytes.endIndex ? bytes[place] : 0 }

    /// Passes over a byte if it comes next.
    mutating func passes(_ byte: UInt8) -> Bool {
        guard next == byte else { return false }
        place += 1
        return true
    }

    mutating func expect(_ byte: UInt8) throws(MalformedLine) {
        guard passes(byte) else { throw malformed("\(Character(UnicodeScalar(byte))) is expected") }
    }

    mutating func expect(_ text: [UInt8]) throws(MalformedLine) {
        let end = place + text.count
        guard end <= bytes.endIndex, bytes[place..<end].elementsEqual(text) else {
            throw malformed("\(String(decoding: text, as: UTF8.self)) is expected")
        }
        place = end
    }

    /// Passes over so many bytes, whatever they are.
    mutating func take(_ count: Int) throws(MalformedLine) -> ArraySlice<UInt8> {
        let end = place + count
        guard end <= bytes.endIndex else { throw malformed("the text ends early") }
        defer { place = end }
        return bytes[place..<end]
    }

    /// Passes over a value of any kind.
    mutating func value(depth: Int = 1) throws(MalformedLine) {
        guard depth <= Self.maximumDepth else { throw malformed("values are nested too deeply") }
        switch next {
        case UInt8(ascii: "\""): _ = try string()
        case UInt8(ascii: "{"): try object(depth: depth)
        case UInt8(ascii: "["): try array(depth: depth)
        case UInt8(ascii: "t"): try expect(Self.true)
        case UInt8(ascii: "f"): try expect(Self.false)
        case UInt8(ascii: "n"): try expect(Self.null)
        default: _ = try integer()
        }
    }

    private mutating func array(depth: Int) throws(MalformedLine) {
        try expect(UInt8(ascii: "["))
        guard !passes(UInt8(ascii: "]")) else { return }
        repeat { try value(depth: depth + 1) } while passes(UInt8(ascii: ","))
        try expect(UInt8(ascii: "]"))
    }

    private mutating func object(depth: Int) throws(MalformedLine) {
        try expect(UInt8(ascii: "{"))
        guard !passes(UInt8(ascii: "}")) else { return }
        var before: MemberName?
        repeat {
            before = try name(after: before)
            try value(depth: depth + 1)
        } while passes(UInt8(ascii: ","))
        try expect(UInt8(ascii: "}"))
    }

    /// An integer of 64 bits, written the one way it can be.
    mutating func integer() throws(MalformedLine) -> Int64 {
        let start = place
        let isNegative = passes(UInt8(ascii: "-"))
        let first = place
        var value: Int64 = 0
        while place < bytes.endIndex, case let digit = bytes[place] &- UInt8(ascii: "0"), digit < 10 {
            // Counted downwards, where there is one number more.
            let (tens, isTooMuch) = value.multipliedReportingOverflow(by: 10)
            let (sum, overflows) = tens.subtractingReportingOverflow(Int64(digit))
            guard !isTooMuch, !overflows else { throw malformed("a number has more than 64 bits") }
            value = sum
            place += 1
        }
        let digits = place - first
        guard digits > 0 else { throw malformed("a value is expected") }
        guard digits == 1 || bytes[first] != UInt8(ascii: "0"), !(isNegative && value == 0),
            isNegative || value != .min
        else {
            place = start
            throw malformed("a number is not written as it must be")
        }
        return isNegative ? value : -value
    }

    private static let `true` = Array("true".utf8)
    private static let `false` = Array("false".utf8)
    private static let null = Array("null".utf8)

    /// Moves on within a string.
    mutating func skip(_ count: Int) { place += count }
}
