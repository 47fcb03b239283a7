import Foundation
import Ledger
import Quota
import Yams

/// One file of a declaration, in YAML.
struct DeclarationFile {
    private(set) var defaultPolicy: Declaration.DeclaredPolicy?
    private(set) var tenants: [Declaration.DeclaredTenant] = []

    private static let fields = ["default_policy", "tenants"]

    static func read(_ text: String, path: String) throws(DeclarationFailure) -> DeclarationFile {
        try refuseSecrets(in: text, path: path)
        let node: Node?
        do {
            node = try Yams.compose(yaml: text)
        } catch {
            throw failure(error, path: path)
        }
        let root = DeclaredNode(node, path: path)
        guard let root, !root.isNull else {
            throw DeclarationFailure(
                Declaration.Place(path: path, line: 1), "holds nothing; expected \(fields.joined(separator: " or "))")
        }
        return try DeclarationFile(root)
    }

    private init(_ root: DeclaredNode) throws(DeclarationFailure) {
        for (name, value) in try root.members(known: Self.fields) {
            if name == "default_policy" {
                defaultPolicy = try value.policy()
            } else if !value.isNull {
                for (name, tenant) in try value.members(known: nil) { tenants.append(try tenant.tenant(name)) }
            }
        }
    }

    /// Tokens, keys and root keys have no place in a file that is shared and committed, not even in a comment.
    private static func refuseSecrets(in text: String, path: String) throws(DeclarationFailure) {
        let secret = /(?i)e2b_[0-9a-f]{16}|whsec_[0-9a-z+\/=]{16}|(?:^|[^0-9a-f])[0-9a-f]{64}(?:[^0-9a-f]|$)/
        for (index, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated()
        where line.firstMatch(of: secret) != nil {
            throw DeclarationFailure(
                Declaration.Place(path: path, line: index + 1),
                "holds what looks like a token or a key. Secrets have no place in this file; it was not applied. If it is "
                    + "one, revoke it: whoever can read the file has it")
        }
    }

    /// Without the text around the mistake, which Yams would show.
    private static func failure(_ error: any Error, path: String) -> DeclarationFailure {
        func failure(_ line: Int, _ problem: String) -> DeclarationFailure {
            DeclarationFailure(Declaration.Place(path: path, line: max(1, line)), problem)
        }
        return switch error as? YamlError {
        case .scanner(_, let problem, let mark, _), .parser(_, let problem, let mark, _),
            .composer(_, let problem, let mark, _):
            failure(mark.line, "cannot be read as YAML: \(problem)")
        case .duplicatedKeysInMapping(let names, let context):
            failure(context.mark.line, "\(names.joined(separator: ", ")) stands more than once in the same place")
        default: failure(1, "cannot be read as YAML")
        }
    }
}

extension DeclaredNode {
    fileprivate func tenant(_ name: String) throws(DeclarationFailure) -> Declaration.DeclaredTenant {
        guard Tenant.isValid(name: name) else {
            throw DeclarationFailure(
                nameplace, "a tenant's name has up to 63 of a-z, 0-9 and -, beginning with a letter or digit")
        }
        var suspended: Bool?
        var policy: Declaration.DeclaredPolicy?
        if !isNull {
            for (field, value) in try members(known: ["suspended", "policy"]) {
                if field == "policy" {
                    policy = try value.policy()
                } else {
                    guard let flag = value.bool else {
                        throw DeclarationFailure(value.nameplace, "suspended must be true or false")
                    }
                    suspended = flag
                }
            }
        }
        return Declaration.DeclaredTenant(name: name, place: nameplace, suspended: suspended, policy: policy)
    }

    /// Limits under the names that the API has for them.
    fileprivate func policy() throws(DeclarationFailure) -> Declaration.DeclaredPolicy {
        var places: [String: Declaration.Place] = [:]
        let names = PolicyChange.CodingKeys.allCases.map(\.rawValue)
        for (name, value) in try members(known: names) {
            places[name] = value.nameplace
            guard name == "subject" || name == "runtime_seconds", !value.isNull else { continue }
            let known =
                name == "subject" ? SubjectLimitsChange.CodingKeys.allCases.map(\.rawValue) : Self.windows
            for (inner, value) in try value.members(known: known) {
                places["\(name).\(inner)"] = value.nameplace
                guard inner == "runtime_seconds", !value.isNull else { continue }
                for (window, value) in try value.members(known: Self.windows) {
                    places["\(name).\(inner).\(window)"] = value.nameplace
                }
            }
        }
        let place = { (path: [any CodingKey]) in
            places[path.map(\.stringValue).joined(separator: ".")] ?? nameplace
        }
        do {
            let change = try JSONDecoder().decode(PolicyChange.self, from: Data(try json().utf8))
            return Declaration.DeclaredPolicy(change: change, place: nameplace, places: places)
        } catch let failure as DeclarationFailure {
            throw failure
        } catch let failure as PolicyFailure {
            throw DeclarationFailure(places[failure.field] ?? nameplace, "\(failure)")
        } catch DecodingError.typeMismatch(let type, let context) {
            throw DeclarationFailure(
                place(context.codingPath), "\(Self.name(context)) must be \(Self.words(for: type))")
        } catch DecodingError.valueNotFound(let type, let context) {
            throw DeclarationFailure(
                place(context.codingPath), "\(Self.name(context)) must be \(Self.words(for: type)), not null")
        } catch DecodingError.dataCorrupted(let context) {
            // A number that is none of the kind is told of without its path.
            let culprit = context.codingPath.isEmpty ? try unreadableLimit() : nil
            throw DeclarationFailure(
                culprit?.value.nameplace ?? place(context.codingPath),
                "\(culprit?.name ?? Self.name(context)) is out of range, or no whole number")
        } catch {
            throw DeclarationFailure(nameplace, "the policy cannot be read: \(error)")
        }
    }

    /// The first member that cannot be read by itself.
    private func unreadableLimit() throws(DeclarationFailure) -> (name: String, value: DeclaredNode)? {
        for (name, value) in try members(known: nil) {
            let alone = Data("{\(Self.quoted(name)):\(try value.json())}".utf8)
            if (try? JSONDecoder().decode(PolicyChange.self, from: alone)) == nil { return (name, value) }
        }
        return nil
    }

    private static let windows = ["hour", "day", "month"]

    private static func name(_ context: DecodingError.Context) -> String {
        let name = context.codingPath.filter { $0.intValue == nil }.map(\.stringValue).joined(separator: ".")
        return name.isEmpty ? "the policy" : name
    }

    private static func words(for type: any Any.Type) -> String {
        switch type {
        case is String.Type: "a text, such as 10/s of a rate"
        case is Bool.Type: "true or false"
        case is Int.Type: "a whole number"
        case is Double.Type: "a number"
        default: "\(type)".hasPrefix("Array") ? "a list" : "a mapping"
        }
    }
}
