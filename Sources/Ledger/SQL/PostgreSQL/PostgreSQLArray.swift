extension Sequence<String> {
    /// These texts as PostgreSQL reads an array of them, for `?::text[]`. They hold neither quotation marks nor backslashes.
    var postgreSQLArray: String {
        // Quoted, or the text null would be none.
        "{\(map { "\"\($0)\"" }.joined(separator: ","))}"
    }
}
