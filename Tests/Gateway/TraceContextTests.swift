import E2BUpstream
import HTTPTypes
import Testing

@testable import Gateway

@Suite struct TraceContextTests {
    private static let trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    private static let span = "00f067aa0ba902b7"

    private func fields(_ parents: [String], states: [String] = []) -> HTTPFields {
        var fields = HTTPFields()
        for parent in parents { fields.append(HTTPField(name: .traceParent, value: parent)) }
        for state in states { fields.append(HTTPField(name: .traceState, value: state)) }
        return fields
    }

    @Test(arguments: [
        ("00-\(trace)-\(span)-01", true), ("00-\(trace)-\(span)-00", false), ("00-\(trace)-\(span)-fe", false),
        ("00-\(trace)-\(span)-03", true), ("cc-\(trace)-\(span)-01", true),
        ("cc-\(trace)-\(span)-01-what-is-to-come", true),
    ])
    func aTraceIsContinuedUnderASpanOfTheGatewaysOwn(parent: String, isSampled: Bool) {
        let context = TraceContext(continuing: fields([parent]))
        #expect(context.traceID == Self.trace && context.isSampled == isSampled)
        #expect(context.spanID != Self.span && context.spanID.wholeMatch(of: /[0-9a-f]{16}/) != nil)
        #expect(context.headers.parent == "00-\(Self.trace)-\(context.spanID)-\(isSampled ? "01" : "00")")
    }

    @Test(arguments: [
        [], ["nonsense"], ["00-\(trace)-\(span)"], ["00-\(trace)-\(span)-01-more"], ["ff-\(trace)-\(span)-01"],
        ["00-\(trace.uppercased())-\(span)-01"], ["00-\(String(repeating: "0", count: 32))-\(span)-01"],
        ["00-\(trace)-\(String(repeating: "0", count: 16))-01"], ["00-\(trace)-\(span)-0g"], ["00-\(trace)-\(span)-1"],
        ["00-\(trace)-\(span)-01", "00-\(trace)-\(span)-01"],
        ["cc-\(trace)-\(span)-01-" + String(repeating: "x", count: 512)],
    ])
    func whatIsNoTraceBeginsOne(parents: [String]) {
        let context = TraceContext(continuing: fields(parents, states: ["vendor=1"]))
        #expect(context.traceID != Self.trace && context.traceID.wholeMatch(of: /[0-9a-f]{32}/) != nil)
        // What was said about another trace is not said of this one.
        #expect(context.state == nil && !context.isSampled)
    }

    @Test func noTwoAreAlike() {
        let contexts = (0..<100).map { _ in TraceContext(continuing: [:]) }
        #expect(Set(contexts.map(\.traceID)).count == 100 && Set(contexts.map(\.spanID)).count == 100)
    }

    @Test func onlyTracesThatBeginHereAreSampledHere() throws {
        let all = try #require(TraceSampling("1"))
        #expect(TraceContext(continuing: [:], sampling: all).isSampled)
        #expect(!TraceContext(continuing: fields(["00-\(Self.trace)-\(Self.span)-00"]), sampling: all).isSampled)
        let half = try #require(TraceSampling("0.5"))
        #expect(Set((0..<100).map { _ in TraceContext(continuing: [:], sampling: half).isSampled }).count == 2)
    }

    @Test(arguments: ["", "-0.1", "1.1", "nan", "often"])
    func aShareIsANumberFromNothingToAll(text: String) { #expect(TraceSampling(text) == nil) }

    @Test(
        arguments: [
            (["rojo=00f067aa0ba902b7,congo=t61rcWkgMzE"], "rojo=00f067aa0ba902b7,congo=t61rcWkgMzE"),
            (["a=1", "b=2 , c=3"], "a=1,b=2,c=3"), (["a=1,,\t b=2,"], "a=1,b=2"),
            (["fw529a3039@dt=FfD; x"], "fw529a3039@dt=FfD; x"), (["9a@b=1"], "9a@b=1"),
            (["a=1,a=2"], nil), (["A=1"], nil), (["a"], nil), (["a="], nil), (["=1"], nil), (["a=b=c"], nil),
            (["9a=1"], nil), (["a@9=1"], nil), (["a@b@c=1"], nil), (["a=ü"], nil), ([""], nil), ([], nil),
        ] as [([String], String?)])
    func whatVendorsSayIsPassedOnIfItIsAList(states: [String], expected: String?) {
        let context = TraceContext(continuing: fields(["00-\(Self.trace)-\(Self.span)-01"], states: states))
        #expect(context.state == expected)
        #expect(context.headers.state == expected)
    }

    @Test func thereAreBoundsToIt() {
        func state(_ members: [String]) -> String? { TraceState.text(of: [members.joined(separator: ",")]) }
        let members = (0..<40).map { "k\($0)=v" }
        #expect(state(Array(members.prefix(32))) != nil && state(members) == nil)
        let long = "long=" + String(repeating: "x", count: 200)
        let short = (0..<8).map { "s\($0)=" + String(repeating: "y", count: 50) }
        // What is longer than it should be goes first, and what is last next.
        #expect(state([short[0], long] + short[1...]) == short.joined(separator: ","))
        let many = (0..<12).map { "m\($0)=" + String(repeating: "z", count: 60) }
        let kept = state(many)
        #expect(kept == many.prefix(8).joined(separator: ",") && (kept?.utf8.count ?? 999) <= 512)
    }
}
