import Testing

@testable import Printing

@Suite struct UsageBarTests {
    private static let terminal = Look(hasUnicode: true, hasColour: true)

    @Test(arguments: [
        (Int64(0), Int64(0), Int64(100), "░░░░░░░░░░ 0 %"),
        (53, 0, 100, "█████░░░░░ 53 %"),
        (53, 10, 100, "█████▒░░░░ 53 %"),
        (1, 0, 1_000_000, "█░░░░░░░░░ 0 %"),
        (999, 0, 1000, "█████████░ 99 %"),
        (1000, 0, 1000, "██████████ 100 %"),
        (0, 1000, 1000, "▒▒▒▒▒▒▒▒▒▒ 0 %"),
        (3000, 500, 1000, "██████████ 300 %"),
        (0, 0, 0, "██████████ 100 %"),
    ])
    func showsUsedReservedAndFree(used: Int64, reserved: Int64, limit: Int64, text: String) {
        #expect(UsageBar(used: used, reserved: reserved, limit: limit).text(Self.terminal) == text)
    }

    @Test func isASCIIWhereThereIsNothingElse() {
        #expect(UsageBar(used: 53, reserved: 10, limit: 100).text(.plain) == "#####+.... 53 %")
    }

    @Test(arguments: [(79, nil), (80, Colour.yellow), (99, .yellow), (100, .red), (250, .red)] as [(Int64, Colour?)])
    func isColouredByWhatIsUsed(used: Int64, colour: Colour?) {
        #expect(UsageBar(used: used, limit: 100).colour == colour)
    }
}
