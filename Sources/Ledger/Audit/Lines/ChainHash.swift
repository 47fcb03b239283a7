import Auth

/// A SHA-256 hash as four words: compared in one go and kept by the million.
struct ChainHash: Hashable, Sendable {
    private var words: SIMD4<UInt64>

    /// 32 zero bytes: what stands before the first record and the first checkpoint.
    static let zero = ChainHash(words: .zero)

    private init(words: SIMD4<UInt64>) { self.words = words }

    /// From the first 32 bytes of an array; nil if there are fewer.
    init?(_ bytes: [UInt8]) {
        guard bytes.count >= 32 else { return nil }
        words = .zero
        for word in 0..<4 {
            var value: UInt64 = 0
            for index in 8 * word..<8 * word + 8 { value = value << 8 | UInt64(bytes[index]) }
            words[word] = value
        }
    }

    /// From 64 lowercase hex digits, as they stand in a line; nil for anything else.
    init?(hex digits: ArraySlice<UInt8>) {
        guard digits.count == 64 else { return nil }
        words = .zero
        var index = digits.startIndex
        for word in 0..<4 {
            var value: UInt64 = 0
            for _ in 0..<16 {
                let digit = digits[index]
                switch digit {
                case UInt8(ascii: "0")...UInt8(ascii: "9"): value = value << 4 | UInt64(digit & 0x0f)
                case UInt8(ascii: "a")...UInt8(ascii: "f"): value = value << 4 | UInt64(digit & 0x0f + 9)
                default: return nil
                }
                index += 1
            }
            words[word] = value
        }
    }

    /// The 32 bytes.
    var bytes: [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(32)
        for word in 0..<4 {
            let value = words[word]
            for shift in stride(from: 56, through: 0, by: -8) {
                bytes.append(UInt8(truncatingIfNeeded: value >> shift))
            }
        }
        return bytes
    }

    /// 64 lowercase hex digits.
    var hex: String { Hex.text(bytes) }
}
