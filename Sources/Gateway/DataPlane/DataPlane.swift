import HTTPTypes
import Hummingbird
import Ledger
import Logging
import NIOCore
import Quota

/// Everything that is for a sandbox rather than for the gateway, told apart before any route is looked for: code, contexts,
/// processes, files, and what a tenant has put on a port of its own.
struct DataPlane: RouterMiddleware {
    typealias Context = OpenContext

    /// What each tenant may call its sandboxes; its policy's rate is for calls of the gateway itself.
    static let rate = Rate(permits: 200, periodSeconds: 1, burst: 400)
    /// How often an address may guess at signatures that name no sandbox.
    private static let guesses = FailedAuthentications.rate

    private let domain: ServedDomain?
    private let door: SandboxDoor
    private let ledger: Ledger
    private let live: LiveSandboxes
    private let forwarder: CallForwarder
    private let metrics: CallMetrics
    private let rates = RateTable(Self.rate)

    init(
        domain: ServedDomain?, ledger: Ledger, live: LiveSandboxes, forwarder: CallForwarder, metrics: CallMetrics
    ) {
        self.domain = domain
        door = SandboxDoor(ledger: ledger, guesses: RateTable(Self.guesses))
        self.ledger = ledger
        self.live = live
        self.forwarder = forwarder
        self.metrics = metrics
    }

    func handle(
        _ request: Request, context: OpenContext, next: (Request, OpenContext) async throws -> Response
    ) async throws -> Response {
        let target = request.head.path ?? "/"
        do throws(EdgeRefusal) {
            switch Plane.of(request.head, target: target, domain: domain) {
            case .gateway: break
            case .unreadable(let fault): throw .unreadable(fault)
            case .sandbox(let address): return try await answer(request, target, at: address, context)
            }
        } catch {
            context.note.note(error.type, cause: error.cause)
            var response = error.response()
            if await !request.swallowBody(unlessBegun: context.note) {
                response.headers[.connection] = "close"
                context.channel.closeSoon()
            }
            return response
        }
        return try await next(request, context)
    }

    private func answer(
        _ request: Request, _ target: String, at address: SandboxAddress, _ context: OpenContext
    ) async throws(EdgeRefusal) -> Response {
        guard let path = try? DataPath(target: target),
            let route = SandboxRoute.to(address.port, request.method, path)
        else { throw .nothingThere }
        context.note.note(port: address.port, pathClass: route.pathClass)
        let opened = try await door.open(address, for: route, request.head, path, from: context.sourceAddress)
        let sandbox = opened.sandbox
        context.note.note(sandbox, tenantName: ledger.tenantName(sandbox.tenant))
        let policy = try judge(opened, from: context.sourceAddress)
        try require(route, at: address.port, of: sandbox, under: policy, request.headers)
        try takeRate(of: sandbox.tenant)

        let entered = try enter(sandbox, from: context.sourceAddress)
        let call = SandboxCall(
            to: sandbox, method: request.method.rawValue, port: address.port, pathClass: route.pathClass,
            sourceAddress: context.sourceAddress, requestID: context.requestID,
            traceID: context.trace.traceID, spanID: context.trace.spanID
        )
        let record: OpenCall
        do {
            record = try await ledger.open(call)
        } catch {
            throw .ledgerUnavailable
        }
        let passing = PassingCall(entered, record, metrics)
        return try await forwarder.forward(
            request, of: call, by: route, path, to: sandbox, under: policy, passing, for: context)
    }

    /// Whether what the sandbox lives by still holds; its right token was shown.
    private func judge(_ opened: SandboxDoor.Opened, from source: String) throws(EdgeRefusal) -> Policy {
        let policy: Policy
        do throws(SandboxRefusal) {
            policy = try ledger.judge(opened.sandbox, from: source)
        } catch {
            switch error {
            // The sandbox is being closed with its key.
            case .keyRevoked: throw .notFound(opened.sandbox.id, cause: "revoked key")
            case .expired: throw .expired
            case .sourceNotAllowed: throw .sourceNotAllowed
            case .tenantSuspended: throw .tenantSuspended
            case .keySuspended: throw .keySuspended
            case .signedOnly: throw .signedOnly
            case .unavailable: throw .ledgerUnavailable
            }
        }
        if let ends = opened.signatureEnds, Moment.now.seconds > ends { throw .signatureExpired }
        return policy
    }

    private func require(
        _ route: SandboxRoute, at port: Int, of sandbox: OwnedSandbox, under policy: Policy, _ headers: HTTPFields
    ) throws(EdgeRefusal) {
        guard route.isUserPort else { return }
        guard policy.userPorts.contains(port) else {
            throw .portClosed(port, of: sandbox.id, cause: "not in the policy's user_ports")
        }
        if headers[.upgrade]?.lowercased().contains("websocket") == true { throw .notUpgraded }
    }

    private func enter(_ sandbox: OwnedSandbox, from source: String) throws(EdgeRefusal) -> LiveSandboxes.Call {
        do {
            return try live.enter(sandbox) {
                ledger.runningSandbox(sandbox.id) != nil && (try? ledger.judge(sandbox, from: source)) != nil
            }
        } catch {
            switch error {
            case .draining: throw .draining
            case .gone: throw .notFound(sandbox.id, cause: "ended meanwhile")
            case .full: throw .tooManyCalls
            }
        }
    }

    private func takeRate(of tenant: String) throws(EdgeRefusal) {
        do {
            try rates.take(tenant)
        } catch {
            throw .rateLimited(error)
        }
    }
}
