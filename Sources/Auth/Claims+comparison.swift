extension Claims {
    /// Whether everything that `other` allows is allowed here as well, whatever their keys are.
    ///
    /// Said of networks only where it is plain: each of these lists must be one of the other's.
    public func areAsWide(as other: Claims) -> Bool {
        scopes.isSuperset(of: other.scopes)
            && subjects(contain: other.subject)
            && Self.limit(maximumTimeout, isAsWideAs: other.maximumTimeout)
            && Self.limit(notAfter, isAsWideAs: other.notAfter)
            && Self.names(templates, areAsWideAs: other.templates)
            && Self.names(languages, areAsWideAs: other.languages)
            && sourceNetworks.allSatisfy { list in other.sourceNetworks.contains { Set($0) == Set(list) } }
            && (!isSignedOnly || other.isSignedOnly)
    }

    /// Whether these claims reach what was made on behalf of a subject: that subject's own do, and those bound to none.
    public func subjects(contain name: String?) -> Bool {
        guard let subject else { return true }
        // Byte by byte, as subjects are told apart everywhere.
        return name.map { subject.utf8.elementsEqual($0.utf8) } ?? false
    }

    private static func limit(_ own: Int64?, isAsWideAs other: Int64?) -> Bool {
        guard let own else { return true }
        return other.map { own >= $0 } ?? false
    }

    private static func names(_ own: Set<String>?, areAsWideAs other: Set<String>?) -> Bool {
        guard let own else { return true }
        return other.map(own.isSuperset(of:)) ?? false
    }
}
