import Auth
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

    /// Whether ``canonical`` says anything. If not it was tampered with: the record stands there all the same, for whoever
    /// searches and ships, and what it says is ``AuditAction/unreadable``.
    public var isReadable: Bool { entry.action != .unreadable }

    private init(sequence: Int64, previous: [UInt8], hash: [UInt8], canonical: String) {
        // Parsed once for both.
        struct Written: Decodable {
            struct Place: Decodable {
                var at_ms: Int64
                var stream: String
            }

            let place: Place
            let entry: AuditEntry?

            init(from decoder: any Decoder) throws {
                place = try Place(from: decoder)
                entry = try? AuditEntry(from: decoder)
            }
        }
        let written = try? Document.value(Written.self, from: canonical)
        self.sequence = sequence
        self.previous = previous
        self.hash = hash
        self.canonical = canonical
        stream = written?.place.stream ?? AuditChain.stream
        at = Moment(milliseconds: written?.place.at_ms ?? 0)
        entry = written?.entry ?? AuditEntry(.unreadable)
    }

    /// The hash before a row of the table `audit`, for a query.
    static func previousHash(_ dialect: SQLDialect) -> String {
        """
        coalesce(
            (SELECT hash FROM audit AS before WHERE before.sequence = audit.sequence - 1),
            (SELECT base_hash FROM chain WHERE chain.base_sequence = audit.sequence - 1), \(dialect.zeros(32)))
        """
    }

    /// A row with sequence, hash, record, and ``previousHash`` as `previous`.
    init(row: SQLRow) {
        self.init(
            sequence: row["sequence"], previous: row["previous"], hash: row["hash"],
            canonical: row["record"])
    }

    /// A record as it stands in a file.
    init(_ link: AuditLink) {
        self.init(
            sequence: link.sequence, previous: (link.previous ?? .zero).bytes, hash: link.hash.bytes,
            canonical: String(decoding: link.record, as: UTF8.self))
    }

    /// ``canonical`` as a value. If it is no canonical JSON, since somebody tampered with it, then as a string, so that
    /// nobody who writes it down writes it right.
    public var document: CanonicalJSON {
        guard isCanonical, let document = try? Document.value(CanonicalJSON.self, from: canonical) else {
            return .string(canonical)
        }
        return document
    }

    private var isCanonical: Bool {
        var scanner = CanonicalScanner(Array(canonical.utf8)[...])
        return (try? scanner.value()) != nil && scanner.isAtEnd
    }

    /// The line of an audit file, without its LF.
    public var line: String {
        let record = isCanonical ? canonical : CanonicalJSON.string(canonical).text
        return #"{"hash":"\#(Hex.text(hash))","previous":"\#(Hex.text(previous))","record":\#(record),"#
            + #""sequence":\#(sequence),"stream":\#(CanonicalJSON.string(stream).text)}"#
    }
}
