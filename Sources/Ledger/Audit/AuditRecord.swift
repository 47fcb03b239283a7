import Auth
import GRDB
public import Quota

/// One record of the audit chain.
public struct AuditRecord: Sendable, Hashable {
    /// The chain it belongs to.
    public let stream: String
    /// Its number: 1 for the first, without gaps.
    public let sequence: Int64
    /// When it was written, to the millisecond.
    public let at: Moment
    /// The hash of the record before: 32 bytes, all zero before the first.
    public let previous: [UInt8]
    /// SHA-256 over ``previous`` and ``canonical``: 32 bytes.
    public let hash: [UInt8]
    /// The text that was hashed: canonical JSON.
    public let canonical: String
    /// What it says.
    public let entry: AuditEntry

    private init(sequence: Int64, previous: [UInt8], hash: [UInt8], canonical: String) throws {
        struct Place: Decodable {
            var at_ms: Int64
            var stream: String
        }
        let place = try Document.value(Place.self, from: canonical)
        self.sequence = sequence
        self.previous = previous
        self.hash = hash
        self.canonical = canonical
        stream = place.stream
        at = Moment(milliseconds: place.at_ms)
        entry = try Document.value(from: canonical)
    }

    init(row: Row) throws {
        let sequence: Int64 = row["sequence"]
        try self.init(
            sequence: sequence, previous: row["previous"] == nil ? ChainHash.zero.bytes : Blob.bytes(row, "previous"),
            hash: Blob.bytes(row, "hash"), canonical: row["record"])
    }

    /// A record as it stands in a file.
    init(_ link: AuditLink) throws(MalformedLine) {
        do {
            try self.init(
                sequence: link.sequence, previous: (link.previous ?? .zero).bytes, hash: link.hash.bytes,
                canonical: String(decoding: link.record, as: UTF8.self))
        } catch {
            throw MalformedLine("has a record that this version does not know")
        }
    }

    /// The line of an audit file, without its LF.
    public var line: String {
        #"{"hash":"\#(Hex.text(hash))","previous":"\#(Hex.text(previous))","record":\#(canonical),"#
            + #""sequence":\#(sequence),"stream":\#(CanonicalJSON.string(stream).text)}"#
    }
}

/// Which audit records are wanted.
public struct AuditQuery: Sendable, Hashable {
    /// Only this tenant's.
    public var tenant: String?
    /// Only this execution's.
    public var execution: String?
    /// Only records after this number.
    public var after: Int64
    /// At most this many, 1 to 1,000; the oldest first.
    public var limit: Int

    /// A query; without arguments the first hundred records.
    public init(tenant: String? = nil, execution: String? = nil, limit: Int = 100, after: Int64 = 0) {
        self.tenant = tenant
        self.execution = execution
        self.after = after
        self.limit = min(max(limit, 1), 1_000)
    }
}
