extension ServedDomain {
    /// The one label that stands before the domain in a request's host, in lower case; nil if the host is no name directly
    /// below the domain.
    ///
    /// - Parameter authority: in any case, with or without a port, which is of no account.
    func label(of authority: String) -> Substring? {
        var name = authority.lowercased()[...]
        if let colon = name.lastIndex(of: ":") { name = name[..<colon] }
        if name.last == "." { name = name.dropLast() }
        let suffix = "." + host
        guard name.hasSuffix(suffix) else { return nil }
        let label = name.dropLast(suffix.count)
        return label.isEmpty || label.contains(".") ? nil : label
    }
}
