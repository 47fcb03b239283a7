import Quota

/// A subject under its tenant. Calls without one share the nameless subject.
struct SubjectID: Hashable, Sendable {
    let tenant: String
    let subject: SubjectName

    /// As it was recorded; empty for the nameless.
    var name: String { subject.text }

    init(of tenant: String, _ subject: String?) {
        self.init(of: tenant, SubjectName(subject))
    }

    init(of tenant: String, _ subject: SubjectName) {
        self.tenant = tenant
        self.subject = subject
    }
}
