import Auth
import Quota
import TestSupport
import Testing

@testable import Ledger

/// Whatever is done to tenants, keys and all work, in whatever order and over restarts: a key opens the door of its own tenant
/// and no other, exactly when all three let it; and nobody is charged for another.
struct LifeHistoryTests {
    /// Out for a while, for a reason if one was given.
    private struct Out {
        var reason: String?

        static func following(_ former: Out?, _ reason: String?) -> Out { Out(reason: reason ?? former?.reason) }
    }

    private struct Key {
        let issued: IssuedKey
        var out: Out?
        var isRevoked = false
    }

    private struct Tenant {
        var name: String
        let handle: String
        var out: Out?
        var isDeleted = false
        var keys: [Key] = []
        var charged: Int64 = 0
    }

    private struct Model {
        var tenants: [Tenant] = []
        var pause: Out?

        func living() -> [Int] { tenants.indices.filter { !tenants[$0].isDeleted } }
        func isTaken(_ name: String) -> Bool { tenants.contains { !$0.isDeleted && $0.name == name } }
    }

    /// Few, so that they meet.
    private static let names = ["a", "b", "c", "d"]

    @Test("After any history every key does what the model says", arguments: 1...8)
    func history(seed: UInt64) async throws {
        var random = SeededGenerator(seed: seed)
        let test = try await TestLedger()
        var ledger = test.ledger
        var model = Model()
        for step in 0..<120 {
            test.clock.advance(by: .milliseconds(Int64.random(in: 0...500, using: &random)))
            try await change(&model, in: ledger, &random)
            try await tryKeys(&model, test, in: ledger, step, &random)
            if step % 40 == 39 {
                await ledger.close()
                #expect(try await test.check().findings == [], "step \(step)")
                ledger = try Ledger.open(in: test.location, rootKey: test.rootKey, clock: test.clock.source)
            }
        }
        let living = model.living().map { model.tenants[$0].name }.sorted()
        #expect(try await Set(ledger.tenants().map(\.name)) == Set(living + [TestLedger.tenant]))
        for tenant in model.tenants {
            let days = Moment(seconds: 0)...Moment(seconds: 2_000_000_000)
            let rows = try await ledger.consumption(ConsumptionQuery(tenantHandle: tenant.handle, days: days))
            #expect(rows.reduce(0) { $0 + $1.consumption.chargedMilliseconds } == tenant.charged, "\(tenant.handle)")
        }
        await ledger.close()
    }

    private func change(_ model: inout Model, in ledger: Ledger, _ random: inout SeededGenerator) async throws {
        let reason: String? = Bool.random(using: &random) ? "why \(Int.random(in: 0..<9, using: &random))" : nil
        let name = Self.names.randomElement(using: &random) ?? "a"
        guard let index = model.living().randomElement(using: &random) else {
            return try await create(name, &model, in: ledger)
        }
        let tenant = model.tenants[index]
        switch Int.random(in: 0..<13, using: &random) {
        case 0, 1: try await create(name, &model, in: ledger)
        case 2, 3:
            do throws(LedgerFailure) {
                try await ledger.renameTenant(tenant.name, to: name, by: "test")
                #expect(tenant.name == name || !model.isTaken(name))
                model.tenants[index].name = name
            } catch {
                #expect(error == .tenantExists(name) && model.isTaken(name))
            }
        case 4:
            try await ledger.suspendTenant(tenant.name, by: "test", because: reason)
            model.tenants[index].out = .following(tenant.out, reason)
        case 5, 6:
            try await ledger.resumeTenant(tenant.name, by: "test")
            model.tenants[index].out = nil
        case 7 where Bool.random(using: &random):
            try await ledger.deleteTenant(tenant.name, by: "test")
            model.tenants[index].isDeleted = true
            for key in tenant.keys.indices { model.tenants[index].keys[key].isRevoked = true }
        case 8:
            try await ledger.pauseWork(by: "test", because: reason)
            model.pause = .following(model.pause, reason)
        case 9, 10:
            try await ledger.resumeWork(by: "test")
            model.pause = nil
        default:
            let issued = try await ledger.issueKey(for: tenant.name, by: "test")
            #expect(issued.key.tenant == tenant.handle && issued.key.tenantName == tenant.name)
            model.tenants[index].keys.append(Key(issued: issued))
        }
        try await changeKey(&model, index, reason, in: ledger, &random)
    }

