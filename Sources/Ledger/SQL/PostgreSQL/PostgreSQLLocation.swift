import Glibc

/// Where a PostgreSQL database is and how it is connected to, from an address such as
/// `postgres://gateway:secret@db.example.com/ledger?sslrootcert=/etc/ledger-ca.pem`.
///
/// Everything that libpq takes in an address is taken. What is not said is as follows:
///
/// - Where the host is neither a Unix socket nor a loopback address, `sslmode=verify-full`: the server's certificate must be
///   signed by an authority that is trusted, and name the host. Weaker modes have to be asked for.
/// - Trusted is what `sslrootcert` names, or `PGSSLROOTCERT`, else the system's authorities (`sslrootcert=system`).
/// - Kerberos does not encrypt in the place of TLS, which would verify nothing of that (`gssencmode=disable`).
/// - The server must allow writing, so that of several hosts a standby is passed over (`target_session_attrs`).
///
/// The environment decides neither which server it is nor how it is verified, be it by libpq's variables or by the service that
/// `PGSERVICE` names:
///
/// - It says who the gateway is and what it trusts, as with every program of PostgreSQL's: `PGUSER`, `PGPASSWORD`, `PGPASSFILE`,
///   `PGSSLCERT`, `PGSSLKEY`, `PGSSLROOTCERT`, `PGSSLCRL`, `PGSSLCRLDIR`, `PGGSSLIB`.
/// - It may ask for more: `PGREQUIREAUTH`, `PGREQUIREPEER`, `PGSSLCERTMODE`, `PGCHANNELBINDING=require` and
///   `PGSSLMINPROTOCOLVERSION=TLSv1.3`.
/// - All else is set here and not looked for there: `PGHOST`, `PGHOSTADDR`, `PGPORT`, `PGDATABASE`, `PGOPTIONS`, `PGSSLMODE`,
///   `PGREQUIRESSL`, `PGSSLNEGOTIATION`, `PGSSLMAXPROTOCOLVERSION`, `PGGSSENCMODE`, `PGGSSDELEGATION`, `PGTARGETSESSIONATTRS`,
///   `PGLOADBALANCEHOSTS`, and whatever else libpq has a default for. A service that does not exist is an error of libpq's.
///
/// It never shows the password.
public struct PostgreSQLLocation: Sendable, CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// Why an address cannot be used. It quotes nothing of the address.
    struct Refused: Error, Equatable, CustomStringConvertible {
        let reason: String

        var description: String { reason }
    }

    /// User, hosts and database, such as `postgres://gateway@db.example.com:5432/ledger`.
    public let description: String
    /// How long to wait for a connection, if the address says so.
    let connectTimeout: Duration?
    private let settings: [String: String]
    private let hosts: [PostgreSQLHost]

    /// Whether a text is meant to be such an address.
    static func isMeant(by text: String) -> Bool { ["postgres://", "postgresql://"].contains(where: text.hasPrefix) }

    init(_ uri: String) throws(Refused) {
        guard Self.isMeant(by: uri) else {
            throw Refused(reason: "it does not begin with postgres:// or postgresql://")
        }
        guard !uri.utf8.contains(0) else { throw Refused(reason: "it holds the character NUL") }
        var settings: [String: String]
        switch LibpqAddress.settings(of: uri) {
        case .success(let understood): settings = understood.filter { !$0.value.isEmpty }
        case .failure(let misunderstood):
            // What follows a quotation mark is part of the address.
            let words = misunderstood.complaint.prefix { $0 != "\"" && !$0.isNewline }
            throw Refused(reason: "it cannot be understood: \(words.split(separator: " ").joined(separator: " "))")
        }
        for name in ["service", "replication"] where settings[name] != nil {
            throw Refused(reason: "\(name) cannot be used in it")
        }
        guard let database = settings["dbname"] else { throw Refused(reason: "it names no database") }
        hosts = try PostgreSQLHost.all(in: settings)
        try Self.check(settings)
        connectTimeout = settings["connect_timeout"].flatMap(Int.init).flatMap { $0 > 0 ? .seconds($0) : nil }
        if settings["sslmode"] == nil { settings["sslmode"] = hosts.allSatisfy(\.isLocal) ? "prefer" : "verify-full" }
        try Self.trustAuthorities(in: &settings)

        let user = settings["user"].map { "\($0)@" } ?? ""
        description = "postgres://\(user)\(hosts.map(\.description).joined(separator: ","))/\(database)"
        for name in ["host", "hostaddr", "port"] { settings[name] = nil }
        self.settings = settings.merging(Self.unsaid) { said, _ in said }.merging(["client_encoding": "UTF8"]) { $1 }
    }

    /// What holds where the address says nothing.
    private static var unsaid: [String: String] {
        let settings = [
            "application_name": "e2b-gateway", "target_session_attrs": "read-write", "gssencmode": "disable",
            "keepalives_idle": "5", "keepalives_interval": "2", "keepalives_count": "3", "tcp_user_timeout": "10000",
            "channel_binding": stricter("PGCHANNELBINDING", "require") ?? "prefer",
            "ssl_min_protocol_version": stricter("PGSSLMINPROTOCOLVERSION", "TLSv1.3") ?? "TLSv1.2",
            "ssl_max_protocol_version": "",
        ]
        // Libpq's own defaults, which it would take only if the environment said nothing.
        return settings.merging(LibpqAddress.defaults) { ours, _ in ours }
    }

    /// What a variable says, if that is what is stricter than the default.
    private static func stricter(_ variable: String, _ value: String) -> String? {
        getenv(variable).map { String(cString: $0) } == value ? value : nil
    }

    /// libpq's settings for each server that the address names.
    ///
    /// - Parameter options: the server's settings for the connection, before those that the address gives.
    func servers(options: String) -> [[String: String]] {
        hosts.map { host in
            var settings = settings.merging(host.settings) { $1 }
            settings["options"] = [options, settings["options"] ?? ""].filter { !$0.isEmpty }.joined(separator: " ")
            return settings
        }
    }

    /// The same as ``description``.
    public var debugDescription: String { description }
    /// Shows nothing but ``description``.
    public var customMirror: Mirror { Mirror(self, children: ["description": description]) }

    private static func check(_ settings: [String: String]) throws(Refused) {
        let modes = ["disable", "allow", "prefer", "require", "verify-ca", "verify-full"]
        if let mode = settings["sslmode"], !modes.contains(mode) {
            throw Refused(reason: "its sslmode is none of \(modes.joined(separator: ", "))")
        }
        if let timeout = settings["connect_timeout"], Int(timeout) == nil {
            throw Refused(reason: "its connect_timeout is not a number of seconds")
        }
    }

    /// Has the system's authorities trusted where no others are named.
    private static func trustAuthorities(in settings: inout [String: String]) throws(Refused) {
        let verifies = settings["sslmode"]?.hasPrefix("verify-") == true
        // Taken here, as a service's would come before it.
        let named = settings["sslrootcert"] ?? getenv("PGSSLROOTCERT").map { String(cString: $0) } ?? ""
        settings["sslrootcert"] = named
        guard named == "system" || verifies && named.isEmpty else { return }
        let bundles = [
            "/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/ca-bundle.pem",
            "/etc/ssl/cert.pem",
        ]
        guard let bundle = bundles.first(where: { access($0, R_OK) == 0 }) else {
            throw Refused(reason: "this system has no certificate authorities: name some with sslrootcert")
        }
        settings["sslrootcert"] = bundle
    }
}
