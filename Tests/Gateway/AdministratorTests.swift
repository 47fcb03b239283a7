import Auth
import Testing

@testable import Gateway
@testable import Ledger

/// Nobody gives away more than they have.
@Suite struct AdministratorTests {
    private func administrator(_ scopes: Set<Scope>, _ caveats: Caveat...) throws -> Administrator {
        let id = KeyID.random(), secret = KeySecret.random()
        let token = try caveats.reduce(Token.mint(id, secret: secret)) { try $0.narrowed(by: $1) }
        let verifier = TokenVerifier(keyID: id, secret: secret, scopes: scopes)
        let claims = try verifier.verify(token, at: 1_800_000_000)
        return Administrator(
            AdminPrincipal(name: "ops", claims: claims), requestID: "r", sourceAddress: "192.0.2.1", trace: .none)
    }

    @Test func givesOnlyWhatItHas() throws {
        let ops = try administrator([.adminKeys, .adminRead])
        #expect(try ops.delegable([.adminRead]) == [.adminRead])
        #expect(try ops.delegable(nil) == [.adminKeys, .adminRead])
        let problem = #expect(throws: Problem.self) { try ops.delegable([.adminRead, .adminAudit]) }
        #expect(problem?.detail.contains("admin:audit") == true)
    }

    @Test func givesOnlyWhatItsCaveatsLeave() throws {
        let ops = try administrator([.adminKeys, .adminRead], .scopes([.adminKeys, .adminAudit]))
        #expect(try ops.delegable(nil) == [.adminKeys])
    }

    @Test func givesNothingIfItIsBoundInTimePlaceOrManner() throws {
        let network = try #require(SourceNetwork("10.0.0.0/8"))
        for caveat in [Caveat.notAfter(1_900_000_000), .subject("ann"), .sourceNetworks([network]), .signedOnly] {
            let ops = try administrator([.adminKeys], caveat)
            #expect(throws: Problem.self) { try ops.delegable([.adminKeys]) }
        }
    }

    @Test func theOwnerOfTheLedgerMayDoEverything() throws {
        #expect(try Administrator.local("root", requestID: "r", trace: .none).delegable(nil) == Scope.adminScopes)
    }
}
