import NIOCore
import NIOSSL

/// Who the gateway says it is: a certificate with its issuers, and its private key.
struct TLSIdentity: Sendable {
    let chain: [NIOSSLCertificate]
    let key: NIOSSLPrivateKey

    /// When the first certificate ends, in seconds since 1970.
    var notValidAfter: Int { chain.first.map { Int($0.notValidAfter) } ?? 0 }

    /// What one handshake uses.
    var handshake: NIOSSLContextConfigurationOverride {
        var handshake = NIOSSLContextConfigurationOverride()
        handshake.certificateChain = chain.map { .certificate($0) }
        handshake.privateKey = .privateKey(key)
        return handshake
    }
}

extension TLSConfiguration {
    /// TLS 1.2 and 1.3 with NIOSSL's choice of ciphers.
    static func serving(_ chain: [NIOSSLCertificate], _ key: NIOSSLPrivateKey) -> TLSConfiguration {
        var configuration = TLSConfiguration.makeServerConfiguration(
            certificateChain: chain.map { .certificate($0) }, privateKey: .privateKey(key))
        configuration.minimumTLSVersion = .tlsv12
        return configuration
    }
}
