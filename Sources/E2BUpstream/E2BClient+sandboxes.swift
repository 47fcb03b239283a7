import CurlTransport
import FoundationEssentials
import HTTPTypes
import NIOCore
import NIOFoundationCompat

extension E2BClient {
    /// The body of a create: no public traffic, and no egress unless it is ordered, whatever the defaults of the version
    /// spoken to.
    private struct Create: Encodable {
        struct Network: Encodable {
            let allowPublicTraffic = false
            let denyOut: [String]
        }

        let templateID: String
        let timeout: Int
        let metadata: [String: String]
        let envVars: [String: String]
        let allow_internet_access: Bool
        let network: Network
        /// Absent where it is the default.
        let autoPause: Bool?
        /// Version 1 only, where it defaults to insecure; version 2 is always secure and has no such field.
        let secure: Bool?
    }

    /// Creates a sandbox, with the active key or one that steps in for it. Version 2 of the route is tried first; where it
    /// does not exist, version 1 is used and remembered.
    ///
    /// A create whose answer is lost is repeated where version 2 lets that be done safely, by an idempotency key: the order's,
    /// or one of its own.
    public func createSandbox(_ order: SandboxOrder) async throws(UpstreamFailure) -> Sandbox {
        try await circuit.guarding { () throws(UpstreamFailure) in try await createSandbox(order, by: .makers) }
    }

    /// Creates a sandbox with this key and no other, to learn which team it is of.
    public func createSandbox(
        _ order: SandboxOrder, with key: UpstreamKey
    ) async throws(UpstreamFailure) -> Sandbox {
        try await createSandbox(order, by: .only(key))
    }

    private func createSandbox(_ order: SandboxOrder, by authority: Authority) async throws(UpstreamFailure) -> Sandbox
    {
        guard createRoute.version == .v2 else { return try await createSandbox(order, .v1, by: authority) }
        do throws(UpstreamFailure) {
            return try await createSandbox(order, .v2, by: authority)
        } catch {
            guard case .refused(status: 404, _) = error else { throw error }
            // A 404 is also what an unknown template gets, and its text differs from server to server: if version 1
            // knows better, the route was missing.
            do throws(UpstreamFailure) {
                let sandbox = try await createSandbox(order, .v1, by: authority)
                createRoute.remember(.v1)
                return sandbox
            } catch .refused(status: 404, _) {
                throw error
            }
        }
    }

    private func createSandbox(
        _ order: SandboxOrder, _ version: CreateRoute.Version, by authority: Authority
    ) async throws(UpstreamFailure) -> Sandbox {
        let create = Create(
            templateID: order.template,
            timeout: order.lifetimeSeconds,
            metadata: order.metadata,
            envVars: order.environment,
            allow_internet_access: order.egress != .none,
            network: Create.Network(denyOut: order.egress.denied),
            autoPause: order.pausesAtEnd ? true : nil,
            secure: version == .v1 ? true : nil
        )
        var call = ControlCall(
            .create, .post, version == .v2 ? "/v2/sandboxes" : "/sandboxes", body: try json(create), reading: 1 << 20)
        // The SDK's own limit; a create may take long when E2B is busy.
        call.deadlines = Deadlines(connect: .seconds(10), idle: .seconds(60), total: .seconds(60))
        call.repetition = version == .v2 ? .keyed : .uncertain
        if version == .v2 { call.headers[.idempotencyKey] = order.idempotencyKey ?? Self.randomKey() }
        let answer = try await control(call, by: authority)
        guard let sandbox = Sandbox(answering: answer.body) else {
            throw .broken("the answer to a create names no sandbox")
        }
        return sandbox
    }

    private static func randomKey() -> String {
        var generator = SystemRandomNumberGenerator()
        return (0..<2).map { _ in String(generator.next(), radix: 36) }.joined()
    }

    /// Whether a key's team has this sandbox.
    public func hasSandbox(_ sandboxID: String, with key: UpstreamKey) async throws(UpstreamFailure) -> Bool {
        guard Sandbox.isIdentifier(sandboxID) else { throw .broken("not a sandbox's id") }
        do throws(UpstreamFailure) {
            _ = try await control(
                ControlCall(.inspect, .get, "/sandboxes/\(sandboxID)", reading: 1 << 20), by: .only(key))
            return true
        } catch .refused(status: 404, _) {
            return false
        }
    }

