extension Invariant {
    /// SQLite's own structures are whole: pages, rows, indexes.
    static let file = Invariant("file") { database, findings in
        let complaints = try database.cursor("PRAGMA integrity_check")
        while let complaint = try complaints.next() {
            let words: String = complaint[0]
            if words != "ok" { findings.add("the file", words) }
        }
    }

    /// What refers to another row finds it.
    static let references = Invariant("references") { database, findings in
        let rows = try database.cursor("PRAGMA foreign_key_check")
        while let row = try rows.next() {
            let (table, parent): (String, String) = (row["table"], row["parent"])
            let number: Int64? = row["rowid"]
            findings.add(
                number.map { "\(table)/\($0)" } ?? table, "refers to a row of \(parent) that does not exist")
        }
    }
}
