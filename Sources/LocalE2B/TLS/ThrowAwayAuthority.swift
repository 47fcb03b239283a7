import Crypto
import Foundation
import NIOSSL
import SwiftASN1
import X509

/// An authority for one run of the server, and the one certificate that it signs. Its key is forgotten as soon as that is
/// done, and the certificate's own key never leaves memory: whoever trusts the authority trusts nothing else.
struct ThrowAwayAuthority {
    /// The authority's certificate, in PEM, under a line that says what it is.
    let certificate: String
    /// What the server shows.
    let server: NIOSSLCertificate
    /// The key of what the server shows.
    let serverKey: NIOSSLPrivateKey

    /// The first line of what ``write(to:)`` writes, and the sign that it may be overwritten.
    static let sign = "# The throw-away authority of one run of e2b-gateway local-e2b."
    private static let lifetime: TimeInterval = 397 * 86_400

    /// For a domain, what stands one level below it, `localhost` and the loopback addresses.
    init(domain: String) throws {
        let key = Certificate.PrivateKey(P256.Signing.PrivateKey())
        let name = try DistinguishedName { CommonName("e2b-gateway local-e2b") }
        let identifier = SubjectKeyIdentifier(hash: key.publicKey)
        let authority = try Self.certificate(
            of: key.publicKey, named: name, issuedBy: name, with: key,
            try Certificate.Extensions {
                Critical(BasicConstraints.isCertificateAuthority(maxPathLength: 0))
                Critical(KeyUsage(keyCertSign: true))
                identifier
            }
        )
        certificate = "\(Self.sign)\n\(try authority.serializeAsPEM().pemString)\n"

        let leafKey = P256.Signing.PrivateKey()
        let leafPublicKey = Certificate.PrivateKey(leafKey).publicKey
        let leaf = try Self.certificate(
            of: leafPublicKey, named: try DistinguishedName { CommonName("localhost") }, issuedBy: name, with: key,
            try Certificate.Extensions {
                Critical(BasicConstraints.notCertificateAuthority)
                Critical(KeyUsage(digitalSignature: true))
                try ExtendedKeyUsage([.serverAuth])
                SubjectKeyIdentifier(hash: leafPublicKey)
                AuthorityKeyIdentifier(keyIdentifier: identifier.keyIdentifier)
                SubjectAlternativeNames([
                    .dnsName(domain), .dnsName("*.\(domain)"), .dnsName("localhost"),
                    .ipAddress(ASN1OctetString(contentBytes: [127, 0, 0, 1])),
                    .ipAddress(ASN1OctetString(contentBytes: [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1])),
                ])
            }
        )
        server = try NIOSSLCertificate(bytes: leaf.serializeAsPEM().derBytes, format: .der)
        serverKey = try NIOSSLPrivateKey(bytes: Array(leafKey.derRepresentation), format: .der)
    }

    private static func certificate(
        of key: Certificate.PublicKey, named subject: DistinguishedName, issuedBy issuer: DistinguishedName,
        with issuerKey: Certificate.PrivateKey, _ extensions: Certificate.Extensions
    ) throws -> Certificate {
        try Certificate(
            version: .v3, serialNumber: .init(), publicKey: key,
            notValidBefore: Date.now.addingTimeInterval(-86_400),  // clocks differ
            notValidAfter: Date.now.addingTimeInterval(lifetime),
            issuer: issuer, subject: subject, signatureAlgorithm: .ecdsaWithSHA256, extensions: extensions,
            issuerPrivateKey: issuerKey
        )
    }

    /// Writes the authority's certificate, for whoever is to trust it.
    /// - Throws: ``LocalE2BFailure`` also where a file is that this did not write.
    func write(to path: String) throws(LocalE2BFailure) {
        if let there = FileManager.default.contents(atPath: path), !there.starts(with: Self.sign.utf8) {
            throw .authorityFileFailed(path: path, detail: "another file is there")
        }
        do {
            try Data(certificate.utf8).write(to: URL(fileURLWithPath: path), options: .atomic)
        } catch {
            throw .authorityFileFailed(path: path, detail: error.localizedDescription)
        }
    }
}
