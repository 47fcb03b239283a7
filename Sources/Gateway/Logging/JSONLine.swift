import NIOCore

/// A line that is one flat JSON object, to the byte what ``JSONReply`` would write. Every reply waits for its line in the log,
/// and an encoder would take ten times as long.
enum JSONLine {
    static func buffer(_ members: [String: String]) -> ByteBuffer {
        var line = ByteBuffer()
        line.reserveCapacity(members.reduce(16) { $0 + $1.key.utf8.count + $1.value.utf8.count + 8 })
        line.writeString("{")
        for (number, member) in members.sorted(by: { $0.key < $1.key }).enumerated() {
            if number > 0 { line.writeString(",") }
            line.write(quoted: member.key)
            line.writeString(":")
            line.write(quoted: member.value)
        }
        line.writeString("}\n")
        return line
    }
}

extension ByteBuffer {
    fileprivate mutating func write(quoted text: String) {
        writeString("\"")
        if text.utf8.allSatisfy(\.standsForItself) {
            writeString(text)
        } else {
            for unit in text.utf16 { write(escaped: unit) }
        }
        writeString("\"")
    }

    private mutating func write(escaped unit: UInt16) {
        switch unit {
        case 0x08: writeString(#"\b"#)
        case 0x09: writeString(#"\t"#)
        case 0x0A: writeString(#"\n"#)
        case 0x0C: writeString(#"\f"#)
        case 0x0D: writeString(#"\r"#)
        case 0x22: writeString(#"\""#)
        case 0x5C: writeString(#"\\"#)
        case 0x20..<0x7F: writeInteger(UInt8(unit))
        default:
            let digits = String(unit, radix: 16)
            writeString(#"\u"# + String(repeating: "0", count: 4 - digits.count) + digits)
        }
    }
}

extension UInt8 {
    /// Printable ASCII that is neither a quotation mark nor a backslash.
    fileprivate var standsForItself: Bool { (0x20..<0x7F).contains(self) && self != 0x22 && self != 0x5C }
}
