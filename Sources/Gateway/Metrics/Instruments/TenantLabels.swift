import Synchronization

/// Which tenants metrics name: so many as are allowed, in the order in which they first call; all that come later are one.
///
/// A tenant that is named stays so until the process ends, since a series that came and went would tell nothing.
final class TenantLabels: Sendable {
    private let limit: Int
    private let named = Mutex<Set<String>>([])

    /// - Parameter limit: how many are named; 0 names none.
    init(limit: Int) { self.limit = limit }

    /// What a tenant is called; nil where none is.
    func label(of tenant: String) -> String? {
        guard limit > 0 else { return nil }
        return named.withLock { named in
            if named.contains(tenant) { return tenant }
            guard named.count < limit else { return MetricDescription.other }
            named.insert(tenant)
            return tenant
        }
    }
}