    private func create(_ name: String, _ model: inout Model, in ledger: Ledger) async throws {
        do throws(LedgerFailure) {
            let made = try await ledger.createTenant(name, policy: .unlimited, by: "test")
            #expect(!model.isTaken(name))
            #expect(!model.tenants.contains { $0.handle == made.handle })
            model.tenants.append(Tenant(name: name, handle: made.handle))
        } catch {
            #expect(error == .tenantExists(name) && model.isTaken(name))
        }
    }

    private func changeKey(
        _ model: inout Model, _ index: Int, _ reason: String?, in ledger: Ledger, _ random: inout SeededGenerator
    ) async throws {
        guard let number = model.tenants[index].keys.indices.randomElement(using: &random) else { return }
        let key = model.tenants[index].keys[number]
        let id = key.issued.key.id
        do throws(LedgerFailure) {
            switch Int.random(in: 0..<6, using: &random) {
            case 0:
                try await ledger.suspendKey(id, by: "test", because: reason)
                model.tenants[index].keys[number].out = .following(key.out, reason)
            case 1, 2:
                try await ledger.resumeKey(id, by: "test")
                model.tenants[index].keys[number].out = nil
            case 3:
                try await ledger.revokeKey(id, by: "test")
                model.tenants[index].keys[number].isRevoked = true
                return
            default: return
            }
            #expect(!key.isRevoked)
        } catch {
            #expect(error == .keyRevoked("\(id)") && key.isRevoked)
        }
    }

    /// Every key of every tenant there ever was.
    private func tryKeys(
        _ model: inout Model, _ test: TestLedger, in ledger: Ledger, _ step: Int, _ random: inout SeededGenerator
    ) async throws {
        for (index, tenant) in model.tenants.enumerated() {
            for key in tenant.keys {
                let expected = authentication(key, of: tenant)
                #expect(authenticated(key.issued.token, by: ledger) == expected, "step \(step)")
            }
            guard let key = tenant.keys.randomElement(using: &random) else { continue }
            var order = test.order(timeout: 5_000)
            order.tenant = tenant.handle
            order.keyID = key.issued.key.id
            do throws(AdmissionFailure) {
                let lease = try await ledger.admit(order)
                #expect(admission(key, of: tenant, model) == nil, "step \(step)")
                let held = Int64.random(in: 0...5_000, using: &random)
                do { _ = try await ledger.settle(lease, with: .completed(held: held)) } catch { Issue.record(error) }
                model.tenants[index].charged += held
            } catch {
                #expect(error == admission(key, of: tenant, model), "step \(step)")
            }
        }
    }

    private func authenticated(_ token: Token, by ledger: Ledger) -> Result<[String], AuthenticationFailure> {
        do throws(AuthenticationFailure) {
            let who = try ledger.authenticate(token)
            return .success([who.tenant, who.tenantName])
        } catch {
            return .failure(error)
        }
    }

    private func authentication(_ key: Key, of tenant: Tenant) -> Result<[String], AuthenticationFailure> {
        if key.isRevoked { return .failure(.revokedKey) }
        if let out = tenant.out { return .failure(.tenantSuspended(out.reason)) }
        if let out = key.out { return .failure(.keySuspended(out.reason)) }
        return .success([tenant.handle, tenant.name])
    }

    private func admission(_ key: Key, of tenant: Tenant, _ model: Model) -> AdmissionFailure? {
        if key.isRevoked { return .keyRevoked }
        if let out = tenant.out { return .tenantSuspended(out.reason) }
        if let out = key.out { return .keySuspended(out.reason) }
        if let out = model.pause { return .paused(out.reason) }
        return nil
    }
}
