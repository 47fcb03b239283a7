import Quota

/// What there is, as a declaration that changes nothing of it: a file to begin with.
public enum DeclarationText {
    /// All limits are written out, also those that are as new tenants get them; what is not limited is `null`.
    ///
    /// - Parameter defaultPolicy: what new tenants get; nil leaves it out.
    public static func of(
        _ tenants: [(tenant: TenantView, policy: PolicyView)], defaultPolicy: PolicyView?
    ) -> String {
        var lines: [String] = []
        if let defaultPolicy {
            lines.append("default_policy:")
            lines += Self.lines(of: defaultPolicy, indentation: 2)
        }
        lines.append(tenants.isEmpty ? "tenants: {}" : "tenants:")
        for (tenant, policy) in tenants {
            lines += ["  \(tenant.name):", "    suspended: \(tenant.disabled)", "    policy:"]
            lines += Self.lines(of: policy, indentation: 6)
        }
        return lines.joined(separator: "\n") + "\n"
    }

    private static func lines(of policy: PolicyView, indentation: Int) -> [String] {
        var lines = PolicyFields.of(policy)
        if policy.subject == nil {
            lines.removeAll { $0.name.hasPrefix("subject.") }
            lines.append(("subject", nil))
        } else if policy.subject?.rate == nil {
            // A burst needs a rate.
            lines.removeAll { $0.name == "subject.burst" }
        }
        return nested(lines.map { ($0.name.split(separator: ".").map(String.init)[...], $0.text ?? "null") })
            .map { String(repeating: " ", count: indentation) + $0 }
    }

    /// Fields with the same first name become one mapping.
    private static func nested(_ fields: [(path: ArraySlice<String>, text: String)]) -> [String] {
        var lines: [String] = []
        var rest = fields[...]
        while let field = rest.first, let name = field.path.first {
            guard field.path.count > 1 else {
                lines.append("\(name): \(field.text)")
                rest = rest.dropFirst()
                continue
            }
            let members = rest.prefix { $0.path.first == name }
            rest = rest.dropFirst(members.count)
            lines.append("\(name):")
            lines += nested(members.map { ($0.path.dropFirst(), $0.text) }).map { "  " + $0 }
        }
        return lines
    }
}
