/// The text that a signature is made over: every covered component with its value, then the signature's own parameters
/// (RFC 9421, section 2.5).
struct SignatureBase {
    /// What is covered, as strings without parameters, and the signature's parameters.
    let covered: StructuredField.InnerList

    /// The bytes to be tagged, or the name of a component that the request does not have.
    func bytes(for request: SignableRequest) -> Result<[UInt8], Missing> {
        var base: [UInt8] = []
        for item in covered.items {
            guard case .string(let name) = item.value, let value = request.value(of: name) else {
                return .failure(Missing(component: item.text))
            }
            base += "\(item.text): ".utf8
            base += value.utf8
            base.append(UInt8(ascii: "\n"))
        }
        base += "\"@signature-params\": ".utf8
        base += covered.text.utf8
        return .success(base)
    }

    /// A component that is covered and not there.
    struct Missing: Error {
        let component: String
    }

    /// Components that need no field.
    static let derived: Set = [
        "@method", "@authority", "@scheme", "@path", "@query", "@request-target", "@target-uri",
    ]
}
