/// What a verified token allows: the intersection of its key's rights and all its caveats.
public struct Claims: Sendable, Hashable {
    /// The key the token was made from.
    public let keyID: KeyID
    /// What it may be used for; may be empty.
    public private(set) var scopes: Set<Scope>
    /// The end user on whose behalf it acts, if it is bound to one.
    public private(set) var subject: String?
    /// The longest execution it may ask for in milliseconds, if it says so.
    public private(set) var maximumTimeout: Int64?
    /// The templates it may use, if it says so; may be empty.
    public private(set) var templates: Set<String>?
    /// The languages its code may be in, if it says so; may be empty.
    public private(set) var languages: Set<String>?
    /// Where calls may come from: an address must be in one network of each list. See ``allows(source:)``.
    public private(set) var sourceNetworks: [[SourceNetwork]] = []
    /// Whether it counts in a signed request only. Whoever accepts it as a bearer token must look here.
    public private(set) var isSignedOnly = false
    /// Its last valid second (Unix time), if it expires.
    public private(set) var notAfter: Int64?

    init(
        keyID: KeyID, scopes: Set<Scope>, subject: String? = nil, maximumTimeout: Int64? = nil,
        templates: Set<String>? = nil, languages: Set<String>? = nil, sourceNetworks: [[SourceNetwork]] = [],
        isSignedOnly: Bool = false, notAfter: Int64? = nil
    ) {
        self.keyID = keyID
        self.scopes = scopes
        self.subject = subject
        self.maximumTimeout = maximumTimeout
        self.templates = templates
        self.languages = languages
        self.sourceNetworks = sourceNetworks
        self.isSignedOnly = isSignedOnly
        self.notAfter = notAfter
    }

    /// Applies one caveat. Each line can only take something away, so neither order nor repetition matters.
    mutating func narrow(by caveat: Caveat, at unixSeconds: Int64) throws(TokenFailure) {
        switch caveat {
        case .notAfter(let seconds):
            guard unixSeconds <= seconds else { throw .expired }
            notAfter = min(notAfter ?? seconds, seconds)
        case .notBefore(let seconds):
            guard unixSeconds >= seconds else { throw .notYetValid }
        case .scopes(let allowed):
            scopes.formIntersection(allowed)
        case .subject(let name):
            // Compared byte by byte: two spellings that Unicode calls equal are two users to everyone else.
            guard subject.map({ $0.utf8.elementsEqual(name.utf8) }) ?? true else { throw .conflictingCaveats }
            subject = name
        case .maximumTimeout(let milliseconds):
            maximumTimeout = min(maximumTimeout ?? milliseconds, milliseconds)
        case .templates(let names):
            templates = templates?.intersection(names) ?? Set(names)
        case .languages(let names):
            languages = languages?.intersection(names) ?? Set(names)
        case .sourceNetworks(let networks):
            sourceNetworks.append(networks)
        case .signedOnly:
            isSignedOnly = true
        }
    }

    /// Whether a call from this address may use the token.
    ///
    /// - Parameter source: IPv4 or IPv6 in text, without port, brackets or zone. What is no address is in no network.
    public func allows(source: String) -> Bool {
        guard !sourceNetworks.isEmpty else { return true }
        guard let address = IPAddress(source) else { return false }
        return sourceNetworks.allSatisfy { networks in networks.contains { $0.contains(address) } }
    }
}
