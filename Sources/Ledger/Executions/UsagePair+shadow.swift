import Quota

extension UsagePair {
    /// What a shadow policy would have done with a demand, had it been in force, in the audit log's words; nil for nothing,
    /// and for a policy that is in force.
    func shadowed(_ demand: Demand, under policy: Policy, at now: Moment) -> String? {
        guard policy.shadow else { return nil }
        do throws(Denial) {
            return try judge(demand, under: policy, at: now) < demand.timeoutMilliseconds ? "shadow_lowered" : nil
        } catch {
            return error.shadowName
        }
    }
}

extension Denial {
    /// The word for a refusal that a shadow policy did not make.
    var shadowName: String { "shadow_\(limitName)" }
}
