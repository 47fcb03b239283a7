import Hummingbird

/// The values of a URL's query, by name.
struct QueryValues: Sendable {
    private let values: [String: String]

    init(_ request: Request) {
        values = Dictionary(request.uri.queryParameters.map { (String($0.key), String($0.value)) }) { $1 }
    }

    var names: some Collection<String> { values.keys }

    subscript(_ name: String) -> String? { values[name] }

    /// Refuses a value that is none of those known.
    static func check(_ value: String?, _ field: String, in known: [String]) throws(Problem) {
        guard let value, !known.contains(value) else { return }
        try MisplacedToken.refused(value)
        throw .invalidField(field, "must be one of \(known.joined(separator: ", ")), not \"\(value.prefix(40))\"")
    }
}
