import Testing

@testable import Gateway

@Suite struct FailedAuthenticationsTests {
    private let clock = ManualClock()
    private let failures: FailedAuthentications

    init() {
        failures = FailedAuthentications(RateTable(FailedAuthentications.rate, now: clock.reading))
    }

    private func refuse(_ address: String, _ problem: Problem = .invalidToken) async -> ProblemType? {
        do {
            try await failures.watching(address) { () throws(Problem) in throw problem }
            return nil
        } catch {
            return error.type
        }
    }

    @Test func theSixtyFirstFailureWithinAMinuteIsTooMany() async {
        for _ in 0..<60 { #expect(await refuse("192.0.2.1") == .invalidToken) }
        #expect(await refuse("192.0.2.1") == .rateLimited)
        #expect(await refuse("192.0.2.2") == .invalidToken)
        clock.advance(by: .seconds(1))
        #expect(await refuse("192.0.2.1") == .invalidToken)
        #expect(await refuse("192.0.2.1") == .rateLimited)
    }

    @Test func aValidCredentialAlwaysPasses() async throws {
        for _ in 0..<100 { _ = await refuse("192.0.2.1") }
        #expect(try await failures.watching("192.0.2.1") { () throws(Problem) in 7 } == 7)
    }

    @Test func anIPv6SubscriberIsOneAddress() async {
        for host in 0..<60 { #expect(await refuse("2001:db8::\(String(host, radix: 16))") == .invalidToken) }
        #expect(await refuse("2001:db8::ffff:ffff:ffff:ffff") == .rateLimited)
        #expect(await refuse("2001:db8:0:1::1") == .invalidToken)
    }

    @Test func refusalsThatAreNoMatterOfCredentialsDoNotCount() async {
        for _ in 0..<100 { #expect(await refuse("192.0.2.1", .ledgerUnavailable) == .ledgerUnavailable) }
        #expect(await refuse("192.0.2.1") == .invalidToken)
    }
}
