// swift-tools-version:6.2
import PackageDescription

/// Strict everywhere: Swift 6 mode, explicit existentials and imports, no warning left behind.
let strict: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .treatAllWarnings(as: .error),
]

func module(
    _ name: String,
    dependencies: [Target.Dependency] = [],
    resources: [Resource] = []
) -> Target {
    .target(name: name, dependencies: dependencies, resources: resources, swiftSettings: strict)
}

func tests(of name: String, dependencies: [Target.Dependency], exclude: [String] = []) -> Target {
    .testTarget(
        name: "\(name)Tests",
        dependencies: dependencies,
        path: "Tests/\(name)",
        exclude: exclude,
        swiftSettings: strict
    )
}

let hummingbird = Target.Dependency.product(name: "Hummingbird", package: "hummingbird")
let nioCore = Target.Dependency.product(name: "NIOCore", package: "swift-nio")
let nioPosix = Target.Dependency.product(name: "NIOPosix", package: "swift-nio")
let hummingbirdHTTP2 = Target.Dependency.product(name: "HummingbirdHTTP2", package: "hummingbird")
let nioSSL = Target.Dependency.product(name: "NIOSSL", package: "swift-nio-ssl")
let nioTLS = Target.Dependency.product(name: "NIOTLS", package: "swift-nio")
let nioHTTP1 = Target.Dependency.product(name: "NIOHTTP1", package: "swift-nio")
let nioFoundation = Target.Dependency.product(name: "NIOFoundationCompat", package: "swift-nio")
let httpTypes = Target.Dependency.product(name: "HTTPTypes", package: "swift-http-types")
let logging = Target.Dependency.product(name: "Logging", package: "swift-log")
let metrics = Target.Dependency.product(name: "CoreMetrics", package: "swift-metrics")
let lifecycle = Target.Dependency.product(name: "ServiceLifecycle", package: "swift-service-lifecycle")

let package = Package(
    name: "e2b-gateway",
    platforms: [.macOS(.v15)],
    products: [.executable(name: "e2b-gateway", targets: ["GatewayCommand"])],
    dependencies: [
        .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.1", traits: []),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
        .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.37.2"),
        .package(url: "https://github.com/apple/swift-http-types", from: "1.8.0"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-metrics", from: "2.13.0"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
        .package(url: "https://github.com/apple/swift-async-algorithms", from: "1.1.4"),
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-crypto", from: "4.5.2"),
        .package(url: "https://github.com/apple/swift-certificates", from: "1.21.1"),
        .package(url: "https://github.com/apple/swift-asn1", from: "1.7.0"),
        .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
        .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
    ],
    targets: [
        .systemLibrary(name: "CLibcurl", pkgConfig: "libcurl", providers: [.apt(["libcurl4-openssl-dev"])]),
        .systemLibrary(name: "COpenSSL", pkgConfig: "openssl", providers: [.apt(["libssl-dev"])]),
        .systemLibrary(name: "CLibpq", pkgConfig: "libpq", providers: [.apt(["libpq-dev"])]),

        module("CurlTransport", dependencies: ["CLibcurl", nioCore, httpTypes, lifecycle]),
        module("Auth", dependencies: ["COpenSSL"]),
        module("Quota"),
        module("E2BUpstream", dependencies: ["CurlTransport", nioCore, nioFoundation, httpTypes]),
        module("Ledger", dependencies: [
            "CLibpq", "Auth", "Quota", logging, lifecycle, .product(name: "GRDB", package: "GRDB.swift"),
        ]),
        module("LocalE2B", dependencies: [
            hummingbird, hummingbirdHTTP2, nioSSL, nioCore, nioPosix, nioFoundation, httpTypes, logging, lifecycle,
            .product(name: "Crypto", package: "swift-crypto"),
            .product(name: "X509", package: "swift-certificates"),
            .product(name: "SwiftASN1", package: "swift-asn1"),
        ], resources: [.embedInCode("Resources")]),
        module("Gateway", dependencies: [
            "Auth", "Quota", "E2BUpstream", "Ledger", "CurlTransport",
            hummingbird, hummingbirdHTTP2, nioSSL, nioTLS, nioCore, nioPosix, nioFoundation, httpTypes, logging, metrics,
            lifecycle,
            .product(name: "AsyncAlgorithms", package: "swift-async-algorithms"),
            .product(name: "Yams", package: "Yams"),
        ], resources: [.embedInCode("Console/Resources")]),
        module("Printing"),
        .executableTarget(name: "GatewayCommand", dependencies: [
            "Gateway", "LocalE2B", "Printing", "CurlTransport", "Ledger", "Quota", "Auth",
            nioCore, nioFoundation, httpTypes, logging, lifecycle,
            .product(name: "UnixSignals", package: "swift-service-lifecycle"),
            .product(name: "ArgumentParser", package: "swift-argument-parser"),
        ], swiftSettings: strict),

        .executableTarget(
            name: "credentials-bench", dependencies: ["Auth"], path: "bench/credentials", swiftSettings: strict
        ),
        .executableTarget(
            name: "ledger-bench",
            dependencies: ["Ledger", "Auth", "Quota", .product(name: "GRDB", package: "GRDB.swift")],
            path: "bench/ledger", swiftSettings: strict
        ),
        .executableTarget(
            name: "simulated-upstream", dependencies: [nioCore, nioPosix, nioHTTP1, nioFoundation], path: "bench/upstream",
            swiftSettings: strict
        ),

        .target(
            name: "TestSupport",
            dependencies: ["CurlTransport", nioCore, nioPosix, httpTypes],
            path: "Tests/Support",
            swiftSettings: strict
        ),
        tests(of: "CurlTransport", dependencies: ["CurlTransport", "TestSupport", nioCore, nioPosix, httpTypes]),
        tests(of: "Auth", dependencies: ["Auth", "TestSupport"]),
        tests(of: "Quota", dependencies: ["Quota", "TestSupport"]),
        tests(of: "Ledger", dependencies: [
            "Ledger", "Auth", "Quota", "TestSupport", logging, lifecycle,
            .product(name: "GRDB", package: "GRDB.swift"),
        ]),
        tests(
            of: "E2BUpstream", dependencies: ["E2BUpstream", "CurlTransport", "TestSupport", nioCore, httpTypes],
            exclude: ["Transcripts"]
        ),
        tests(of: "LocalE2B", dependencies: [
            "LocalE2B", nioCore, nioPosix, nioHTTP1, nioFoundation, logging, lifecycle,
            .product(name: "Crypto", package: "swift-crypto"),
        ], exclude: ["Transcripts", "differences.md"]),
        tests(of: "Gateway", dependencies: [
            "Gateway", "Auth", "E2BUpstream", "Ledger", "Quota", "TestSupport", hummingbird, nioCore, nioTLS, httpTypes,
            logging, metrics, lifecycle, .product(name: "NIOEmbedded", package: "swift-nio"),
        ]),
        tests(of: "Printing", dependencies: ["Printing"]),
        tests(of: "Contract", dependencies: ["Gateway", httpTypes, .product(name: "Yams", package: "Yams")]),
        tests(of: "Architecture", dependencies: []),
    ]
)
