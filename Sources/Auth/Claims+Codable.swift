/// Claims as the ledger keeps them with what they made. They were proven when they were written; reading them proves nothing.
extension Claims: Codable {
    enum CodingKeys: String, CodingKey {
        case scopes, subject, templates, languages
        case keyID = "key_id"
        case maximumTimeout = "maximum_timeout_ms"
        case sourceNetworks = "source_networks"
        case isSignedOnly = "signed_only"
        case notAfter = "not_after"
    }

    /// Reads what ``encode(to:)`` wrote. What cannot be read is refused: a restriction that is lost would widen.
    public init(from decoder: any Decoder) throws {
        let fields = try decoder.container(keyedBy: CodingKeys.self)
        let keyText = try fields.decode(String.self, forKey: .keyID)
        guard let keyID = KeyID(keyText) else {
            throw DecodingError.dataCorruptedError(forKey: .keyID, in: fields, debugDescription: "not a key id")
        }
        let networks = try fields.decode([[String]].self, forKey: .sourceNetworks).map { list in
            try list.map { text in
                guard let network = SourceNetwork(text) else {
                    throw DecodingError.dataCorruptedError(
                        forKey: .sourceNetworks, in: fields, debugDescription: "not a network")
                }
                return network
            }
        }
        self.init(
            keyID: keyID, scopes: try fields.decode(Set<Scope>.self, forKey: .scopes),
            subject: try fields.decodeIfPresent(String.self, forKey: .subject),
            maximumTimeout: try fields.decodeIfPresent(Int64.self, forKey: .maximumTimeout),
            templates: try fields.decodeIfPresent(Set<String>.self, forKey: .templates),
            languages: try fields.decodeIfPresent(Set<String>.self, forKey: .languages),
            sourceNetworks: networks, isSignedOnly: try fields.decode(Bool.self, forKey: .isSignedOnly),
            notAfter: try fields.decodeIfPresent(Int64.self, forKey: .notAfter)
        )
    }

    /// Writes every restriction.
    public func encode(to encoder: any Encoder) throws {
        var fields = encoder.container(keyedBy: CodingKeys.self)
        try fields.encode("\(keyID)", forKey: .keyID)
        try fields.encode(scopes.sorted { $0.rawValue < $1.rawValue }, forKey: .scopes)
        try fields.encodeIfPresent(subject, forKey: .subject)
        try fields.encodeIfPresent(maximumTimeout, forKey: .maximumTimeout)
        try fields.encodeIfPresent(templates?.sorted(), forKey: .templates)
        try fields.encodeIfPresent(languages?.sorted(), forKey: .languages)
        try fields.encode(sourceNetworks.map { $0.map(\.description) }, forKey: .sourceNetworks)
        try fields.encode(isSignedOnly, forKey: .isSignedOnly)
        try fields.encodeIfPresent(notAfter, forKey: .notAfter)
    }
}
