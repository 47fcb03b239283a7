import GRDB

extension Invariant {
    /// SQLite's own structures are whole: pages, rows, indexes.
    static let file = Invariant("file") { database, findings in
        let complaints = try String.fetchCursor(database, sql: "PRAGMA integrity_check")
        while let complaint = try complaints.next() {
            if complaint != "ok" { findings.add("the file", complaint) }
        }
    }

    /// What refers to another row finds it.
    static let references = Invariant("references") { database, findings in
        let rows = try Row.fetchCursor(database, sql: "PRAGMA foreign_key_check")
        while let row = try rows.next() {
            let (table, parent): (String, String) = (row["table"], row["parent"])
            let number: Int64? = row["rowid"]
            findings.add(
                number.map { "\(table)/\($0)" } ?? table, "refers to a row of \(parent) that does not exist")
        }
    }
}
