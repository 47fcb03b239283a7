import Auth
import Foundation
import HTTPTypes
import Ledger
import Quota

/// Finds the sandbox that a call is for and holds the call's token against it. Whoever has not got the right token learns
/// nothing: not even whether there is such a sandbox, whoever's it is.
struct SandboxDoor: Sendable {
    let ledger: Ledger
    /// Slows down whoever guesses signatures without naming a sandbox, each of which is held against every one.
    let guesses: RateTable
    /// Bounds how often somebody who has shown nothing yet has the ledger looked at.
    private let looks = RateTable(Rate(permits: 50, periodSeconds: 1, burst: 200))

    init(ledger: Ledger, guesses: RateTable) {
        self.ledger = ledger
        self.guesses = guesses
    }

    /// A sandbox whose own token was shown.
    struct Opened: Sendable {
        let sandbox: OwnedSandbox
        /// When the signed URL ends that stood for the token.
        var signatureEnds: Int64?
    }

    /// How many sandboxes a signature without an id is held against.
    static let maximumTried = 10_000

    /// Stands in for sandboxes that do not exist, so that they cost what others cost.
    private static let nobody = SecureRandom.bytes(32)

    func open(
        _ address: SandboxAddress, for route: SandboxRoute, _ request: HTTPRequest, _ path: DataPath,
        from source: String
    ) async throws(EdgeRefusal) -> Opened {
        let presented = Presented(request.headerFields)
        // A token that is there must be right; a signature beside it says nothing.
        let signed = route.maySigned && presented.daemon == nil ? SignedFile(request.method, path) : nil
        guard let id = address.sandboxID else {
            guard let signed else { throw .notFound(nil, cause: "no sandbox named") }
            return try open(signed, from: source)
        }
        do { try ledger.checkSight() } catch { throw .ledgerUnavailable }
        switch open(ledger.runningSandbox(id), id, for: route, presented, signed) {
        case .success(let opened): return opened
        case .failure(let refusal):
            guard try await mayBeKnownElsewhere(from: source) else { throw refusal }
            return try open(ledger.runningSandbox(id), id, for: route, presented, signed).get()
        }
    }

    /// Takes up what other gateways did: one of them may just have made the sandbox. For a wrong token as for an unknown
    /// sandbox, which nobody shall tell apart; and for nobody more often than any honest caller needs it.
    private func mayBeKnownElsewhere(from source: String) async throws(EdgeRefusal) -> Bool {
        guard ledger.isShared, (try? looks.take(FailedAuthentications.network(of: source))) != nil else { return false }
        do {
            try await ledger.catchUp()
        } catch {
            throw .ledgerUnavailable
        }
        return true
    }

    private func open(
        _ sandbox: OwnedSandbox?, _ id: String, for route: SandboxRoute, _ presented: Presented, _ signed: SignedFile?
    ) -> Result<Opened, EdgeRefusal> {
        let isRight: Bool
        if let signed {
            isRight = signed.isMade(with: token(.envd, of: sandbox, id))
        } else {
            let daemon = presented.daemon.matches(token(.envd, of: sandbox, id))
            let traffic = presented.traffic.matches(token(.traffic, of: sandbox, id))
            isRight =
                switch route.key {
                case .daemon: daemon
                case .traffic: traffic
                case .either: daemon || traffic
                }
        }
        guard let sandbox else { return .failure(.notFound(id, cause: "unknown sandbox")) }
        guard isRight else {
            let isMissing = signed == nil && presented.isEmpty
            return .failure(.notFound(id, cause: isMissing ? "no token" : "wrong token"))
        }
        return .success(Opened(sandbox: sandbox, signatureEnds: signed?.expiration))
    }

    /// Holds a signature against every sandbox that runs: there is none other in the URL by which to know it.
    private func open(_ signed: SignedFile, from source: String) throws(EdgeRefusal) -> Opened {
        let guesser = FailedAuthentications.network(of: source)
        var found: OwnedSandbox?
        for sandbox in ledger.runningSandboxes().prefix(Self.maximumTried)
        where signed.isMade(with: ledger.token(.envd, of: sandbox)) {
            found = sandbox
        }
        guard let found else {
            do {
                try guesses.take(guesser)
            } catch {
                throw .rateLimited(error)
            }
            throw .notFound(nil, cause: "wrong signature")
        }
        return Opened(sandbox: found, signatureEnds: signed.expiration)
    }

    private func token(_ kind: SandboxTokenKind, of sandbox: OwnedSandbox?, _ id: String) -> String {
        guard let sandbox else { return Hex.text(Digest.hmacSHA256(Array(id.utf8), key: Self.nobody)) }
        return ledger.token(kind, of: sandbox)
    }

    /// The tokens that a call carries.
    private struct Presented {
        let daemon: String?
        let traffic: String?

        init(_ headers: HTTPFields) {
            daemon = headers[.accessToken]
            traffic = headers[.trafficToken]
        }

        var isEmpty: Bool { daemon == nil && traffic == nil }
    }
}

extension String? {
    /// Whether it is this token, in a time that does not depend on how wrong it is.
    fileprivate func matches(_ token: String) -> Bool {
        Digest.constantTimeEquals(Array((self ?? "").utf8), Array(token.utf8)) && self != nil
    }
}
