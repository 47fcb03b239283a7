/// Columns aligned by their widest cell, with a heading.
public struct Table {
    /// One cell: what it says, and its colour where there are colours.
    public struct Cell: ExpressibleByStringLiteral {
        /// What it says, as it may be printed.
        public let plain: String
        let colour: Colour?

        /// A cell. Control and invisible characters are replaced, so that no name in it can play with the terminal.
        public init(_ text: String, _ colour: Colour? = nil) {
            plain = text.printable
            self.colour = colour
        }

        /// A cell without colour.
        public init(stringLiteral text: String) {
            self.init(text)
        }
    }

    private let heading: [String]
    private let rows: [[Cell]]
    private let look: Look

    /// Rows of cells, as many to a row as the heading has.
    public init(_ heading: [String], cells rows: [[Cell]], look: Look = .plain) {
        self.heading = heading
        self.rows = rows
        self.look = look
    }

    /// Rows of plain text.
    public init(_ heading: [String], _ rows: [[String]]) {
        self.init(heading, cells: rows.map { $0.map { Cell($0) } })
    }

    /// The lines, without a line break at the end.
    public var text: String {
        let lines = [heading.map { Cell($0) }] + rows
        let widths = heading.indices.map { column in lines.map { $0[column].plain.count }.max() ?? 0 }
        return lines.map { line in
            let last = line.lastIndex { !$0.plain.isEmpty } ?? -1
            return zip(line.indices, widths).prefix(last + 1).map { column, width in
                let cell = line[column]
                let padding = column == last ? "" : String(repeating: " ", count: width - cell.plain.count)
                return look.painted(cell.plain, cell.colour) + padding
            }.joined(separator: "  ")
        }.joined(separator: "\n")
    }
}

extension String {
    /// Without what a terminal does not simply show: control characters, and those that turn or hide text.
    var printable: String {
        var scalars = String.UnicodeScalarView()
        for scalar in unicodeScalars {
            switch scalar.properties.generalCategory {
            case .control, .format, .lineSeparator, .paragraphSeparator, .privateUse, .surrogate:
                scalars.append("\u{FFFD}")
            default: scalars.append(scalar)
            }
        }
        return String(scalars)
    }
}
