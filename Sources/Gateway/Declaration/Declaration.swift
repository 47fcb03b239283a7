import Quota

/// What tenants there are to be, and with what limits, as files say it. What they do not name stays as it is.
public struct Declaration: Sendable {
    /// Where something is said.
    public struct Place: Sendable, Hashable, CustomStringConvertible {
        let path: String
        let line: Int

        /// As compilers write it.
        public var description: String { "\(path):\(line)" }
    }

    /// Limits to be set, and where each is said.
    struct DeclaredPolicy: Sendable {
        let change: PolicyChange
        let place: Place
        /// By the field's name, of fields within others with a dot between.
        let places: [String: Place]

        /// The limits that come of these.
        ///
        /// - Throws: what is wrong with them, and where.
        func applied(to policy: Policy) throws(DeclarationFailure) -> Policy {
            do {
                return try change.applied(to: policy).validated()
            } catch {
                throw DeclarationFailure(place(of: error.field), "\(error)")
            }
        }

        /// Where a field is said, or else what it is within.
        func place(of field: String) -> Place {
            // Limits are judged in milliseconds, and declared in seconds.
            var name = field.replacing("_ms", with: "_seconds").split(separator: " ").last.map(String.init) ?? field
            // A rate's burst has a name of its own.
            if let place = places[name.replacing("rate.burst", with: "burst")] { return place }
            while !name.isEmpty {
                if let place = places[name] { return place }
                name = name.lastIndex(of: ".").map { String(name[..<$0]) } ?? ""
            }
            return place
        }
    }

    /// A tenant that is to be there.
    struct DeclaredTenant: Sendable {
        let name: String
        let place: Place
        /// Whether it is to be shut out; nil where that stays as it is.
        let suspended: Bool?
        let policy: DeclaredPolicy?
    }

    /// What new tenants are to get.
    private(set) var defaultPolicy: DeclaredPolicy?
    /// By name.
    private(set) var tenants: [DeclaredTenant] = []

    /// Whether any tenant is named.
    public var namesTenants: Bool { !tenants.isEmpty }

    /// What all files say together.
    ///
    /// - Parameter files: what is in them, and what they are called in messages.
    /// - Throws: the first mistake that was found, with its place.
    public init(of files: [(path: String, text: String)]) throws(DeclarationFailure) {
        for file in files { try add(try DeclarationFile.read(file.text, path: file.path)) }
        tenants.sort { $0.name < $1.name }
    }

    private mutating func add(_ file: DeclarationFile) throws(DeclarationFailure) {
        if let policy = file.defaultPolicy {
            if let defaultPolicy {
                throw DeclarationFailure(policy.place, "default_policy stands in \(defaultPolicy.place), too")
            }
            defaultPolicy = policy
        }
        for tenant in file.tenants {
            if let other = tenants.first(where: { $0.name == tenant.name }) {
                throw DeclarationFailure(tenant.place, "the tenant \(tenant.name) stands in \(other.place), too")
            }
            tenants.append(tenant)
        }
    }
}

/// What is wrong with a declaration, and where. It never repeats what may be a secret.
public struct DeclarationFailure: Error, CustomStringConvertible, Equatable {
    /// `file:line: what is wrong`.
    public let description: String

    init(_ place: Declaration.Place, _ problem: String) {
        description = "\(place): \(problem)"
    }
}
