import Testing

@testable import Quota

@Suite struct SimulationTests {
    private static let start = Moment(seconds: 1_795_532_400)

    private static func call(after milliseconds: Int64, held: Int64, waited: Int64 = 0) -> RecordedCall {
        RecordedCall(
            at: start + .milliseconds(milliseconds), demand: Demand(kind: .execution, timeoutMilliseconds: 30_000),
            subject: nil, heldMilliseconds: held, waitedMilliseconds: waited
        )
    }

    private static func result(_ calls: RecordedCall..., executions: Int) -> Simulation.Result {
        var policy = Policy.standard
        policy.executions = executions
        var simulation = Simulation(of: policy)
        for call in calls { simulation.replay(call, assumedMilliseconds: 0) }
        simulation.settle(upTo: Moment(nanoseconds: .max))
        return simulation.result
    }

    /// It took its place among those at once from its admission on, as the quota itself counts.
    @Test func waitingForASandboxIsInTheWayOfOthersAndNotCharged() {
        let waiting = Self.call(after: 0, held: 100, waited: 1_000)
        let between = Self.call(after: 500, held: 100)
        let result = Self.result(waiting, between, executions: 1)
        #expect(result.refused == ["executions": 1])
        #expect(result.chargedMilliseconds == 100)
        #expect(Self.result(waiting, between, executions: 2).mostAtOnce == 2)
    }

    @Test func whatHasEndedIsInNobodysWay() {
        let result = Self.result(
            Self.call(after: 0, held: 100, waited: 400), Self.call(after: 500, held: 100), executions: 1)
        #expect(result.refusals == 0)
    }
}
