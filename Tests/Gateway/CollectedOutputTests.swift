import E2BUpstream
import Testing

@testable import Gateway

@Suite struct CollectedOutputTests {
    @Test func cutsAtTheLimitWithoutSplittingACharacter() {
        var output = CollectedOutput(limit: 6)
        output.append(.stdout("ab"))
        output.append(.stdout("c😀d"))
        #expect(output.stdout == "abc")
        #expect(output.isTruncated)
        output.append(.stderr("x"))
        #expect(output.stderr.isEmpty)
    }

    @Test func countsAllStreamsTogether() {
        var output = CollectedOutput(limit: 4)
        output.append(.stdout("ab"))
        output.append(.stderr("cd"))
        #expect(!output.isTruncated)
        output.append(.stdout("e"))
        #expect(output.isTruncated)
    }

    @Test func errorIsAbsentExactlyWhenAllIsWell() {
        var output = CollectedOutput(limit: 100)
        output.append(.stdout("fine"))
        #expect(output.errorText(nil) == nil)
        #expect(output.errorText("It was stopped.") == "It was stopped.")
    }

    @Test func errorIsStderrThenTracebackThenReason() {
        var output = CollectedOutput(limit: 100)
        output.append(.stderr("warning"))
        #expect(output.errorText("It was stopped.") == "warning\nIt was stopped.")
        output.append(.exception(name: "E", value: "v", traceback: "\u{1B}[0;31mTrace\u{1B}[0m E: v"))
        #expect(output.errorText(nil) == "warning\nTrace E: v")
        #expect(output.errorText("It was stopped.") == "warning\nTrace E: v\nIt was stopped.")
    }

    @Test func exceptionsWithoutTracebackAreStillTold() {
        var output = CollectedOutput(limit: 100)
        output.append(.exception(name: "UsageError", value: "bad magic", traceback: ""))
        #expect(output.errorText(nil) == "UsageError: bad magic")
    }
}
