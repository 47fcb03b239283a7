/// The `Content-Digest` field (RFC 9530): SHA-256 is made, SHA-256 and SHA-512 are accepted, others are passed over.
enum ContentDigest {
    static let fieldName = "content-digest"

    /// The field's value for a body.
    static func value(for body: [UInt8]) -> String {
        "sha-256=" + StructuredField.BareItem.bytes(Digest.sha256(body)).text
    }

    /// Holds a body against the field: every digest in it that we know must be right, and there must be one.
    ///
    /// - Throws: ``SignatureFailure/malformed(_:)``, ``SignatureFailure/digestMissing``,
    ///   ``SignatureFailure/digestMismatch``.
    static func check(_ body: [UInt8], against field: String) throws(SignatureFailure) {
        let digests: StructuredField.Dictionary
        do throws(StructuredFieldFailure) {
            digests = try StructuredFieldParser.dictionary(field)
        } catch {
            throw .malformed("\(fieldName): \(error.reason)")
        }
        let known: [(name: String, digest: ([UInt8]) -> [UInt8])] = [
            ("sha-256", Digest.sha256), ("sha-512", Digest.sha512),
        ]
        var isHeld = false
        for (name, digest) in known {
            guard let member = digests[name] else { continue }
            guard case .item(let item) = member, case .bytes(let expected) = item.value else {
                throw .malformed("\(fieldName): \(name) is no byte sequence")
            }
            guard Digest.constantTimeEquals(digest(body), expected) else { throw .digestMismatch }
            isHeld = true
        }
        guard isHeld else { throw .digestMissing }
    }
}
