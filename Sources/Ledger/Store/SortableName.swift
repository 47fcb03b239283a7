import Auth
import Quota

/// Names that are made together sort together, so that indexes over them grow at one end and a commit of many touches few
/// of their pages. They need not be secret: what they name shows itself to its tenant only.
enum SortableName {
    /// 24 hex digits, never given before: five bytes of the time in steps of 16 ms, which do for 500 years, and seven
    /// random ones.
    static func random() -> String {
        let steps = LedgerClock.realtime().milliseconds >> 4
        let time = (0..<5).reversed().map { UInt8(truncatingIfNeeded: steps >> (8 * $0)) }
        return Hex.text(time + SecureRandom.bytes(7))
    }

    /// Whether a text is a prefix and a name.
    static func isValid(_ text: String, prefix: String) -> Bool {
        text.utf8.count == prefix.utf8.count + 24 && text.hasPrefix(prefix)
            && Hex.bytes(text.dropFirst(prefix.count)) != nil
    }
}
