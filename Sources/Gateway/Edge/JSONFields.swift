import NIOCore

/// The members of one JSON object, taken out by name with their types checked.
///
/// Unlike a `Decodable`, it keeps an object's or an array's own text (so numbers lose nothing on the way to the
/// code), refuses lone surrogates and repeated or unknown names, and says what it found where.
struct JSONFields {
    private var members: [String: JSONScanner.Value] = [:]
    private var known: [String] = []

    init(_ body: ByteBuffer) throws(Problem) {
        var scanner = JSONScanner(Array(body.readableBytesView))
        do {
            members = try scanner.object()
        } catch {
            throw Problem(
                .invalidRequest, "The body is not the JSON object it should be: \(error).", shouldRetry: false)
        }
    }

    mutating func string(_ name: String) throws(Problem) -> String? {
        switch take(name) {
        case .none, .null: nil
        case .string(let text): text
        case .some(let other): throw .invalidField(name, "must be a string, not \(other.kind)")
        }
    }

    /// A string as it is, or the JSON text of an object or array.
    mutating func text(_ name: String) throws(Problem) -> String? {
        switch take(name) {
        case .none, .null: nil
        case .string(let text), .composite(let text, isObject: _): text
        case .some(let other): throw .invalidField(name, "must be a string, an object or an array, not \(other.kind)")
        }
    }

    mutating func number(_ name: String) throws(Problem) -> Double? {
        switch take(name) {
        case .none, .null: nil
        case .number(let text):
            if let number = Double(text), number.isFinite {
                number
            } else {
                throw .invalidField(name, "is out of range")
            }
        case .some(let other): throw .invalidField(name, "must be a number, not \(other.kind)")
        }
    }

    mutating func stringMap(_ name: String) throws(Problem) -> [String: String]? {
        let value = take(name)
        switch value {
        case .none, .null: return nil
        case .composite(let text, isObject: true):
            var scanner = JSONScanner(Array(text.utf8))
            guard let members = try? scanner.object() else { throw .invalidField(name, "is not an object of strings") }
            var map: [String: String] = [:]
            for (key, member) in members {
                guard case .string(let text) = member else {
                    throw .invalidField("\(name).\(key)", "must be a string, not \(member.kind)")
                }
                map[key] = text
            }
            return map
        case .some(let other): throw .invalidField(name, "must be an object of strings, not \(other.kind)")
        }
    }

    /// Call last: names the members nobody asked for.
    func refuseOthers() throws(Problem) {
        try refuseAll(but: known)
    }

    /// Names the first member that is none of these.
    func refuseAll(but known: [String]) throws(Problem) {
        guard let unknown = members.keys.filter({ !known.contains($0) }).min() else { return }
        throw .invalidField(
            "\"\(unknown.prefix(100))\"", "is not a field here; known are \(known.joined(separator: ", "))")
    }

    private mutating func take(_ name: String) -> JSONScanner.Value? {
        known.append(name)
        return members.removeValue(forKey: name)
    }
}
