import Foundation
import NIOSSL

/// A certificate and its private key as two PEM files.
public struct TLSFiles: Sendable, Hashable {
    /// `GATEWAY_TLS_CERT`: the server's certificate, then those of its issuers.
    public var certificate: String
    /// `GATEWAY_TLS_KEY`: the private key of the first of them.
    public var key: String

    /// Names the files; nothing is read yet.
    public init(certificate: String, key: String) {
        self.certificate = certificate
        self.key = key
    }

    /// Reads both and sees to it that they belong together.
    ///
    /// - Throws: a failure that names the setting and the file, and nothing of what the key's file holds.
    func load() throws(SettingFailure) -> TLSIdentity {
        let chain = try certificates()
        let identity = TLSIdentity(chain: chain, key: try privateKey())
        do {
            _ = try NIOSSLContext(configuration: .serving(identity.chain, identity.key))
        } catch {
            throw SettingFailure(
                "GATEWAY_TLS_KEY: \(key) does not hold the key of the first certificate in \(certificate) (GATEWAY_TLS_CERT)"
            )
        }
        return identity
    }

    /// Throws what ``load()`` would.
    public func check() throws(SettingFailure) {
        _ = try load()
    }

    private func certificates() throws(SettingFailure) -> [NIOSSLCertificate] {
        let bytes = try Self.contents(of: certificate, for: .tlsCertificate)
        let chain = try? NIOSSLCertificate.fromPEMBytes(bytes)
        guard let chain, !chain.isEmpty else {
            throw SettingFailure("GATEWAY_TLS_CERT: \(certificate) does not hold certificates in PEM")
        }
        return chain
    }

    private func privateKey() throws(SettingFailure) -> NIOSSLPrivateKey {
        let bytes = try Self.contents(of: key, for: .tlsKey)
        guard let privateKey = try? NIOSSLPrivateKey(bytes: bytes, format: .pem) else {
            throw SettingFailure(
                "GATEWAY_TLS_KEY: \(key) does not hold a private key in PEM that can be read without a passphrase")
        }
        // The group may: services are given a key by it.
        if let status = FileStatus(of: key), status.permissions & 0o007 != 0 {
            throw SettingFailure("GATEWAY_TLS_KEY: others may read the private key at \(key); run: chmod o= \(key)")
        }
        return privateKey
    }

    private static func contents(of path: String, for setting: SettingName) throws(SettingFailure) -> [UInt8] {
        do {
            return [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))
        } catch {
            throw SettingFailure("\(setting.rawValue): \(path) cannot be read: \(error.localizedDescription)")
        }
    }

    /// What of both files changes whenever they do, without reading them.
    var stamps: [FileStatus?] { [FileStatus(of: certificate), FileStatus(of: key)] }
}
