import Foundation
import Quota
import Testing

@testable import Gateway

@Suite struct PolicyChangeTests {
    private static let limited: Policy = {
        var policy = Policy.standard
        policy.subject = SubjectLimits(
            rate: Rate(permits: 2, periodSeconds: 1, burst: 4), executions: 3, runtime: [.day: 600_000, .hour: 60_000])
        return policy
    }()

    private static func apply(_ json: String, to policy: Policy = limited) throws -> Policy {
        try JSONDecoder().decode(PolicyChange.self, from: Data(json.utf8)).applied(to: policy)
    }

    @Test func whatIsAbsentStays() throws {
        #expect(try Self.apply("{}") == Self.limited)
        #expect(try Self.apply(#"{"subject": {}}"#) == Self.limited)
        #expect(try Self.apply(#"{"executions": 1}"#).subject == Self.limited.subject)
    }

    @Test func aSubjectsLimitsAreMergedOneByOne() throws {
        let changed = try Self.apply(
            #"{"subject": {"executions": 1, "runtime_seconds": {"hour": null, "month": 7.5}}}"#)
        #expect(
            changed.subject
                == SubjectLimits(
                    rate: Rate(permits: 2, periodSeconds: 1, burst: 4), executions: 1,
                    runtime: [.day: 600_000, .month: 7_500]))
    }

    @Test func nullLiftsOneLimit() throws {
        let changed = try Self.apply(#"{"subject": {"rate": null, "executions": null}}"#)
        #expect(changed.subject == SubjectLimits(runtime: [.day: 600_000, .hour: 60_000]))
    }

    @Test func nullLiftsAllOfThem() throws {
        #expect(try Self.apply(#"{"subject": null}"#).subject == nil)
    }

    @Test(arguments: PolicyChange.CodingKeys.allCases.map(\.rawValue).filter { $0 != "subject" })
    func whatCannotBeLiftedIsNotPassedOver(field: String) {
        #expect(throws: PolicyFailure(field: field, reason: "cannot be null: it cannot be lifted, only left out")) {
            try Self.apply("{\"\(field)\": null}")
        }
    }

    @Test func allOfAChangeIsRead() throws {
        let json = #"""
            {"body_bytes":1,"burst":2,"code_bytes":3,"context_bytes":4,"egress":true,"executions":5,
            "guaranteed_sandboxes":6,"output_bytes":7,"rate":"8/s","records_code":true,"runtime_seconds":{"hour":9},
            "sandboxes":10,"shadow":true,"signed_only":true,"subject":{"burst":11},"templates":["a"],
            "timeout_seconds":12,"user_ports":[13]}
            """#.replacing("\n", with: "")
        let names = try #require(try JSONSerialization.jsonObject(with: Data(json.utf8)) as? [String: Any]).keys
        #expect(Set(names) == Set(PolicyChange.CodingKeys.allCases.map(\.rawValue)))
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        let change = try JSONDecoder().decode(PolicyChange.self, from: Data(json.utf8))
        #expect(String(decoding: try encoder.encode(change), as: UTF8.self) == json)
    }

    @Test func whenTheLastIsLiftedSubjectsAreNotLimited() throws {
        let change =
            #"{"subject": {"rate": null, "executions": null, "runtime_seconds": {"day": null, "hour": null}}}"#
        #expect(try Self.apply(change).subject == nil)
    }

    @Test func aNewRateBringsItsBurstAndAnOldOneKeepsIt() throws {
        #expect(try Self.apply(#"{"subject": {"rate": "5/min"}}"#).subject?.rate?.burst == 4)
        #expect(try Self.apply(#"{"subject": {"rate": "5/min"}}"#, to: .standard).subject?.rate?.burst == 5)
        #expect(try Self.apply(#"{"subject": {"rate": "5/min", "burst": 9}}"#, to: .standard).subject?.rate?.burst == 9)
        #expect(try Self.apply(#"{"subject": {"rate": "5/min burst 7"}}"#).subject?.rate?.burst == 7)
        #expect(try Self.apply(#"{"rate": "5/min burst 7"}"#).rate == Rate(permits: 5, periodSeconds: 60, burst: 7))
        #expect(try Self.apply(#"{"rate": "5/min"}"#).rate == Rate(permits: 5, periodSeconds: 60, burst: 20))
    }

    @Test(arguments: [
        (#"{"subject": {"burst": 3}}"#, "subject.burst"), (#"{"subject": {"rate": "fast"}}"#, "subject.rate"),
        (#"{"subject": {"runtime_seconds": {"year": 1}}}"#, "year"),
        (#"{"subject": {"runtime_seconds": {"day": -1}}}"#, "subject.runtime_seconds.day"),
        (#"{"subject": {"sandboxes": 3}}"#, "sandboxes"),
        (#"{"subject": {"burst": null}}"#, "subject.burst cannot be null"),
        (#"{"subject": {"runtime_seconds": null}}"#, "subject.runtime_seconds cannot be null"),
    ])
    func whatCannotBeIsNamed(json: String, said: String) throws {
        let failure = #expect(throws: PolicyFailure.self) { try Self.apply(json, to: .standard) }
        #expect(failure?.description.contains(said) == true, "\(String(describing: failure))")
    }

    @Test func whatSandboxesMayDoIsSetAndUnset() throws {
        let open = try Self.apply(#"{"egress": true, "user_ports": [3000, 8080]}"#)
        #expect(open.egress)
        #expect(open.userPorts == [3000, 8080])
        #expect(try Self.apply("{}", to: open) == open)
        let closed = try Self.apply(#"{"egress": false, "user_ports": []}"#, to: open)
        #expect(closed == Self.limited)
        let view = PolicyView(open)
        #expect(view.egress)
        #expect(view.userPorts == [3000, 8080])
    }

    @Test(arguments: [#"{"egress":false}"#, #"{"user_ports":[]}"#])
    func closingIsAChange(json: String) throws {
        #expect(try !JSONDecoder().decode(PolicyChange.self, from: Data(json.utf8)).isEmpty)
    }

    @Test func shadowIsSetAndUnset() throws {
        let shadow = try Self.apply(#"{"shadow": true}"#)
        #expect(shadow.shadow)
        #expect(try !Self.apply(#"{"shadow": false}"#, to: shadow).shadow)
    }

    @Test(arguments: [
        "{}", #"{"subject":null}"#, #"{"subject":{"executions":null,"rate":"1/s"}}"#,
        #"{"runtime_seconds":{"day":null}}"#, #"{"egress":true,"user_ports":[3000]}"#,
    ])
    func aChangeSurvivesTheWire(json: String) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        let change = try JSONDecoder().decode(PolicyChange.self, from: Data(json.utf8))
        #expect(String(decoding: try encoder.encode(change), as: UTF8.self) == json)
    }

    @Test func aSimulationCarriesItsDaysBesideTheChange() throws {
        var change = PolicyChange()
        change.subject = .lifted
        let data = try JSONEncoder().encode(SimulationOrder(change, days: 7))
        let order = try JSONDecoder().decode(SimulationOrder.self, from: data)
        #expect(order.days == 7)
        #expect(try order.change.applied(to: Self.limited).subject == nil)
    }

    @Test func aViewShowsSubjectsOnlyWhereTheyAreLimited() throws {
        #expect(PolicyView(.standard).subject == nil)
        let view = try #require(PolicyView(Self.limited).subject)
        #expect(view.rate?.burst == 4)
        #expect(view.runtimeSeconds == ["day": 600, "hour": 60])
    }
}