    /// Destroys a sandbox. One that does not exist any more is as good: may be repeated.
    public func destroy(_ sandboxID: String) async throws(UpstreamFailure) {
        guard Sandbox.isIdentifier(sandboxID) else { throw .broken("not a sandbox's id") }
        do throws(UpstreamFailure) {
            let call = ControlCall(.destroy, .delete, "/sandboxes/\(sandboxID)", reading: 1 << 20)
            _ = try await control(call, by: .anyReachableTeam)
        } catch .refused(status: 404, _) {
            return
        }
    }

    /// All sandboxes of all teams, running or paused, that carry every one of these labels; page by page, of each team at
    /// most 10,000. A team of which upstream takes no key is passed over, unless it is the active key's.
    public func listSandboxes(metadata: [String: String]) async throws(UpstreamFailure) -> [ListedSandbox] {
        var listed: [ListedSandbox] = []
        for (number, team) in keys.teams.enumerated() {
            do throws(UpstreamFailure) {
                listed += try await listSandboxes(metadata: metadata, by: .team(team))
            } catch {
                guard error == .credentialRefused, number > 0 else { throw error }
            }
        }
        // A page may repeat what moved while it was read, and one team may be known here by two names.
        var seen: Set<String> = []
        return listed.filter { seen.insert($0.id).inserted }
    }

    /// The same of one key's team.
    public func listSandboxes(
        metadata: [String: String], with key: UpstreamKey
    ) async throws(UpstreamFailure) -> [ListedSandbox] {
        try await listSandboxes(metadata: metadata, by: .only(key))
    }

    private func listSandboxes(
        metadata: [String: String], by authority: Authority
    ) async throws(UpstreamFailure) -> [ListedSandbox] {
        var query = "state=running%2Cpaused&limit=100"
        if !metadata.isEmpty { query += "&metadata=\(MetadataQuery.encode(metadata))" }
        var listed: [ListedSandbox] = []
        var cursor: String?
        for _ in 0..<100 {
            let page = cursor.map { "&nextToken=\(MetadataQuery.percentEncoded($0))" } ?? ""
            let answer = try await control(
                ControlCall(.list, .get, "/v2/sandboxes?\(query)\(page)", reading: 16 << 20), by: authority)
            guard case .array(let elements)? = try? JSONParser.parse(Array(answer.body.readableBytesView)) else {
                throw .broken("the list of sandboxes is not a list")
            }
            listed += elements.compactMap(ListedSandbox.init)
            cursor = answer.headers[.nextToken].flatMap { $0.isEmpty ? nil : $0 }
            if cursor == nil { return listed }
        }
        throw .broken("the list of sandboxes does not end")
    }

    func json(_ value: some Encodable) throws(UpstreamFailure) -> ByteBuffer {
        guard let body = try? JSONEncoder().encodeAsByteBuffer(value, allocator: ByteBufferAllocator()) else {
            throw .contextInvalid("a value cannot be written as JSON")
        }
        return body
    }
}

extension Sandbox {
    /// Reads what a create answers, or a connect.
    init?(answering body: ByteBuffer) {
        guard case .object(let fields)? = try? JSONParser.parse(Array(body.readableBytesView)),
            let id = fields["sandboxID"]?.text, Sandbox.isIdentifier(id)
        else { return nil }
        self.init(
            id: id, accessToken: fields["envdAccessToken"]?.text, trafficToken: fields["trafficAccessToken"]?.text,
            domain: fields["domain"]?.text, envdVersion: fields["envdVersion"]?.text ?? "")
    }
}

extension SandboxOrder.Egress {
    /// What is denied. Upstream lets an allowed address through whatever is denied, so none is ever allowed by name.
    fileprivate var denied: [String] {
        switch self {
        case .none: ["0.0.0.0/0"]
        case .all(let except): except
        }
    }
}
