import Foundation
import TestSupport
import Testing

@testable import Ledger

@Suite(.onAServer) struct PostgreSQLLocationTests {
    private func settings(_ uri: String) throws -> [String: String] {
        try #require(PostgreSQLLocation(uri).servers(options: "-c a=b").first)
    }

    @Test(
        "An address is described without its password",
        arguments: [
            ("postgres://me:hush@db.example.com/ledger", "postgres://me@db.example.com:5432/ledger"),
            ("postgresql://me:hush@db.example.com:6000/ledger", "postgres://me@db.example.com:6000/ledger"),
            ("postgres://me@[::1]:99/ledger?password=hush", "postgres://me@[::1]:99/ledger"),
            ("postgres:///ledger", "postgres:///var/run/postgresql:5432/ledger"),
            ("postgres://me@%2Ftmp%2Fx/ledger", "postgres://me@/tmp/x:5432/ledger"),
            ("postgres://a,b:7/ledger", "postgres://a:5432,b:7/ledger"),
        ])
    func described(uri: String, description: String) throws {
        let location = try PostgreSQLLocation(uri)
        var dumped = ""
        dump(location, to: &dumped)
        #expect("\(location)" == description && !dumped.contains("hush"))
        #expect(!String(reflecting: location).contains("hush"))
    }

    @Test(
        "What is wrong with an address is said, without quoting it",
        arguments: [
            ("mysql://me:hush@db/ledger", "does not begin with"),
            ("host=db password=hush dbname=ledger", "does not begin with"),
            ("postgres://me:hush@db", "no database"),
            ("postgres://me:hush@db:0/ledger", "port"),
            ("postgres://me:hush@db:hush/ledger", "port"),
            ("postgres://me:hush@db:70000/ledger", "port"),
            ("postgres://me:hush@a,b/ledger?port=1,2,3", "equally many"),
            ("postgres://me:hush@[::1/ledger", "understood"),
            ("postgres://me:hu%zzsh@db/ledger", "understood"),
            ("postgres://me:hush@db/ledger?hush=1", "understood"),
            ("postgres://me:hush@db/ledger?sslmode=hush", "sslmode"),
            ("postgres://me:hush@db/ledger?connect_timeout=hush", "connect_timeout"),
            ("postgres://me:hush@db/ledger?service=x", "service"),
            ("postgres://me:hush@db/led\0ger", "NUL"),
        ])
    func refused(uri: String, reason: String) throws {
        let refusal = #expect(throws: PostgreSQLLocation.Refused.self) { try PostgreSQLLocation(uri) }
        #expect(refusal?.reason.contains(reason) == true, "\(refusal?.reason ?? "")")
        #expect(refusal?.reason.contains("hush") == false && refusal?.reason.contains("hu") == false)
    }

    @Test("Beyond this machine the server's certificate is verified, unless the address says otherwise")
    func modes() throws {
        for uri in ["postgres://db.example.com/l", "postgres://10.0.0.1/l", "postgres://localhost.evil.com/l"] {
            #expect(try settings(uri)["sslmode"] == "verify-full")
            #expect(try settings(uri)["sslrootcert"] == "/etc/ssl/certs/ca-certificates.crt")
            #expect(try settings(uri + "?sslrootcert=/ca.pem")["sslrootcert"] == "/ca.pem")
            #expect(try settings(uri + "?sslmode=require")["sslmode"] == "require")
            #expect(try settings(uri + "?sslmode=require")["sslrootcert"] == "")
            #expect(try settings(uri + "?sslmode=verify-ca&sslrootcert=system")["sslrootcert"]?.hasPrefix("/") == true)
        }
        #expect(try settings("postgres://localhost/l?hostaddr=10.0.0.1")["sslmode"] == "verify-full")
        #expect(try settings("postgres://localhost,db.example.com/l")["sslmode"] == "verify-full")
        for uri in ["postgres:///l", "postgres://localhost/l", "postgres://127.0.0.9/l", "postgres://[::1]/l"] {
            #expect(try settings(uri)["sslmode"] == "prefer")
        }
    }

    @Test("What is not said is set, and what is said stays")
    func defaults() throws {
        let plain = try settings("postgres://localhost/l")
        #expect(plain["application_name"] == "e2b-gateway" && plain["client_encoding"] == "UTF8")
        #expect(plain["target_session_attrs"] == "read-write" && plain["tcp_user_timeout"] == "10000")
        #expect(plain["gssencmode"] == "disable")
        #expect(plain["options"] == "-c a=b" && plain["port"] == "5432" && plain["host"] == "localhost")
        let said = try settings(
            "postgres://localhost/l?application_name=x&options=-c%20c%3Dd&client_encoding=LATIN1&connect_timeout=7")
        #expect(said["application_name"] == "x" && said["options"] == "-c a=b -c c=d")
        #expect(said["client_encoding"] == "UTF8")
        #expect(try PostgreSQLLocation("postgres://localhost/l?connect_timeout=7").connectTimeout == .seconds(7))
        #expect(try PostgreSQLLocation("postgres://h,i/l").servers(options: "").map { $0["host"] } == ["h", "i"])
    }

