import Testing

@testable import Printing

@Suite struct LookTests {
    @Test(
        arguments: [
            (["LANG": "C.UTF-8"], true), (["LANG": "de_DE.utf8"], true), (["LANG": "C"], false), ([:], false),
            (["LANG": "C.UTF-8", "LC_ALL": "C"], false), (["LC_CTYPE": "en_US.UTF-8", "LANG": "C"], true),
            (["LANG": "C.UTF-8", "LC_ALL": ""], true),
        ] as [([String: String], Bool)])
    func unicodeIsTheLocales(environment: [String: String], hasUnicode: Bool) {
        #expect(Look(isTerminal: true, environment: environment).hasUnicode == hasUnicode)
    }

    @Test(
        arguments: [
            ([:], true), (["NO_COLOR": "1"], false), (["NO_COLOR": ""], true), (["TERM": "dumb"], false),
        ] as [([String: String], Bool)])
    func coloursCanBeForbidden(environment: [String: String], hasColour: Bool) {
        #expect(Look(isTerminal: true, environment: environment).hasColour == hasColour)
    }

    @Test func aFileIsPlain() {
        #expect(Look(isTerminal: false, environment: ["LANG": "C.UTF-8"]) == .plain)
    }
}
