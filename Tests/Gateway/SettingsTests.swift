import Foundation
import Ledger
import Logging
import Quota
import Testing

@testable import Gateway

@Suite struct SettingsTests {
    private func load(
        environment: [String: String] = [:], dotEnv: String? = nil, yaml: String? = nil
    ) throws -> (settings: Settings, sources: [SettingName: SettingSource]) {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        try dotEnv?.write(to: folder.appendingPathComponent(".env.local"), atomically: true, encoding: .utf8)
        let config = folder.appendingPathComponent("gateway.yaml")
        try yaml?.write(to: config, atomically: true, encoding: .utf8)
        return try Settings.load(
            configFile: yaml == nil ? nil : config.path, environment: environment, directory: folder.path
        )
    }

    @Test func environmentBeatsDotEnvBeatsYAML() throws {
        let (settings, sources) = try load(
            environment: ["GATEWAY_LISTEN": "127.0.0.1:1", "PATH": "/bin"],
            dotEnv: "# comment\nexport GATEWAY_LISTEN=127.0.0.1:2\nGATEWAY_DRAIN_SECONDS = \"7\"\nOTHER=x\n",
            yaml: "listen: 127.0.0.1:3\ndrain_seconds: 9\nlog_level: debug\ne2b_domain: example.org\n"
        )
        #expect(settings.listen.port == 1)
        #expect(settings.drain == .seconds(7))
        #expect(settings.logLevel == .debug)
        #expect(settings.upstreamDomain == "example.org")
        #expect(sources[.listen] == .environment)
        #expect(sources[.drainSeconds]?.description.hasSuffix(".env.local, line 3") == true)
        #expect(sources[.logLevel]?.description.hasSuffix("gateway.yaml, line 3") == true)
    }

