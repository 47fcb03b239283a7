/// What a verifier must know of a record, found in its canonical text without decoding it.
struct RecordScan {
    /// Where the record stands.
    let range: Range<Int>
    private(set) var sequence: Int64 = 0
    /// The stream's name as it is written, between its quotes.
    private(set) var stream: Range<Int> = 0..<0
    /// What the record says of its `audit.trimmed`, as canonical JSON; nil for any other record.
    private(set) var trimming: Range<Int>?

    private static let sequence = Array("sequence".utf8)
    private static let stream = Array("stream".utf8)
    private static let action = Array("action".utf8)
    private static let after = Array("after".utf8)
    private static let version = Array("v".utf8)
    private static let trimmed = Array("audit.trimmed".utf8)

    /// Reads the object that begins where the scanner is, and moves the scanner behind it.
    init(_ scanner: inout CanonicalScanner) throws(MalformedLine) {
        let start = scanner.place
        var (version, sequence): (Int64?, Int64?)
        var (stream, after): (Range<Int>?, Range<Int>?)
        var isTrimming = false
        try scanner.expect(UInt8(ascii: "{"))
        var before: CanonicalScanner.MemberName?
        repeat {
            let name = try scanner.name(after: before)
            before = name
            let written = scanner.bytes[name.written]
            let value = scanner.place
            switch written.count {
            case 8 where written.elementsEqual(Self.sequence): sequence = try scanner.integer()
            case 1 where written.elementsEqual(Self.version): version = try scanner.integer()
            case 6 where written.elementsEqual(Self.stream): stream = try scanner.string().written
            case 6 where written.elementsEqual(Self.action):
                isTrimming = scanner.bytes[try scanner.string().written].elementsEqual(Self.trimmed)
            case 5 where written.elementsEqual(Self.after):
                try scanner.value(depth: 2)
                after = value..<scanner.place
            default: try scanner.value(depth: 2)
            }
        } while scanner.passes(UInt8(ascii: ","))
        try scanner.expect(UInt8(ascii: "}"))
        guard let sequence, (1..<Int64.max).contains(sequence), let stream else {
            throw MalformedLine("has a record that does not say its sequence and stream")
        }
        guard version == 1 else { throw MalformedLine("has a record of another version than 1") }
        range = start..<scanner.place
        self.sequence = sequence
        self.stream = stream
        if isTrimming { trimming = after ?? start..<start }
    }
}
