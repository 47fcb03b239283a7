import Printing
import Testing

struct DifferenceTests {
    private func text(_ look: Look) -> String {
        var difference = Difference(look: look)
        difference.add(.changed, "tenant acme")
        difference.add(.added, "rate: 5/s", depth: 1)
        difference.add(.removed, "na\u{1B}[2Jme", depth: 1)
        return difference.text
    }

    @Test func aMarkInFrontOfEachLineAndPartsWithinWhatTheyBelongTo() {
        #expect(text(.plain) == "~ tenant acme\n    + rate: 5/s\n    - na\u{FFFD}[2Jme")
    }

    @Test func coloursWhereThereAreColours() {
        let look = Look(hasUnicode: false, hasColour: true)
        #expect(
            text(look)
                == "\u{1B}[33m~ tenant acme\u{1B}[0m\n    \u{1B}[32m+ rate: 5/s\u{1B}[0m\n    \u{1B}[31m- na\u{FFFD}[2Jme\u{1B}[0m"
        )
    }
}
