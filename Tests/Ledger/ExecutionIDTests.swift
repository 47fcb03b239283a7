import Ledger
import Testing

@Suite(.once) struct ExecutionIDTests {
    @Test("Names are new each time, of the form they are read in, and sort by the time they were made")
    func random() async throws {
        let ids = (0..<10_000).map { _ in ExecutionID.random() }
        #expect(Set(ids).count == ids.count)
        #expect(ids.allSatisfy { ExecutionID($0.text) == $0 && $0.text.utf8.count == 28 })
        try await Task.sleep(for: .milliseconds(17))
        let later = ExecutionID.random()
        #expect(ids.allSatisfy { $0.text < later.text })
        #expect(Set(ids.map { $0.text.suffix(14) }).count == ids.count, "seven bytes are random")
    }
}
