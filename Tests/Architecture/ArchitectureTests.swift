import Foundation
import Testing

/// Holds the arrows of the design to the `import` lines: who may know whom.
@Suite struct ArchitectureTests {
    /// Each module of the house, and which of the house's modules it may import.
    static let house: [String: Set<String>] = [
        "CurlTransport": ["CLibcurl"],
        "Auth": ["COpenSSL"],
        "Quota": [],
        "E2BUpstream": ["CurlTransport"],
        "Ledger": ["Auth", "Quota", "CLibpq"],
        "Gateway": ["CurlTransport", "Auth", "Quota", "E2BUpstream", "Ledger"],
        "LocalE2B": [],
        "Printing": [],
        "GatewayCommand": [
            "CurlTransport", "Auth", "Quota", "E2BUpstream", "Ledger", "Gateway", "LocalE2B", "Printing",
        ],
    ]

    /// Libraries that only these modules may import.
    static let reserved: [String: Set<String>] = [
        "Hummingbird": ["Gateway", "LocalE2B"],
        "HummingbirdCore": ["Gateway", "LocalE2B"],
        "HummingbirdTLS": ["Gateway", "LocalE2B"],
        "HummingbirdHTTP2": ["Gateway", "LocalE2B"],
        "NIOSSL": ["Gateway", "LocalE2B"],
        "X509": ["LocalE2B"],
        "CoreMetrics": ["Gateway"],
        "GRDB": ["Ledger"],
        "CLibpq": ["Ledger"],
        "CLibcurl": ["CurlTransport"],
        "COpenSSL": ["Auth"],
        "Crypto": ["LocalE2B"],
        "ArgumentParser": ["GatewayCommand"],
    ]

    @Test(arguments: house.keys.sorted())
    func importsOnlyWhatTheDesignAllows(module: String) throws {
        let names = Set(Self.house.keys).union(["CLibcurl", "COpenSSL", "CLibpq"])
        for (file, imported) in try Self.imports(of: module) {
            if names.contains(imported) {
                #expect(Self.house[module]?.contains(imported) == true, "\(file) imports \(imported)")
            }
            if let allowed = Self.reserved[imported] {
                #expect(allowed.contains(module), "\(file) imports \(imported)")
            }
        }
    }

    @Test func everyFolderOfSourcesIsKnown() throws {
        let folders = try FileManager.default.contentsOfDirectory(atPath: Self.sources.path)
        #expect(Set(folders) == Set(Self.house.keys).union(["CLibcurl", "COpenSSL", "CLibpq"]))
    }

    /// Where memory is handled by hand, and nowhere else.
    @Test func unsafeSwiftStaysWhereItIs() throws {
        let allowed = [
            "CurlTransport/", "Auth/OpenSSL.swift", "Auth/OpenSSL+ed25519.swift", "Auth/OpenSSL+sha256.swift",
            "Ledger/SQL/PostgreSQL/Libpq/", "LocalE2B/Isolation/", "Gateway/Authentication/PeerUser.swift",
        ]
        for path in try FileManager.default.subpathsOfDirectory(atPath: Self.sources.path)
        where path.hasSuffix(".swift") && !allowed.contains(where: path.hasPrefix) {
            let text = try String(contentsOf: Self.sources.appendingPathComponent(path), encoding: .utf8)
            #expect(text.firstMatch(of: /[Uu]nsafe|OpaquePointer|\[CChar\]/) == nil, "\(path)")
        }
    }

    /// A pointer that C keeps must not outlive the call that lent it: no array goes to C by `&` where its memory is kept.
    @Test func theUsersNameIsReadWhileItsTextIsHeld() throws {
        let file = Self.sources.appendingPathComponent("Gateway/Authentication/PeerUser.swift")
        let text = try String(contentsOf: file, encoding: .utf8)
        #expect(text.contains("getpwuid_r") && text.firstMatch(of: /getpwuid_r\([^)]*&text/) == nil)
    }

    /// A purely computed module may not reach for a clock, a file or the network.
    @Test func quotaImportsNothing() throws {
        #expect(try Self.imports(of: "Quota").isEmpty)
    }

    // MARK: Reading

    private static let sources = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        .appendingPathComponent("Sources")

    private static func imports(of module: String) throws -> [(file: String, module: String)] {
        let folder = sources.appendingPathComponent(module)
        let paths = try FileManager.default.subpathsOfDirectory(atPath: folder.path).filter { $0.hasSuffix(".swift") }
        #expect(!paths.isEmpty, "\(module) has no files")
        return try paths.flatMap { path in
            try String(contentsOf: folder.appendingPathComponent(path), encoding: .utf8)
                .split(separator: "\n")
                .compactMap { line in
                    // The expression alone would take seconds.
                    guard line.contains("import ") else { return nil }
                    return line.wholeMatch(
                        of: /(?:@\w+ )*(?:(?:public|package|internal|private) )?import (?:struct |func |enum )?(\w+).*/
                    )
                    .map { (file: "\(module)/\(path)", module: String($0.1)) }
                }
        }
    }
}
