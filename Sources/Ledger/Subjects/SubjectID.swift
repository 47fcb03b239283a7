/// A subject under its tenant. Calls without one share the nameless subject.
struct SubjectID: Hashable, Sendable {
    let tenant: String
    /// As it was recorded; empty for the nameless.
    let name: String

    init(of tenant: String, _ subject: String?) {
        self.tenant = tenant
        name = subject ?? ""
    }
}
