import Auth
public import Ledger
import Quota

/// One audit record where it stands in its chain: the same as a line of an export.
public struct AuditRecordView: Codable, Sendable {
    /// The chain's hash up to and including it, in hex.
    public var hash: String
    /// The chain's hash before it.
    public var previous: String
    /// What it says. Its canonical text is what was hashed.
    public var record: CanonicalJSON
    /// Its place in the chain, from 1.
    public var sequence: Int64
    /// Which chain.
    public var stream: String

    init(_ record: AuditRecord) {
        hash = Hex.text(record.hash)
        previous = Hex.text(record.previous)
        self.record = record.document
        sequence = record.sequence
        stream = record.stream
    }

    private var members: [String: CanonicalJSON] {
        guard case .object(let members) = record else { return [:] }
        return members
    }

    /// The names of what it says, in order.
    public var names: [String] { members.keys.sorted() }

    /// A member of the record as text; nil if it has none of this name.
    public func text(_ name: String) -> String? {
        switch members[name] {
        case .string(let text): text
        case let value?: value.text
        case nil: nil
        }
    }

    /// When it was written, RFC 3339.
    public var at: String {
        guard case .integer(let milliseconds)? = members["at_ms"] else { return "" }
        return Timestamp.text(Moment(milliseconds: milliseconds))
    }

    /// The line of an export that holds it, without its LF.
    public var line: String {
        CanonicalJSON.object([
            "hash": .string(hash), "previous": .string(previous), "record": record, "sequence": .integer(sequence),
            "stream": .string(stream),
        ]).text
    }
}

/// Some of the records that were asked for.
public struct AuditPageView: Codable, Sendable {
    /// The records; possibly none although there are more.
    public var records: [AuditRecordView]
    /// What to ask for next, as `after`; absent when all have been seen.
    public var next: Int64?

    init(_ page: AuditPage) {
        records = page.records.map(AuditRecordView.init)
        next = page.next
    }
}