    @Test("The server keeps to the gateway's timeouts, by the gateway's name")
    func kept() async throws {
        let test = try await TestDatabase.make(.postgreSQL)
        let names = ["statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout", "application_name"]
        let settings = "SELECT setting FROM pg_settings WHERE name = ?"
        let writing = try await test.write { connection in
            try names.map { try connection.value(String.self, settings, [$0]) }
        }
        #expect(writing == ["5000", "2000", "2000", "e2b-gateway"])
        let reading = try await test.read { connection in
            try names.map { try connection.value(String.self, settings, [$0]) }
        }
        #expect(reading == ["30000", "2000", "60000", "e2b-gateway"])
        let preparing = try test.database.prepare { connection in
            try names.map { try connection.value(String.self, settings, [$0]) }
        }
        #expect(preparing == ["600000", "600000", "600000", "e2b-gateway"])
    }

    @Test("The server looks whether the gateway is still there, where it can vanish, and compiles nothing")
    func session() async throws {
        let names = [
            "tcp_keepalives_idle", "tcp_keepalives_interval", "tcp_keepalives_count", "tcp_user_timeout", "jit",
        ]
        let server = try await PostgreSQLServer.shared()
        let schema = try await server.makeSchema()
        for (address, values) in [
            (try await server.makeDatabase(), ["4", "2", "3", "10000", "off"]), (schema, ["0", "0", "0", "0", "off"]),
        ] {
            let connection = try PostgreSQLConnection(to: PostgreSQLLocation(address), .writing)
            for (name, value) in zip(names, values) {
                #expect(
                    try connection.runAlone("SELECT current_setting('\(name)')").first?.values == [.text(value)])
            }
        }
    }

    @Test(
        "A commit is on disk before it is told of, however the database is set up; what is stricter stays",
        arguments: [("off", "on"), ("local", "local"), ("remote_apply", "remote_apply"), ("on", "on")])
    func durable(isSet: String, holds: String) async throws {
        let server = try await PostgreSQLServer.shared()
        let address = try await server.makeDatabase()
        let name = try #require(address.split(separator: "/").last)
        try server.query("ALTER DATABASE \(name) SET synchronous_commit = \(isSet)")
        let database = PostgreSQLDatabase(at: try PostgreSQLLocation(address))
        let setting = "SELECT current_setting('synchronous_commit')"
        #expect(try database.prepare { try $0.value(String.self, setting) } == holds)
        let written = try await withCheckedThrowingContinuation { continuation in
            database.write { writer in
                continuation.resume(
                    with: Result { try writer.transaction { try $0.value(String.self, setting) } })
            }
        }
        #expect(written == holds)
        database.close()
    }

    #if compiler(>=6.3)
        @Test("The environment decides neither which server it is nor how it is verified")
        func environment() async throws {
            let server = try await PostgreSQLServer.shared()
            let name = try #require(try await server.makeDatabase().split(separator: "/").last.map(String.init))
            let (folder, port) = (server.folder, Int(server.port))
            let (authority, services) = (server.certificates.authority, server.certificates.folder + "/services")
            let redirections = [
                "hostaddr": "127.0.0.9", "host": "127.0.0.8", "port": "1", "dbname": "elsewhere", "sslmode": "disable",
                "target_session_attrs": "standby", "options": "-c nonsense", "gssencmode": "require",
                "ssl_max_protocol_version": "TLSv1", "ssl_min_protocol_version": "TLSv1", "channel_binding": "disable",
            ]
            let service = "[elsewhere]\n" + redirections.map { "\($0)=\($1)\n" }.joined()
            try service.write(toFile: services, atomically: true, encoding: .utf8)
            await #expect(processExitsWith: .success) {
                [
                    name = name as String, folder = folder as String, port = port as Int,
                    authority = authority as String,
                    services = services as String, password = PostgreSQLServer.password as String
                ]
                in
                let variables = [
                    "PGHOSTADDR": "127.0.0.9", "PGHOST": "127.0.0.8", "PGPORT": "1", "PGDATABASE": "elsewhere",
                    "PGSSLMODE": "disable", "PGREQUIRESSL": "0", "PGTARGETSESSIONATTRS": "standby",
                    "PGOPTIONS": "-c nonsense",
                    "PGGSSENCMODE": "require", "PGSSLMAXPROTOCOLVERSION": "TLSv1", "PGSSLMINPROTOCOLVERSION": "TLSv1",
                    "PGCHANNELBINDING": "disable", "PGSSLNEGOTIATION": "nonsense", "PGLOADBALANCEHOSTS": "nonsense",
                    // What it may say.
                    "PGPASSWORD": password, "PGSSLROOTCERT": authority,
                ]
                for isService in [false, true] {
                    if isService {
                        setenv("PGSERVICEFILE", services, 1)
                        setenv("PGSERVICE", "elsewhere", 1)
                    } else {
                        for (name, value) in variables { setenv(name, value, 1) }
                    }
                    let socket = try PostgreSQLConnection(
                        to: PostgreSQLLocation("postgres://gateway@/\(name)?host=\(folder)&port=\(port)"), .writing)
                    #expect(
                        try socket.runAlone("SELECT inet_client_addr() IS NULL, current_database()").first?.values == [
                            .integer(1), .text(name),
                        ])
                    let distant = "postgres://gateway@127.0.0.1:\(port)/\(name)"
                    let encrypted = try PostgreSQLConnection(to: PostgreSQLLocation(distant), .writing)
                    #expect(
                        try encrypted.runAlone("SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()").first?.values
                            == [.integer(1)])
                    let settings = try #require(
                        PostgreSQLLocation("postgres://db.example.com/l").servers(options: "").first)
                    #expect(settings["sslmode"] == "verify-full" && settings["sslrootcert"] == authority)
                    #expect(settings["hostaddr"] == "" && settings["ssl_min_protocol_version"] == "TLSv1.2")
                    #expect(settings["channel_binding"] == "prefer" && settings["sslsni"] == "1")
                }
                setenv("PGCHANNELBINDING", "require", 1)
                setenv("PGSSLMINPROTOCOLVERSION", "TLSv1.3", 1)
                let stricter = try #require(
                    PostgreSQLLocation("postgres://db.example.com/l").servers(options: "").first)
                #expect(stricter["channel_binding"] == "require" && stricter["ssl_min_protocol_version"] == "TLSv1.3")
            }
        }
    #endif

    @Test("A server is believed if its certificate is by a trusted authority and names the host")
    func certificates() async throws {
        let server = try await PostgreSQLServer.shared()
        let address = try await server.makeDatabase()
        func connects(_ options: String, host: String = "127.0.0.1") -> Bool {
            let uri = address.replacing("127.0.0.1", with: host) + "?" + options
            return (try? PostgreSQLConnection(to: PostgreSQLLocation(uri), .writing)) != nil
        }
        let authority = server.certificates.authority
        #expect(connects("sslmode=verify-full&sslrootcert=\(authority)"))
        #expect(!connects("sslmode=verify-full&sslrootcert=\(server.certificates.strangeAuthority)"))
        #expect(!connects("sslmode=verify-full"))
        #expect(!connects("sslmode=verify-full&sslrootcert=\(authority)", host: "localhost"))
        #expect(connects("sslmode=verify-ca&sslrootcert=\(authority)", host: "localhost"))
        #expect(connects("sslmode=require"))
    }

    @Test("No failure to connect tells the password")
    func discretion() async throws {
        let server = try await PostgreSQLServer.shared()
        let address = try await server.makeDatabase()
        let wrong = [
            address.replacing(PostgreSQLServer.password, with: "battery-staple"),
            address.replacing("/test", with: "/other"), address.replacing("gateway:", with: "nobody:"),
            address.replacing(":\(server.port)", with: ":1"), address + "?sslmode=verify-full",
            address + "?options=-c%20nonsense",
        ]
        for uri in wrong {
            let failure = #expect(throws: SQLFailure.self) {
                _ = try PostgreSQLConnection(to: PostgreSQLLocation(uri), .writing)
            }
            #expect(failure?.kind == .unavailable)
            #expect(failure?.reason.contains("horse") == false && failure?.reason.contains("staple") == false)
        }
    }

    @Test("Of several servers the first that answers is taken; a Unix socket is as good as a port")
    func several() async throws {
        let server = try await PostgreSQLServer.shared()
        let address = try await server.makeDatabase()
        let name = try #require(address.split(separator: "/").last)
        for uri in [
            address.replacing("127.0.0.1:\(server.port)", with: "127.0.0.1:1,127.0.0.1:\(server.port)"),
            "postgres://gateway@/\(name)?host=\(server.folder)&port=\(server.port)",
        ] {
            let connection = try PostgreSQLConnection(to: PostgreSQLLocation(uri), .writing)
            #expect(try connection.runAlone("SELECT current_user").first?.values == [.text("gateway")])
        }
    }
}
