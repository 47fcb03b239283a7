/// What SQLite and PostgreSQL write differently.
enum SQLDialect: Sendable {
    case sqlite, postgreSQL

    /// A member of the JSON object that a column holds as text: a string. NULL where there is none, or no JSON.
    func text(_ member: String, of column: String) -> String {
        switch self {
        case .sqlite: "CASE WHEN json_valid(\(column)) THEN json_extract(\(column), '$.\(member)') END"
        case .postgreSQL: "(json_or_null(\(column)) ->> '\(member)')"
        }
    }

    /// The same of a whole number.
    func integer(_ member: String, of column: String) -> String {
        switch self {
        case .sqlite:
            """
            CASE WHEN json_valid(\(column)) THEN
                CASE WHEN json_type(\(column), '$.\(member)') = 'integer' THEN json_extract(\(column), '$.\(member)') END
            END
            """
        case .postgreSQL: "whole_number_or_null(json_or_null(\(column)) -> '\(member)')"
        }
    }

    /// The same of a truth.
    func truth(_ member: String, of column: String) -> String {
        switch self {
        case .sqlite: "(CASE WHEN json_valid(\(column)) THEN json_extract(\(column), '$.\(member)') END IS TRUE)"
        case .postgreSQL: "(json_or_null(\(column)) -> '\(member)' = 'true')"
        }
    }

    /// What has the rows that a query finds stay as they are until the commit; where nobody else writes they do.
    var untilCommitted: String {
        switch self {
        case .sqlite: ""
        case .postgreSQL: " FOR UPDATE"
        }
    }

    /// The bytes of a text.
    func bytes(of column: String) -> String {
        switch self {
        case .sqlite: "CAST(\(column) AS BLOB)"
        case .postgreSQL: "convert_to(\(column), 'UTF8')"
        }
    }

    /// This many zero bytes.
    func zeros(_ count: Int) -> String {
        let digits = String(repeating: "00", count: count)
        return switch self {
        case .sqlite: "x'\(digits)'"
        case .postgreSQL: "'\\x\(digits)'::bytea"
        }
    }
}
