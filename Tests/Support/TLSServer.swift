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
            let more = Self.readSome(output.fileHandleForReading.fileDescriptor)
            guard !more.isEmpty else {
                throw DidNotStart(output: seen)
            }
            seen += String(decoding: more, as: UTF8.self)
            if let port = seen.firstMatch(of: /ACCEPT 127\.0\.0\.1:(\d+)\n/)?.1 {
                url = "https://127.0.0.1:\(port)"
                return
            }
        }
    }

    /// What has been written so far, at least a byte; empty at the end. `FileHandle` either waits for more or traps
    /// when a signal comes in between.
    private static func readSome(_ descriptor: Int32) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: 4096)
        while true {
            let count = read(descriptor, &bytes, bytes.count)
            if count >= 0 { return Array(bytes.prefix(count)) }
            guard errno == EINTR else { return [] }
        }
    }

    deinit {
        kill(identifier, SIGKILL)
    }

    struct DidNotStart: Error {
        let output: String
    }
}
