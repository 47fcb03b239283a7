/// Reads `NAME=value` lines as `.env.local` files hold them.
///
/// Blank lines and lines that begin with `#` are passed over, `export ` before a name is allowed, and one pair of
/// quotes around a value is taken off. Nothing is expanded: a `$` is a `$`.
enum DotEnvFile {
    static func parse(_ text: String, path: String) throws(SettingFailure) -> [RawSetting] {
        var settings: [RawSetting] = []
        for (index, rawLine) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
            var line = rawLine.trimming(" \t\r")
            if line.isEmpty || line.hasPrefix("#") { continue }
            if line.hasPrefix("export ") { line = line.dropFirst(7).trimming(" \t") }
            let source = SettingSource.file(path: path, line: index + 1)
            guard let equals = line.firstIndex(of: "=") else {
                // Others keep multi-line values here; only a name that claims to be ours is judged.
                guard line.hasPrefix("GATEWAY_") || line.hasPrefix("E2B_") else { continue }
                throw SettingFailure("\(source): expected NAME=value")
            }
            let name = line[..<equals].trimming(" \t")
            let value = unquoted(line[line.index(after: equals)...].trimming(" \t"))
            settings.append(RawSetting(name: String(name), value: String(value), source: source))
        }
        return settings
    }

    private static func unquoted(_ value: Substring) -> Substring {
        guard value.count >= 2, let first = value.first, first == value.last, first == "\"" || first == "'" else {
            return value
        }
        return value.dropFirst().dropLast()
    }
}

extension Substring {
    func trimming(_ characters: String) -> Substring {
        var trimmed = self
        while let first = trimmed.first, characters.contains(first) { trimmed.removeFirst() }
        while let last = trimmed.last, characters.contains(last) { trimmed.removeLast() }
        return trimmed
    }
}
