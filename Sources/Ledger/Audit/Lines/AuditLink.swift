/// A record as a link of the chain: what is needed to verify it, its text unread and uncopied.
struct AuditLink {
    let sequence: Int64
    /// The stream's name as canonical JSON writes it, between its quotes.
    let stream: ArraySlice<UInt8>
    /// The hash before it; nil where it was not kept, and then it is the one of the record before.
    let previous: ChainHash?
    let hash: ChainHash
    /// The canonical record.
    let record: ArraySlice<UInt8>
    /// The `after` of an `audit.trimmed`; nil for any other record.
    let trimming: ArraySlice<UInt8>?

    private static let opening = Array(#"{"hash":""#.utf8)
    private static let previous = Array(#"","previous":""#.utf8)
    private static let record = Array(#"","record":"#.utf8)
    private static let sequence = Array(#","sequence":"#.utf8)
    private static let stream = Array(#","stream":"#.utf8)

    /// A row of the ledger: what it says of itself must be what its record says.
    init(sequence: Int64, previous: ChainHash?, hash: [UInt8], record: [UInt8]) throws(MalformedLine) {
        var scanner = CanonicalScanner(record[...])
        let scan = try RecordScan(&scanner)
        guard scanner.isAtEnd else { throw scanner.malformed("something follows the record") }
        guard hash.count == 32, let hash = ChainHash(hash) else { throw MalformedLine("has no hash of 32 bytes") }
        guard scan.sequence == sequence else { throw Self.disagreement(sequence, scan.sequence) }
        self.sequence = sequence
        self.previous = previous
        self.hash = hash
        stream = record[scan.stream]
        self.record = record[...]
        trimming = scan.trimming.map { record[$0] }
    }

    /// Whether a line has the beginning of a record's.
    static func begins(_ line: ArraySlice<UInt8>) -> Bool { line.starts(with: opening) }

    /// A record's line, without its LF.
    init(line: ArraySlice<UInt8>) throws(MalformedLine) {
        var scanner = CanonicalScanner(line)
        try scanner.expect(Self.opening)
        guard let hash = ChainHash(hex: try scanner.take(64)) else {
            throw MalformedLine("has a hash that is not 64 lowercase hex digits")
        }
        try scanner.expect(Self.previous)
        guard let previous = ChainHash(hex: try scanner.take(64)) else {
            throw MalformedLine("has a previous hash that is not 64 lowercase hex digits")
        }
        try scanner.expect(Self.record)
        let scan = try RecordScan(&scanner)
        try scanner.expect(Self.sequence)
        let sequence = try scanner.integer()
        try scanner.expect(Self.stream)
        let stream = line[try scanner.string().written]
        try scanner.expect(UInt8(ascii: "}"))
        guard scanner.isAtEnd else { throw scanner.malformed("something follows the line's object") }
        guard sequence == scan.sequence else { throw Self.disagreement(sequence, scan.sequence) }
        guard stream.elementsEqual(line[scan.stream]) else {
            throw MalformedLine("names another stream than its record does")
        }
        self.sequence = sequence
        self.stream = stream
        self.previous = previous
        self.hash = hash
        record = line[scan.range]
        trimming = scan.trimming.map { line[$0] }
    }

    private static func disagreement(_ outside: Int64, _ inside: Int64) -> MalformedLine {
        MalformedLine("says it is record \(outside), and its record says it is \(inside)")
    }
}
