import Foundation

/// `openssl s_server -www`: answers every HTTPS request with a status page, on a free loopback port.
public final class TLSServer: Sendable {
    /// `https://127.0.0.1:PORT`.
    public let url: String
    private let identifier: Int32

    /// Starts it and waits until it says on which port it listens.
    public static func start(_ certificates: TestCertificates) async throws -> TLSServer {
        try await blocking { try TLSServer(certificates) }
    }

    private init(_ certificates: TestCertificates) throws {
        let process = Process()
        let output = Pipe()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/openssl")
        process.arguments =
            ["s_server", "-accept", "127.0.0.1:0", "-cert", certificates.certificate, "-key", certificates.key]
            + ["-www", "-naccept", "20"]
        process.standardOutput = output
        process.standardError = FileHandle.nullDevice
        try process.run()
        identifier = process.processIdentifier
        var seen = ""
        while true {
            guard let more = try output.fileHandleForReading.read(upToCount: 4096) else {
                throw DidNotStart(output: seen)
            }
            seen += String(decoding: more, as: UTF8.self)
            if let port = seen.firstMatch(of: /ACCEPT 127\.0\.0\.1:(\d+)\n/)?.1 {
                url = "https://127.0.0.1:\(port)"
                return
            }
        }
    }

    deinit {
        kill(identifier, SIGKILL)
    }

    struct DidNotStart: Error {
        let output: String
    }
}
