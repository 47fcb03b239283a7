/// Comma-separated values as RFC 4180 writes them, safe to open in a spreadsheet.
public enum CSV {
    /// Each line ends with CR LF, the heading first.
    public static func text(_ heading: [String], _ rows: [[String]]) -> String {
        ([heading] + rows).map(line).joined()
    }

    /// One line, with its end.
    public static func line(_ fields: [String]) -> String {
        fields.map(field).joined(separator: ",") + "\r\n"
    }

    /// A field, quoted where it must be. What a spreadsheet would take for a formula gets an apostrophe in front, which
    /// makes it text (OWASP, "CSV Injection").
    static func field(_ text: String) -> String {
        let isFormula = text.unicodeScalars.first.map { "=+-@\t\r".unicodeScalars.contains($0) } ?? false
        let text = isFormula ? "'" + text : text
        guard text.unicodeScalars.contains(where: { ",\"\r\n".unicodeScalars.contains($0) }) else { return text }
        return "\"" + text.replacing("\"", with: "\"\"") + "\""
    }
}
