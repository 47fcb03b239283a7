import Auth
import Quota

@testable import Ledger

extension TestLedger {
    /// Who calls with the test's key, narrowed by these caveats.
    func caller(_ caveats: Caveat..., key: IssuedKey? = nil) throws -> SandboxCaller {
        let token = try caveats.reduce((key ?? self.key).token) { try $0.narrowed(by: $1) }
        return SandboxCaller(
            tenant: Self.tenant, claims: try ledger.authenticate(token).claims, requestID: "req-1",
            sourceAddress: "127.0.0.1")
    }

    func sandboxOrder(
        _ milliseconds: Int64 = 60_000, by caller: SandboxCaller? = nil, expiry: OwnedSandbox.Expiry = .kill,
        idempotency: SandboxIdempotency? = nil
    ) throws -> SandboxAdmissionOrder {
        SandboxAdmissionOrder(
            handle: .random(), caller: try caller ?? self.caller(), template: "base", timeoutMilliseconds: milliseconds,
            expiry: expiry, metadata: ["a": "b"], idempotency: idempotency)
    }

    /// A sandbox that runs.
    func sandbox(
        _ milliseconds: Int64 = 60_000, id: String = "i1", by caller: SandboxCaller? = nil,
        expiry: OwnedSandbox.Expiry = .kill, in ledger: Ledger? = nil
    ) async throws -> OwnedSandbox {
        let ledger = ledger ?? self.ledger
        let admitted = try await ledger.admit(try sandboxOrder(milliseconds, by: caller, expiry: expiry))
        return try await ledger.sandboxStarted(admitted.handle, id: id, access: .example)
    }

    /// What was charged in all, by the sums of consumption.
    func charged(in ledger: Ledger? = nil) async throws -> Consumption {
        let days = (clock.now - .seconds(86_400 * 3))...clock.now
        return try await (ledger ?? self.ledger).consumption(ConsumptionQuery(days: days)).first?.consumption
            ?? Consumption()
    }
}

extension SandboxAccess {
    static let example = SandboxAccess(
        envdToken: "real-envd-token", trafficToken: "real-traffic-token", domain: nil, envdVersion: "0.6.13")
}
