/// Columns aligned by their widest cell, with a heading.
struct Table {
    let heading: [String]
    var rows: [[String]]

    init(_ heading: [String], _ rows: [[String]]) {
        self.heading = heading
        self.rows = rows
    }

    var text: String {
        let lines = [heading] + rows
        let widths = heading.indices.map { column in lines.map { $0[column].count }.max() ?? 0 }
        return lines.map { line in
            zip(line, widths).map { $0 + String(repeating: " ", count: $1 - $0.count) }
                .joined(separator: "  ").trimmingTrailingSpaces
        }.joined(separator: "\n")
    }
}

extension String {
    fileprivate var trimmingTrailingSpaces: String {
        var text = self[...]
        while text.last == " " { text.removeLast() }
        return String(text)
    }
}
