extension MessageSignature {
    /// Reads the one signature of a request that is ours, under whatever label. Signatures whose `keyid` does not begin as
    /// our tokens do, such as those a proxy adds, are passed over.
    ///
    /// - Throws: ``SignatureFailure/malformed(_:)``, ``SignatureFailure/notCovered(_:)``,
    ///   ``SignatureFailure/wrongAlgorithm``, ``SignatureFailure/token(_:)``.
    public init(parsing request: SignableRequest) throws(SignatureFailure) {
        let (label, covered, keyID) = try Self.ours(in: try Self.dictionary("signature-input", of: request))
        guard case .item(let item)? = try Self.dictionary("signature", of: request)[label],
            case .bytes(let signature) = item.value
        else { throw .malformed("signature has no byte sequence under the label that signature-input gives") }

        let parameters = try SignatureParameters(covered.parameters)
        let components = try Self.components(covered.items)
        try Self.checkCoverage(components)
        let head: TokenHead
        do throws(TokenFailure) {
            head = try TokenHead.parse(keyID, trailing: 0).head
        } catch {
            throw .token(error)
        }
        self.init(
            head: head, base: SignatureBase(covered: covered), signature: signature, nonce: parameters.nonce,
            created: parameters.created, expires: parameters.expires,
            hasContentDigest: components.contains(ContentDigest.fieldName)
        )
    }

    private static func dictionary(
        _ name: String, of request: SignableRequest
    ) throws(SignatureFailure) -> StructuredField.Dictionary {
        guard let field = request.field(name) else { throw .malformed("\(name) is missing") }
        do throws(StructuredFieldFailure) {
            return try StructuredFieldParser.dictionary(field)
        } catch {
            throw .malformed("\(name): \(error.reason)")
        }
    }

    /// The one signature whose key is a token.
    private static func ours(
        in inputs: StructuredField.Dictionary
    ) throws(SignatureFailure) -> (label: String, covered: StructuredField.InnerList, keyID: String) {
        var found: (label: String, covered: StructuredField.InnerList, keyID: String)?
        for entry in inputs.entries {
            guard case .innerList(let covered) = entry.member else {
                throw .malformed("signature-input has a member that is no list of components")
            }
            guard case .string(let keyID)? = covered.parameters["keyid"], keyID.hasPrefix(Token.prefix) else {
                continue
            }
            guard found == nil else { throw .malformed("more than one signature is made with a token") }
            found = (entry.key, covered, keyID)
        }
        guard let found else { throw .malformed("no signature has a keyid that begins with \(Token.prefix)") }
        return found
    }

    /// The names of what is covered: plain strings, each once, fields in lowercase.
    private static func components(_ items: [StructuredField.Item]) throws(SignatureFailure) -> Set<String> {
        var names: Set<String> = []
        for item in items {
            guard case .string(let name) = item.value else { throw .malformed("a component is no string") }
            guard item.parameters.list.isEmpty else { throw .malformed("components with parameters are not supported") }
            guard SignatureBase.derived.contains(name) || isFieldName(name) else {
                throw .malformed("a component is neither a field in lowercase nor a known derived one")
            }
            guard names.insert(name).inserted else { throw .malformed("a component is covered twice") }
        }
        return names
    }

    private static func isFieldName(_ name: String) -> Bool {
        let lowercase = UInt8(ascii: "a")...UInt8(ascii: "z")
        let digits = UInt8(ascii: "0")...UInt8(ascii: "9")
        return (1...128).contains(name.utf8.count)
            && name.utf8.allSatisfy {
                lowercase.contains($0) || digits.contains($0) || "!#$%&'*+-.^_`|~".utf8.contains($0)
            }
    }

    /// What a signature must at least cover for the request to be the one that was signed. Of the body nothing is known
    /// yet: see ``checkBody(_:of:)``.
    private static func checkCoverage(_ names: Set<String>) throws(SignatureFailure) {
        guard names.contains("@method") else { throw .notCovered("@method") }
        guard !names.contains("@target-uri") else { return }
        for name in ["@authority", "@path", "@query"] where !names.contains(name) { throw .notCovered(name) }
    }
}

/// The parameters of a signature. One that means nothing here is refused, since it may restrict anything.
private struct SignatureParameters {
    let created: Int64
    let expires: Int64?
    let nonce: String

    init(_ parameters: StructuredField.Parameters) throws(SignatureFailure) {
        for parameter in parameters.list {
            switch (parameter.name, parameter.value) {
            case ("created", .integer), ("expires", .integer), ("nonce", .string), ("keyid", .string), ("tag", .string):
                continue
            case ("alg", .string(let algorithm)):
                guard algorithm == "hmac-sha256" else { throw .wrongAlgorithm }
            default: throw .malformed("a signature parameter is unknown or of the wrong type")
            }
        }
        guard case .integer(let created)? = parameters["created"] else { throw .notCovered("created") }
        guard case .string(let nonce)? = parameters["nonce"] else { throw .notCovered("nonce") }
        guard (1...MessageSignature.maximumNonceLength).contains(nonce.utf8.count) else {
            throw .malformed("a nonce has 1 to \(MessageSignature.maximumNonceLength) characters")
        }
        self.created = created
        self.nonce = nonce
        expires = if case .integer(let expires)? = parameters["expires"] { expires } else { nil }
    }
}
