import Foundation
import Synchronization

/// A real PostgreSQL server of the tests' own, in a temporary folder, on a free port of 127.0.0.1 and on a Unix socket. It
/// syncs its commits, unless asked not to, and speaks TLS.
///
/// It is killed and its folder removed when this process ends, however it ends: a shell waits for that.
public final class PostgreSQLServer: Sendable {
    /// The password of the user `gateway`, who owns the databases.
    public static let password = "correct-horse"

    /// The port it listens on, also after a restart.
    public let port: UInt16
    /// The folder of its Unix socket.
    public let folder: String
    /// The certificates it was made with; its own is for 127.0.0.1.
    public let certificates: TestCertificates
    private let user: UnprivilegedUser?
    private let watchdog: Watchdog
    private let syncs: Bool
    private let reservation: PortReservation
    private let databases = Mutex(0)
    private let schemas = Mutex((made: 0, free: [String]()))

    /// One that all tests of this process share. They leave it running.
    public static func shared() async throws -> PostgreSQLServer { try await sharedStart.value }

    private static let sharedStart = Task { try await start() }

    /// The same for tests that write much and cut no power: it leaves syncing to the operating system.
    public static func hasty() async throws -> PostgreSQLServer { try await hastyStart.value }

    private static let hastyStart = Task { try await start(syncing: false) }

    /// Starts another one, for tests that disturb it.
    public static func start(syncing syncs: Bool = true) async throws -> PostgreSQLServer {
        let certificates = try await TestCertificates.make()
        return try await blocking { try PostgreSQLServer(certificates, syncs) }
    }

    private init(_ certificates: TestCertificates, _ syncs: Bool) throws {
        self.certificates = certificates
        self.syncs = syncs
        user = UnprivilegedUser.postgres
        reservation = try PortReservation()
        port = reservation.port
        // Short, as a socket's path must be, and open to the server's user.
        folder = try Self.run(user, "mktemp", ["-d", "/tmp/e2b-gateway-postgresql-XXXXXX"])
        watchdog = try Watchdog(folder: folder, certificates.folder)
        try Self.run(user, "chmod", ["755", folder])
        try Self.run(
            user, Self.program("initdb"),
            ["-D", "\(folder)/data", "-U", "postgres", "--no-sync", "--encoding=UTF8", "--locale=C.UTF-8"]
                + ["--auth-local=trust", "--auth-host=scram-sha-256"])
        for (name, file) in [("server.crt", certificates.certificate), ("server.key", certificates.key)] {
            let target = "\(folder)/data/\(name)"
            try FileManager.default.copyItem(atPath: file, toPath: target)
            try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: target)
            if let user { chown(target, user.uid, user.gid) }
        }
        try launch()
        try query("CREATE ROLE gateway LOGIN PASSWORD '\(Self.password)'")
    }

    // MARK: Databases

    /// Makes an empty database that `gateway` owns.
    ///
    /// - Returns: its address, such as `postgres://gateway:correct-horse@127.0.0.1:5433/test1`.
    public func makeDatabase() async throws -> String {
        let name = databases.withLock { count in
            count += 1
            return "test\(count)"
        }
        _ = try await blocking { [self] in
            try query("CREATE DATABASE \(name) OWNER gateway TEMPLATE template0 STRATEGY wal_log")
        }
        return "postgres://gateway:\(Self.password)@127.0.0.1:\(port)/\(name)"
    }

    /// Makes an empty schema and a user whose own it is, who needs no password and may pass by foreign keys: quicker than
    /// a database.
    ///
    /// - Returns: its address on the Unix socket, such as `postgres://test1@/postgres?host=/tmp/x&port=5433`.
    public func makeSchema() async throws -> String {
        let name = try await blocking { [self] in
            // Many at once: most of the time it takes is psql's.
            try schemas.withLock { schemas in
                if schemas.free.isEmpty {
                    schemas.free = (1...50).map { "test\(schemas.made + $0)" }
                    schemas.made += 50
                    try query(
                        schemas.free.map { name in
                            """
                            CREATE ROLE \(name) LOGIN; CREATE SCHEMA AUTHORIZATION \(name);
                            GRANT SET ON PARAMETER session_replication_role TO \(name);
                            """
                        }.joined())
                }
                return schemas.free.removeLast()
            }
        }
        return "postgres://\(name)@/postgres?host=\(folder)&port=\(port)"
    }

    /// Runs SQL as the server's superuser; blocks.
    ///
    /// - Returns: the rows, a line each, their columns apart by `|`.
    @discardableResult
    public func query(_ sql: String, in database: String = "postgres") throws -> String {
        try Self.run(
            user, Self.program("psql"),
            ["-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-h", folder, "-p", "\(port)", "-U", "postgres"]
                + ["-c", sql, database])
    }

    /// Ends the connections to a database, as an administrator may, or a failover.
    ///
    /// - Parameter also: what else must hold of them, in the terms of `pg_stat_activity`.
    public func cutConnections(to database: String, where also: String = "true") async throws {
        _ = try await blocking { [self] in
            try query(
                """
                SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity
                WHERE datname = '\(database)' AND pid <> pg_backend_pid() AND \(also)
                """)
        }
    }

    // MARK: Its life

    /// Stops it; connections are ended, commits that began are on disk.
    public func stop() async throws {
        _ = try await blocking { [self] in
            try Self.run(
                user, Self.program("pg_ctl"), ["-D", "\(folder)/data", "-m", "fast", "-w", "stop"])
        }
    }

    /// Kills it and all its processes with SIGKILL.
    public func kill() async throws {
        try await blocking { [self] in
            let pid = try String(contentsOfFile: "\(folder)/data/postmaster.pid", encoding: .utf8).prefix { $0 != "\n" }
            let children = try Self.run(nil, "pgrep", ["-P", String(pid)]).split(separator: "\n").map(String.init)
            let processes = ([String(pid)] + children).compactMap(pid_t.init)
            for process in processes { _ = Foundation.kill(process, SIGKILL) }
            // Until the last is gone the next server would find its memory in use.
            while processes.contains(where: Self.isRunning) { usleep(2_000) }
            // The next server takes one that ended for one that runs, as long as nobody has asked how it ended.
            for lock in ["data/postmaster.pid", ".s.PGSQL.\(port).lock"] {
                try FileManager.default.removeItem(atPath: "\(folder)/\(lock)")
            }
        }
    }

    /// Starts it again after ``stop()`` or ``kill()``, on the same port.
    public func restart() async throws {
        try await blocking { [self] in try launch() }
    }

    private func launch() throws {
        let settings = [
            "listen_addresses=127.0.0.1", "port=\(port)", "unix_socket_directories=\(folder)", "max_connections=100",
            "ssl=on", "shared_buffers=32MB", "max_wal_size=256MB", "log_min_messages=fatal", "autovacuum=off",
        ]
        // Without statistics it takes small queries for large ones, and would compile them.
        let haste = ["fsync=off", "synchronous_commit=off", "full_page_writes=off", "jit=off"]
        // Not by pg_ctl: `Process` takes a program for running as long as anything that it started does.
        let process = Self.process(
            user, Self.program("postgres"),
            ["-D", "\(folder)/data"] + (settings + (syncs ? [] : haste)).flatMap { ["-c", $0] })
        let log = "\(folder)/log"
        _ = FileManager.default.createFile(atPath: log, contents: nil)
        process.standardError = FileHandle(forWritingAtPath: log)
        try process.run()
        while (try? Self.run(user, Self.program("pg_isready"), ["-q", "-h", folder, "-p", "\(port)"])) == nil {
            guard process.isRunning else {
                throw Failed(what: "postgres", output: (try? String(contentsOfFile: log, encoding: .utf8)) ?? "")
            }
            usleep(10_000)
        }
    }

    // MARK: Parts

    /// Whether a process has not ended, though its parent may not have asked how.
    private static func isRunning(_ process: pid_t) -> Bool {
        guard let state = try? String(contentsOfFile: "/proc/\(process)/stat", encoding: .utf8) else { return false }
        return !state.contains(") Z ")
    }

    /// A program of PostgreSQL's, where Debian keeps those of its newest version.
    private static func program(_ name: String) -> String {
        let root = "/usr/lib/postgresql"
        let versions = (try? FileManager.default.contentsOfDirectory(atPath: root)) ?? []
        let newest = versions.compactMap(Int.init).max()
        return newest.map { "\(root)/\($0)/bin/\(name)" } ?? name
    }

    /// A program that runs as `user` or as we are.
    private static func process(_ user: UnprivilegedUser?, _ program: String, _ arguments: [String]) -> Process {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = (user?.command ?? []) + [program] + arguments
        process.currentDirectoryURL = URL(fileURLWithPath: "/")
        process.environment = [
            "PATH": ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin", "LC_ALL": "C.UTF-8",
        ]
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = FileHandle.nullDevice
        return process
    }

    /// Runs a program to its end.
    @discardableResult
    private static func run(_ user: UnprivilegedUser?, _ program: String, _ arguments: [String]) throws -> String {
        let process = process(user, program, arguments)
        let output = Pipe()
        process.standardOutput = output
        process.standardError = output
        try process.run()
        let text = String(decoding: try output.fileHandleForReading.readToEnd() ?? Data(), as: UTF8.self)
            .trimmingCharacters(in: .whitespacesAndNewlines)
        process.waitUntilExit()
        guard process.terminationStatus == 0 else { throw Failed(what: program, output: text) }
        return text
    }

    struct Failed: Error {
        let what: String
        let output: String
    }
}

