import Foundation

/// Two certificate authorities and a certificate for 127.0.0.1 signed by the first, made by the `openssl` command.
public struct TestCertificates: Sendable {
    /// The folder that holds them; remove it with ``remove()``.
    public let folder: String
    /// The authority that signed the server's certificate.
    public var authority: String { "\(folder)/authority.pem" }
    /// An authority that signed nothing.
    public var strangeAuthority: String { "\(folder)/stranger.pem" }
    /// The server's certificate, for 127.0.0.1.
    public var certificate: String { "\(folder)/server.pem" }
    /// Its private key.
    public var key: String { "\(folder)/server.key" }

    /// Makes them in a new temporary folder.
    public static func make() async throws -> TestCertificates {
        try await blocking { try TestCertificates() }
    }

    private init() throws {
        folder = NSTemporaryDirectory() + "certificates-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        let newKey = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"]
        for name in ["authority", "stranger"] {
            try Self.openssl(
                ["req", "-x509", "-subj", "/CN=\(name)", "-keyout", "\(folder)/\(name).key", "-out"]
                    + ["\(folder)/\(name).pem"] + newKey
            )
        }
        try Self.openssl(
            ["req", "-x509", "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1", "-CA", authority]
                + ["-CAkey", "\(folder)/authority.key", "-keyout", key, "-out", certificate] + newKey
        )
    }

    /// Deletes the folder.
    public func remove() {
        try? FileManager.default.removeItem(atPath: folder)
    }

    private static func openssl(_ arguments: [String]) throws {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/openssl")
        process.arguments = arguments
        process.standardError = FileHandle.nullDevice
        try process.run()
        process.waitUntilExit()
        guard process.terminationStatus == 0 else { throw OpenSSLFailed(arguments: arguments) }
    }

    struct OpenSSLFailed: Error {
        let arguments: [String]
    }
}
