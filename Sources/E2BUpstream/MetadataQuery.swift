/// The labels of a list request, escaped three deep as E2B's server unescapes them: each part by itself, the parts as
/// a form, the form as one query value.
enum MetadataQuery {
    /// `["a b": "c&d"]` becomes `a%252520b%3Dc%252526d`.
    static func encode(_ metadata: [String: String]) -> String {
        let form = metadata.sorted { $0.key < $1.key }.map { name, value in
            "\(percentEncoded(percentEncoded(name)))=\(percentEncoded(percentEncoded(value)))"
        }
        return percentEncoded(form.joined(separator: "&"))
    }

    /// RFC 3986: everything but the unreserved characters.
    static func percentEncoded(_ text: String) -> String {
        var encoded = ""
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
                UInt8(ascii: "~"):
                encoded.unicodeScalars.append(Unicode.Scalar(byte))
            default:
                let digits = String(byte, radix: 16, uppercase: true)
                encoded += byte < 16 ? "%0\(digits)" : "%\(digits)"
            }
        }
        return encoded
    }
}
