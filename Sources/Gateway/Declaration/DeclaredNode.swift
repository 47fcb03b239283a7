import Foundation
import Yams

/// A value in a file, with the place of its name.
struct DeclaredNode {
    private let node: Node
    private let path: String
    /// Where its name stands, or the value itself where it has none.
    let nameplace: Declaration.Place

    /// The whole file.
    init?(_ node: Node?, path: String) {
        guard let node else { return nil }
        self.init(node, path, line: node.mark?.line ?? 1)
    }

    private init(_ node: Node, _ path: String, line: Int) {
        self.node = node
        self.path = path
        nameplace = Declaration.Place(path: path, line: line)
    }

    /// Whether nothing stands there, or `null`. In quotes everything is text.
    var isNull: Bool { plain?.null != nil }

    /// `true` or `false`, and nothing that YAML takes for these as well.
    var bool: Bool? {
        switch plain?.scalar?.string {
        case "true": true
        case "false": false
        default: nil
        }
    }

    private var plain: Node? { node.scalar?.style == .plain ? node : nil }

    /// The members of a mapping, in their order.
    ///
    /// - Parameter known: the names that there may be; nil for any.
    func members(known: [String]?) throws(DeclarationFailure) -> [(name: String, value: DeclaredNode)] {
        guard let mapping = node.mapping else {
            let expected = known.map { " of \($0.joined(separator: ", "))" } ?? ""
            throw DeclarationFailure(nameplace, "expected a mapping\(expected)")
        }
        var members: [(name: String, value: DeclaredNode)] = []
        for (key, value) in mapping {
            let member = DeclaredNode(value, path, line: key.mark?.line ?? nameplace.line)
            guard let name = key.scalar?.string else {
                throw DeclarationFailure(member.nameplace, "a name must be text")
            }
            guard known?.contains(name) != false else {
                throw DeclarationFailure(
                    member.nameplace,
                    "\"\(name.prefix(40))\" is not known here; known are \(known?.joined(separator: ", ") ?? "")")
            }
            members.append((name, member))
        }
        return members
    }

    /// The same as JSON.
    func json() throws(DeclarationFailure) -> String {
        switch node {
        case .mapping:
            var parts: [String] = []
            for (name, value) in try members(known: nil) { parts.append("\(Self.quoted(name)):\(try value.json())") }
            return "{\(parts.joined(separator: ","))}"
        case .sequence(let elements):
            var parts: [String] = []
            for element in elements {
                parts.append(try DeclaredNode(element, path, line: element.mark?.line ?? nameplace.line).json())
            }
            return "[\(parts.joined(separator: ","))]"
        case .scalar(let scalar): return json(of: scalar)
        case .alias: throw DeclarationFailure(nameplace, "an alias leads nowhere")
        }
    }

    private func json(of scalar: Node.Scalar) -> String {
        guard let plain else { return Self.quoted(scalar.string) }
        if plain.null != nil { return "null" }
        if let bool { return bool ? "true" : "false" }
        if let number = plain.int { return "\(number)" }
        if let number = plain.float, number.isFinite { return "\(number)" }
        return Self.quoted(scalar.string)
    }

    static func quoted(_ text: String) -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = .withoutEscapingSlashes
        guard let data = try? encoder.encode(text) else { preconditionFailure("a text can be encoded") }
        return String(decoding: data, as: UTF8.self)
    }
}
