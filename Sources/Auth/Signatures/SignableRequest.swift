/// A request's head, as far as a signature can cover it: what was received, before anything is decoded or normalised.
public struct SignableRequest: Sendable {
    let method: String
    let scheme: String
    let authority: String
    let path: String
    let query: String?
    /// Names in lowercase.
    let fields: [(name: String, value: String)]

    /// - Parameters:
    ///   - method: As sent, such as `POST`.
    ///   - scheme: `http` or `https`, as the caller sees it: in front of a proxy that ends TLS it is `https`.
    ///   - authority: The `Host` field: a name or address, with the port unless it is the scheme's own.
    ///   - path: The raw path with its leading slash, percent-encoding untouched.
    ///   - query: The raw query without the question mark; nil when there is no question mark.
    ///   - fields: All fields in the order received, each line by itself.
    public init(
        method: String, scheme: String, authority: String, path: String, query: String?,
        fields: [(name: String, value: String)]
    ) {
        self.method = method
        self.scheme = scheme.lowercased()
        self.authority = Self.normalised(authority, scheme: self.scheme)
        self.path = path.isEmpty ? "/" : path
        self.query = query
        self.fields = fields.map { ($0.name.lowercased(), $0.value) }
    }

    /// The same request with one field in the place of all of that name.
    func with(_ name: String, _ value: String) -> SignableRequest {
        SignableRequest(
            method: method, scheme: scheme, authority: authority, path: path, query: query,
            fields: fields.filter { $0.name != name } + [(name, value)]
        )
    }

    /// Lowercase, and without the port that the scheme implies (RFC 9421, 2.2.3).
    private static func normalised(_ authority: String, scheme: String) -> String {
        let authority = authority.lowercased()
        let port = scheme == "https" ? ":443" : ":80"
        return authority.hasSuffix(port) ? String(authority.dropLast(port.count)) : authority
    }

    /// The value of a component without parameters (RFC 9421, 2.1 and 2.2), or nil if the request does not have it.
    func value(of component: String) -> String? {
        switch component {
        case "@method": method
        case "@authority": authority
        case "@scheme": scheme
        case "@path": path
        case "@query": "?" + (query ?? "")
        case "@request-target": path + querySuffix
        case "@target-uri": "\(scheme)://\(authority)\(path)\(querySuffix)"
        default: component.hasPrefix("@") ? nil : field(component)
        }
    }

    private var querySuffix: String { query.map { "?" + $0 } ?? "" }

    /// All lines of a field, each trimmed, joined by a comma and a space (RFC 9421, 2.1).
    func field(_ name: String) -> String? {
        let lines = fields.filter { $0.name == name }.map { Self.trimmed($0.value) }
        return lines.isEmpty ? nil : lines.joined(separator: ", ")
    }

    private static func trimmed(_ value: String) -> String {
        func isSpace(_ character: UInt8) -> Bool { character == UInt8(ascii: " ") || character == UInt8(ascii: "\t") }
        let characters = value.utf8
        guard characters.first.map(isSpace) == true || characters.last.map(isSpace) == true else { return value }
        let front = characters.drop(while: isSpace)
        let end = front.lastIndex { !isSpace($0) }.map(front.index(after:)) ?? front.startIndex
        return String(value[front.startIndex..<end])
    }
}