    @Test(arguments: [
        ("GATEWAY_LISTN=x", "GATEWAY_LISTN is not a setting"), ("GATEWAY_LISTEN=8080", "must be HOST:PORT"),
        ("GATEWAY_LISTEN=::1:80", "must be HOST:PORT"), ("GATEWAY_DRAIN_SECONDS=3.5", "0 to 3600"),
        ("GATEWAY_DRAIN_SECONDS=4000", "0 to 3600"), ("GATEWAY_DRAIN_NOTICE_SECONDS=301", "0 to 300"),
        ("GATEWAY_LEDGER=gateway.db", "sqlite:PATH"),
        ("GATEWAY_LOG_LEVEL=loud", "must be one of"), ("GATEWAY_TRUSTED_PROXIES=10.0.0.0/33", "networks such as"),
        ("GATEWAY_TRUSTED_PROXIES=10.0.0.1/8", "bits beyond"),
        ("GATEWAY_RETENTION_DAYS=61", "62 to 3650"), ("GATEWAY_RETENTION_DAYS=3651", "62 to 3650"),
        ("GATEWAY_WEBHOOK_URL=hooks.example.com", "https://HOST/PATH"),
        ("GATEWAY_WEBHOOK_URL=http://hooks.example.com", "must begin with https://"),
        ("GATEWAY_WEBHOOK_SECRET=whsec_short", "Base64 of 24 to 64"),
        ("GATEWAY_WEBHOOK_SECRET=\" \"", "one secret, or two"),
        ("GATEWAY_AUDIT_FILE=logs/", "of a file, not of a folder"), ("GATEWAY_AUDIT_FILE_MEGABYTES=0", "1 to 10240"),
        ("GATEWAY_AUDIT_FILE_MEGABYTES=10241", "1 to 10240"), ("GATEWAY_AUDIT_FILES=10001", "0 to 10000"),
        ("GATEWAY_AUDIT_SYSLOG=udp://127.0.0.1:514", "UDP is not offered"),
        ("GATEWAY_AUDIT_COLLECTOR_URL=http://logs.example.com", "audit records are not for all eyes"),
        ("GATEWAY_AUDIT_COLLECTOR_URL=logs.example.com", "https://HOST/PATH"),
        ("GATEWAY_AUDIT_COLLECTOR_TOKEN=\"two words\"", "visible ASCII"),
        ("GATEWAY_LISTEN=0.0.0.0:80", "reachable from other machines"), ("GATEWAY_LISTEN", "expected NAME=value"),
        ("GATEWAY_DOMAIN=https://example.com", "must be a domain"), ("GATEWAY_DOMAIN=127.0.0.1", "must be a domain"),
        ("GATEWAY_UPSTREAM_SANDBOXES=0", "1 to 100000"), ("GATEWAY_UPSTREAM_SANDBOXES=lots", "1 to 100000"),
        ("GATEWAY_UPSTREAM_CREATES=5", "a rate such as 5/s"), ("GATEWAY_UPSTREAM_CREATES=0/s", "a rate such as 5/s"),
        ("GATEWAY_QUEUE_LENGTH=-1", "0 to 100000"), ("GATEWAY_QUEUE_SECONDS=0", "1 to 600"),
    ])
    func saysWhereAndWhat(line: String, reason: String) {
        let failure = #expect(throws: SettingFailure.self) { try load(dotEnv: "\n\(line)\n") }
        #expect(failure?.description.contains(reason) == true, "\(failure?.description ?? "")")
        if !reason.contains("reachable") { #expect(failure?.description.contains("line 2") == true) }
    }

    @Test func ofASecretItIsToldWhetherItIsSet() throws {
        let (settings, sources) = try load(environment: [
            "GATEWAY_AUDIT_COLLECTOR_TOKEN": "t0ken", "GATEWAY_AUDIT_COLLECTOR_URL": "https://logs.example.com/in",
        ])
        let views = SettingView.all(settings, sources)
        #expect(views.allSatisfy { ($0.isSet != nil) == $0.isSecret && ($0.value == nil) == $0.isSecret })
        #expect(views.filter { $0.isSet == true }.map(\.name) == ["GATEWAY_AUDIT_COLLECTOR_TOKEN"])
    }

    @Test func upstreamsCapacityIsNotLimitedUnlessSaid() throws {
        #expect(try load().settings.capacity == CapacityLimits())
        let settings = try load(environment: [
            "GATEWAY_UPSTREAM_SANDBOXES": "20", "GATEWAY_UPSTREAM_CREATES": "5/s", "GATEWAY_QUEUE_LENGTH": "0",
            "GATEWAY_QUEUE_SECONDS": "3",
        ]).settings
        let expected = CapacityLimits(
            sandboxes: 20, creates: Rate(permits: 5, periodSeconds: 1, burst: 1), queueLength: 0, patience: .seconds(3))
        #expect(settings.capacity == expected)
        #expect(settings.shown(.upstreamCreates) == "5/s burst 1")
        let bursting = try load(environment: ["GATEWAY_UPSTREAM_CREATES": "5/s burst 4"]).settings
        #expect(bursting.capacity.creates?.burst == 4)
    }

    @Test func aWebhookNeedsAddressAndSecret() throws {
        let url = "https://hooks.example.com/in", secret = "whsec_" + String(repeating: "AAAA", count: 8)
        for (name, value) in [("GATEWAY_WEBHOOK_URL", url), ("GATEWAY_WEBHOOK_SECRET", secret)] {
            let failure = #expect(throws: SettingFailure.self) { try load(environment: [name: value]) }
            #expect(failure?.description.contains("\(name) is set and") == true)
        }
        let settings = try load(
            environment: ["GATEWAY_WEBHOOK_SECRET": secret + " " + secret],
            yaml: "webhook_url: \(url)?token=hunter2\nretention_days: 400\n"
        ).settings
        #expect(settings.webhookSecrets.count == 2 && settings.retention.executions == .seconds(400 * 86_400))
        #expect(settings.shown(.webhookURL) == url + "?…")
        #expect(settings.shown(.webhookSecret) == "set" && settings.shown(.retentionDays) == "400")
        #expect(throws: SettingFailure.self) { try load(yaml: "webhook_secret: \(secret)\n") }
    }

    @Test func theAuditLogGoesNowhereUnlessSaid() throws {
        let none = try load().settings
        #expect(none.auditFile == nil && none.auditSyslog == nil && none.auditCollectorURL == nil)
        #expect(none.shown(.auditFile) == "none" && none.shown(.auditSyslog) == "none")
        #expect(none.shown(.auditFileMegabytes) == "100" && none.shown(.auditFiles) == "10")
        #expect(none.shown(.auditCollectorURL) == "none" && none.shown(.auditCollectorToken) == "not set")
        let settings = try load(
            environment: ["GATEWAY_AUDIT_COLLECTOR_TOKEN": "t0ken"],
            yaml: """
                audit_file: /var/log/gateway/audit.log
                audit_file_megabytes: 5
                audit_files: 0
                audit_syslog: unix:///run/log
                audit_collector_url: https://logs.example.com/in?key=hunter2
                """
        ).settings
        #expect(settings.shown(.auditFile) == "/var/log/gateway/audit.log")
        #expect(settings.auditFileMegabytes == 5 && settings.auditFiles == 0)
        #expect(settings.shown(.auditSyslog) == "unix:///run/log")
        #expect(settings.shown(.auditCollectorURL) == "https://logs.example.com/in?…")
        #expect(settings.auditCollectorToken == "t0ken" && settings.shown(.auditCollectorToken) == "set")
        #expect(throws: SettingFailure.self) { try load(yaml: "audit_collector_token: t0ken\n") }
    }

    @Test func auditSettingsThatDoNotGoTogether() throws {
        let token = #expect(throws: SettingFailure.self) {
            try load(environment: ["GATEWAY_AUDIT_COLLECTOR_TOKEN": "hunter2"])
        }
        #expect(token?.description.contains("GATEWAY_AUDIT_COLLECTOR_URL is not") == true)
        #expect(token?.description.contains("hunter2") == false)
        let file = #expect(throws: SettingFailure.self) {
            try load(environment: ["GATEWAY_AUDIT_FILE": "here.db", "GATEWAY_LEDGER": "sqlite:here.db"])
        }
        #expect(file?.description.contains("ledger's own file") == true)
    }

    @Test func othersMultiLineValuesAreTheirOwn() throws {
        let dotEnv = "PRIVATE_KEY=\"-----BEGIN\nab=c\n-----END\"\nGATEWAY_DRAIN_SECONDS=3\n"
        #expect(try load(dotEnv: dotEnv).settings.drain == .seconds(3))
    }

    @Test(arguments: [("127.0.0.1:1", true), ("[::1]:1", true), ("localhost:1", true), ("127.example.com:1", false)])
    func loopbackIsAnAddressNotAPrefix(text: String, expected: Bool) throws {
        #expect(try #require(ListenAddress(text)).isLoopback == expected)
    }

    @Test func anEmptyValueIsNone() throws {
        let (settings, sources) = try load(environment: ["E2B_API_KEY": ""], dotEnv: "GATEWAY_DRAIN_SECONDS=\n")
        #expect(settings.upstreamKey == nil)
        #expect(sources.isEmpty)
    }

    @Test func neverShowsASecret() {
        let failure = #expect(throws: SettingFailure.self) { try load(environment: ["GATEWAY_ROOT_KEY": "hunter2"]) }
        #expect(failure?.description.contains("hunter2") == false)
    }

    @Test func secretsMayNotStandInYAML() {
        let failure = #expect(throws: SettingFailure.self) { try load(yaml: "e2b_api_key: e2b_abc\n") }
        #expect(failure?.description.contains("secret") == true)
        #expect(failure?.description.contains("e2b_abc") == false)
    }

    /// Of callers as of administrators.
    @Test(arguments: ["GATEWAY_LISTEN", "GATEWAY_ADMIN_LISTEN"])
    func anOpenListenerNeedsTLSOrAProxyInFront(listener: String) throws {
        let open = [listener: "0.0.0.0:80"]
        let failure = #expect(throws: SettingFailure.self) { try load(environment: open) }
        for said in [listener, "GATEWAY_TLS_CERT", "GATEWAY_TRUSTED_PROXIES"] {
            #expect(failure?.description.contains(said) == true, "\(failure?.description ?? "")")
        }
        let proxied = try load(environment: open.merging(["GATEWAY_TRUSTED_PROXIES": "10.0.0.0/8,::1"]) { $1 }).settings
        #expect(proxied.tls == nil)
        let secured = try load(
            environment: open.merging(["GATEWAY_TLS_CERT": "a.pem", "GATEWAY_TLS_KEY": "a.key"]) { $1 }
        ).settings
        #expect(secured.tls == TLSFiles(certificate: "a.pem", key: "a.key"))
        #expect(secured.administratorsNeedTLS == (listener == "GATEWAY_ADMIN_LISTEN"))
    }

    @Test(arguments: [("GATEWAY_TLS_CERT", "GATEWAY_TLS_KEY"), ("GATEWAY_TLS_KEY", "GATEWAY_TLS_CERT")])
    func aCertificateAndItsKeyGoTogether(name: String, missing: String) {
        let failure = #expect(throws: SettingFailure.self) { try load(environment: [name: "a.pem"]) }
        #expect(failure?.description.contains("\(name) is set and \(missing) is not") == true)
    }

    @Test func theDomainIsShownAsItIsGivenToSDKs() throws {
        let settings = try load(environment: ["GATEWAY_DOMAIN": "E2B.localhost:8443"]).settings
        #expect(settings.domain?.host == "e2b.localhost")
        #expect(settings.shown(.domain) == "e2b.localhost:8443")
        #expect(try load().settings.shown(.domain) == "none")
    }
}
