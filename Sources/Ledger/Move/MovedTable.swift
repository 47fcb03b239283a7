/// A table on its way from a file to PostgreSQL: all its columns by name, so that a column that is added to the ledger and not
/// to this list fails a test and not a move.
struct MovedTable: Sendable {
    struct Column: Sendable, Hashable {
        enum Kind: Sendable { case integer, text, bytes }

        let name: String
        let kind: Kind
    }

    let name: String
    /// The columns that name a row; rows are read in their order.
    let key: [String]
    /// Those that both databases have.
    let columns: [Column]
    /// Which rows are moved, where not all are.
    let condition: String?
    /// The columns that only PostgreSQL has, and what they begin with.
    let added: [String: Added]
    /// The column that PostgreSQL counts on from the highest number.
    let counter: String?

    enum Added: Sendable {
        case number(Int64)
        /// When the ledger was last written to.
        case lastCommit
        case nothing
    }

    /// Lists of columns are apart by spaces.
    private init(
        _ name: String, by key: String, integers: String = "", texts: String = "", bytes: String = "",
        where condition: String? = nil, adding added: [String: Added] = [:], counting counter: String? = nil
    ) {
        func columns(_ list: String, _ kind: Column.Kind) -> [Column] {
            list.split(separator: " ").map { Column(name: String($0), kind: kind) }
        }
        self.name = name
        self.key = key.split(separator: " ").map(String.init)
        self.columns = columns(integers, .integer) + columns(texts, .text) + columns(bytes, .bytes)
        self.condition = condition
        self.added = added
        self.counter = counter
    }

    /// Of a file: what no row of PostgreSQL's comes of, but the state that is reached anew there.
    static let leftBehind = ["grdb_migrations"]
    /// Of PostgreSQL: what is made there, the gateways from the number of the last opening.
    static let madeAnew = ["migration", "gateway"]
    /// Facts that only one of the two has: the last opening is a row of `gateway` in PostgreSQL.
    private static let ownFacts = "name NOT IN ('epoch', 'common_edition')"

    /// All of them; what a row refers to stands before it.
    static let all = [
        MovedTable("fact", by: "name", integers: "value", texts: "name", where: ownFacts),
        MovedTable("installation", by: "id", integers: "id", texts: "name"),
        MovedTable("own_key", by: "name", texts: "name", bytes: "sealed"),

        MovedTable(
            "tenant", by: "id", integers: "id created_at disabled_at deleted_at",
            texts: "name policy present_name former_names suspended_by suspension_reason", counting: "id"),
        MovedTable(
            "usage", by: "tenant", integers: "tenant rate_next_free", texts: "usage",
            adding: ["revision": .number(1), "edition": .number(1), "written_at": .lastCommit]),
        MovedTable(
            "subject", by: "tenant name", integers: "tenant rate_next_free changed_at", texts: "name usage"),
        MovedTable("default_policy", by: "id", integers: "id", texts: "policy"),
        MovedTable("pause", by: "id", integers: "id paused_at", texts: "paused_by reason"),
        MovedTable(
            "key", by: "id", integers: "tenant created_at revoked_at last_used_at expires_at suspended_at",
            texts: "id successor uses suspended_by suspension_reason", bytes: "sealed_secret"),
        MovedTable(
            "admin_key", by: "id", integers: "created_at revoked_at last_used_at", texts: "id name scopes uses",
            bytes: "sealed_secret"),
        MovedTable(
            "console_session", by: "digest", integers: "opened_at used_at expires_at", texts: "key claims",
            bytes: "digest"),
        MovedTable(
            "upstream_key", by: "id", integers: "created_at role_since", texts: "id team role", bytes: "sealed_secret"),
        MovedTable(
            "consumption", by: "tenant day key",
            integers: "tenant day executions charged credit overrun output_bytes shadowed sandboxes", texts: "key"),
        MovedTable(
            "subject_consumption", by: "tenant day subject",
            integers: "tenant day executions charged credit overrun output_bytes shadowed sandboxes", texts: "subject"),
        MovedTable("notification", by: "id", integers: "created_at due_at attempts", texts: "id tenant document"),

        MovedTable(
            "execution", by: "rowid",
            integers: """
                rowid tenant code_bytes context_bytes timeout_asked timeout_granted admitted_at finished_at charged overrun \
                output_bytes credit
                """,
            texts: """
                id key subject request_id source_address template language code_digest context_digest outcome reason \
                exception shadowed
                """,
            counting: "rowid"),
        MovedTable(
            "lease", by: "execution", integers: "tenant epoch", texts: "execution grant_document",
            adding: ["stop_asked_at": .nothing, "stop_reason": .nothing]),
        MovedTable("sandbox", by: "id", integers: "recorded_at doomed_at", texts: "id execution"),
        MovedTable(
            "owned_sandbox", by: "handle",
            integers: "tenant epoch admitted_at started_at ends_at ended_at doomed_at",
            texts: """
                handle sandbox claims request_id trace_id source_address template metadata expiry state reason \
                idempotency_key fingerprint
                """),
        MovedTable("sandbox_access", by: "handle", texts: "handle", bytes: "sealed"),
        MovedTable(
            "sandbox_lease", by: "number",
            integers: "number tenant timeout_granted admitted_at held_since finished_at charged credit overrun",
            texts: "handle key subject grant_document shadowed", counting: "number"),

        MovedTable("audit", by: "sequence", integers: "sequence", texts: "record tenant execution", bytes: "hash"),
        MovedTable(
            "chain", by: "stream", integers: "sequence committed_at base_sequence cut_by", texts: "stream",
            bytes: "hash base_hash"),
        MovedTable("checkpoint", by: "number", integers: "number sequence", texts: "document", bytes: "signature"),
        MovedTable("sink", by: "name", integers: "sequence checkpoint", texts: "name"),
        MovedTable("recorded_code", by: "execution", integers: "recorded_at", texts: "execution", bytes: "sealed"),

        MovedTable("nonce", by: "key digest", integers: "expires_at until", texts: "key", bytes: "digest"),
        MovedTable("nonce_key", by: "key", integers: "remembered forgotten_until", texts: "key"),
        MovedTable(
            "execution_key", by: "execution", integers: "tenant created_at expires_at",
            texts: "execution key fingerprint reply"),
        MovedTable(
            "execution_reply", by: "number", integers: "number tenant", texts: "execution", bytes: "sealed",
            counting: "number"),
        MovedTable("reply_total", by: "tenant", integers: "tenant bytes"),
        MovedTable(
            "admin_request", by: "key", integers: "created_at expires_at",
            texts: "key administrator fingerprint kind made minted_key"),
    ]
}

extension MovedTable {
    /// How many rows there are to move.
    var counting: String { "SELECT count(*) FROM \(name)\(filter)" }

    /// The rows as SQLite gives them. Texts come as bytes: as texts they would end at the character NUL, and be mended where
    /// they are none.
    var selection: String {
        let values = columns.map { $0.kind == .text ? "CAST(\($0.name) AS BLOB)" : $0.name }
        return "SELECT \(values.joined(separator: ", ")) FROM \(name)\(filter) ORDER BY \(key.joined(separator: ", "))"
    }

    /// A statement that inserts this many rows.
    func insertion(rows: Int) -> String {
        let names = columns.map(\.name) + added.keys.sorted()
        let row = "(\(names.map { _ in "?" }.joined(separator: ", ")))"
        return "INSERT INTO \(name) (\(names.joined(separator: ", "))) VALUES "
            + Array(repeating: row, count: rows).joined(separator: ", ")
    }

    private var filter: String { condition.map { " WHERE \($0)" } ?? "" }
}