/// Whom the server runs as where the tests run as root, which it refuses to.
private struct UnprivilegedUser: Sendable {
    let uid: uid_t
    let gid: gid_t

    /// Nil where the tests do not run as root.
    static var postgres: UnprivilegedUser? {
        guard geteuid() == 0 else { return nil }
        guard let entry = getpwnam("postgres") else { return nil }
        return UnprivilegedUser(uid: entry.pointee.pw_uid, gid: entry.pointee.pw_gid)
    }

    var command: [String] { ["setpriv", "--reuid=\(uid)", "--regid=\(gid)", "--clear-groups"] }
}

/// Ends a server and removes its folder, and another, as soon as this process has ended.
private final class Watchdog: Sendable {
    // Held open, by nobody else, as long as this process lives.
    private let lifeline: Int32

    init(folder: String, _ other: String) throws {
        var ends: [Int32] = [-1, -1]
        guard socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0, &ends) == 0 else {
            throw PostgreSQLServer.Failed(what: "no descriptor", output: "")
        }
        lifeline = ends[1]
        let process = Process()
        // In a process group of its own, as `Process` has it. Nothing that forks: what ends before its child is never waited
        // for, and exit tests look at such a process again and again.
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = [
            "bash", "-c",
            """
            trap '' INT TERM HUP
            cat > /dev/null
            pid=$(head -n 1 "$0/data/postmaster.pid" 2> /dev/null) && kill -QUIT "$pid"
            for _ in {1..100}; do kill -0 "$pid" 2> /dev/null || break; sleep 0.05; done
            rm -rf "$0" "$1"
            """,
            folder, other,
        ]
        process.standardInput = FileHandle(fileDescriptor: ends[0], closeOnDealloc: true)
        process.standardOutput = FileHandle.nullDevice
        process.standardError = FileHandle.nullDevice
        try process.run()
    }

    deinit { close(lifeline) }
}
