/// A public key as text: PEM, which `openssl pkey -pubin` reads, or plain hex.
extension VerifyingKey {
    private static let header = "-----BEGIN PUBLIC KEY-----"
    private static let footer = "-----END PUBLIC KEY-----"

    /// What stands before an Ed25519 key in a DER SubjectPublicKeyInfo (RFC 8410, section 4).
    private static let subjectPublicKeyInfo: [UInt8] = [
        0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0,
    ]

    /// The key as a PEM SubjectPublicKeyInfo: three lines.
    public var pem: String {
        "\(Self.header)\n\(Base64.text(Self.subjectPublicKeyInfo + bytes))\n\(Self.footer)\n"
    }

    /// Reads a PEM SubjectPublicKeyInfo or 64 hex digits of either case, with white space around; nil for all else,
    /// private keys and keys of other algorithms among it.
    public init?(_ text: String) {
        let lines = text.split(whereSeparator: \.isWhitespace)
        if lines.count == 1, lines[0].utf8.count == 64 {
            guard let bytes = Hex.bytes(lines[0].lowercased()) else { return nil }
            self.init(bytes: bytes)
        } else {
            let text = lines.joined(separator: " ")
            guard text.hasPrefix(Self.header), text.hasSuffix(Self.footer) else { return nil }
            let base64 = text.dropFirst(Self.header.count).dropLast(Self.footer.count).filter { $0 != " " }
            guard let der = Base64.bytes(Array(base64.utf8)[...]), der.starts(with: Self.subjectPublicKeyInfo) else {
                return nil
            }
            self.init(bytes: Array(der.dropFirst(Self.subjectPublicKeyInfo.count)))
        }
    }
}
