import Quota
import Synchronization
import Testing

@testable import Gateway

@Suite struct FailedAuthenticationsTests {
    /// A clock that stands still until it is told to go on.
    private final class Clock: Sendable {
        private let now = Mutex(Moment(seconds: 1_000))
        var read: Moment { now.withLock(\.self) }
        func advance(by duration: Duration) { now.withLock { $0 = $0 + duration } }
    }

    private let clock = Clock()

    private func refuse(_ failures: FailedAuthentications, _ address: String) -> ProblemType? {
        do {
            try failures.watching(address) { () throws(Problem) in throw .invalidToken }
            return nil
        } catch {
            return error.type
        }
    }

    @Test func theSixtyFirstFailureWithinAMinuteIsTooMany() {
        let failures = FailedAuthentications(now: { [clock] in clock.read })
        for _ in 0..<60 { #expect(refuse(failures, "192.0.2.1") == .invalidToken) }
        #expect(refuse(failures, "192.0.2.1") == .rateLimited)
        #expect(refuse(failures, "192.0.2.2") == .invalidToken)
        clock.advance(by: .seconds(1))
        #expect(refuse(failures, "192.0.2.1") == .invalidToken)
        #expect(refuse(failures, "192.0.2.1") == .rateLimited)
    }

    @Test func aValidCredentialAlwaysPasses() throws {
        let failures = FailedAuthentications(now: { [clock] in clock.read })
        for _ in 0..<100 { _ = refuse(failures, "192.0.2.1") }
        #expect(try failures.watching("192.0.2.1") { () throws(Problem) in 7 } == 7)
    }

    @Test func refusalsOfKnownCallersDoNotCount() {
        let failures = FailedAuthentications(now: { [clock] in clock.read })
        for _ in 0..<100 {
            let problem = #expect(throws: Problem.self) {
                try failures.watching("192.0.2.1") { () throws(Problem) in throw Problem(.insufficientScope, "") }
            }
            #expect(problem?.type == .insufficientScope)
        }
    }

    @Test func whatIsRememberedIsBounded() {
        let failures = FailedAuthentications(now: { [clock] in clock.read })
        for number in 0..<(FailedAuthentications.maximumAddresses * 3) {
            _ = refuse(failures, "\(number)")
            #expect(failures.count <= FailedAuthentications.maximumAddresses)
        }
    }

    @Test func whoHasBeenQuietIsForgottenBeforeWhoIsStillGuilty() {
        let failures = FailedAuthentications(now: { [clock] in clock.read })
        for number in 1..<FailedAuthentications.maximumAddresses { _ = refuse(failures, "\(number)") }
        clock.advance(by: .seconds(2))
        for _ in 0..<61 { _ = refuse(failures, "guilty") }
        _ = refuse(failures, "one more")
        #expect(refuse(failures, "guilty") == .rateLimited)
    }
}
