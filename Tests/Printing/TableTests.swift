import Testing

@testable import Printing

@Suite struct TableTests {
    @Test func alignsColumnsAndEndsNoLineInSpaces() {
        let table = Table(["A", "LONG", "C"], [["1", "2", ""], ["three", "4", "5"]])
        #expect(table.text == "A      LONG  C\n1      2\nthree  4     5")
    }

    @Test func coloursTakeNoRoom() {
        let look = Look(hasUnicode: true, hasColour: true)
        let table = Table(["A", "B"], cells: [[.init("xx", .red), "1"], ["y", "2"]], look: look)
        #expect(table.text == "A   B\n\u{1B}[31mxx\u{1B}[0m  1\ny   2")
        #expect(!Table(["A"], cells: [[.init("x", .red)]]).text.contains("\u{1B}"))
    }

    @Test func noNamePlaysWithTheTerminal() {
        #expect(Table(["A"], [["\u{1B}[2Jx\n\u{202E}y\u{2028}"]]).text == "A\n\u{FFFD}[2Jx\u{FFFD}\u{FFFD}y\u{FFFD}")
    }
}
