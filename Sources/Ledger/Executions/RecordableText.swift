extension String {
    /// The text as the ledger may keep it: at most 256 characters, none of them a control character, since part of it
    /// comes from callers or from the code they run and will be shown in terminals.
    var recordable: String {
        var scalars = String.UnicodeScalarView()
        for scalar in unicodeScalars.prefix(256) {
            scalars.append(scalar.properties.generalCategory == .control ? "\u{fffd}" : scalar)
        }
        return String(scalars)
    }
}
