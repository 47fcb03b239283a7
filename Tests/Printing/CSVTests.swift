import Testing

@testable import Printing

@Suite struct CSVTests {
    @Test func linesEndWithCarriageReturnAndLineFeed() {
        #expect(CSV.text(["a", "b"], [["1", "2"], ["", "3"]]) == "a,b\r\n1,2\r\n,3\r\n")
    }

    @Test(arguments: [
        ("plain", "plain"), ("with space", "with space"), ("a,b", "\"a,b\""), ("a\"b", "\"a\"\"b\""),
        ("a\nb", "\"a\nb\""), ("a\r\nb", "\"a\r\nb\""), ("", ""),
    ])
    func quotesWhatMustBeQuoted(text: String, field: String) {
        #expect(CSV.field(text) == field)
    }

    @Test(arguments: [
        ("=1+2", "'=1+2"), ("+1", "'+1"), ("-1", "'-1"), ("@SUM(A1)", "'@SUM(A1)"), ("\tx", "'\tx"),
        ("\rx", "\"'\rx\""), ("=HYPERLINK(\"http://x\",\"y\")", "\"'=HYPERLINK(\"\"http://x\"\",\"\"y\"\")\""),
    ])
    func noFieldIsAFormula(text: String, field: String) {
        #expect(CSV.field(text) == field)
    }

    @Test func aFormulaWithinAFieldIsLeftAlone() {
        #expect(CSV.field("a=1") == "a=1")
    }

    @Test func aGraphemeThatBeginsWithASignIsAFormulaToo() {
        #expect(CSV.field("=\u{301}1") == "'=\u{301}1")
    }
}
