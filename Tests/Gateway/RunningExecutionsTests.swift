import Auth
import Ledger
import Testing

@testable import Gateway

@Suite struct RunningExecutionsTests {
    @Test func stopsOnlyTheTenantsOwn() throws {
        let running = RunningExecutions(), id = ExecutionID.random()
        let registration = try running.enter(id, tenant: "acme", keyID: .random(), departure: StopSignal())
        #expect(!running.stop(id, of: "other"))
        #expect(registration.stop.reason == nil)
        #expect(running.stop(id, of: "acme"))
        #expect(registration.stop.reason == .cancelled)
    }

    @Test func theCallersDepartureStopsIt() throws {
        let running = RunningExecutions(), departure = StopSignal()
        let registration = try running.enter(.random(), tenant: "acme", keyID: .random(), departure: departure)
        departure.stop(.callerLeft)
        #expect(registration.stop.reason == .callerLeft)
    }

    @Test func aDroppedRegistrationLeavesAndForgetsTheConnection() throws {
        let running = RunningExecutions(), departure = StopSignal()
        let stop: StopSignal
        do {
            let registration = try running.enter(.random(), tenant: "acme", keyID: .random(), departure: departure)
            stop = registration.stop
            #expect(running.count == 1)
        }
        #expect(running.count == 0)
        departure.stop(.callerLeft)
        #expect(stop.reason == nil)
    }

    @Test func aRevokedKeyStopsWhatItStarted() throws {
        let running = RunningExecutions(), revoked = KeyID.random()
        let ours = try running.enter(.random(), tenant: "acme", keyID: revoked, departure: StopSignal())
        let others = try running.enter(.random(), tenant: "acme", keyID: .random(), departure: StopSignal())
        running.stopAll(of: revoked)
        #expect(ours.stop.reason == .keyRevoked)
        #expect(others.stop.reason == nil)
    }

    @Test func drainingTakesNothingNew() {
        let running = RunningExecutions()
        running.drain()
        let problem = #expect(throws: Problem.self) {
            try running.enter(.random(), tenant: "acme", keyID: .random(), departure: StopSignal())
        }
        #expect(problem?.type == .draining)
    }
}
