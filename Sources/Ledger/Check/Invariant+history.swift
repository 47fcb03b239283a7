import Quota

extension Invariant {
    /// What went on is written down by whole minutes and hours, and can be read.
    static let history = Invariant("history", of: "history_minute") { database, findings in
        for (table, step) in [("history_minute", Duration.seconds(60)), ("history_hour", HistoryStore.hour)] {
            let rows = try database.cursor("SELECT at, document FROM \(table) ORDER BY at")
            while let row = try rows.next() {
                let at = Moment(nanoseconds: row["at"])
                if at != at.start(of: step) { findings.add("\(table)/\(at.nanoseconds)", "does not begin a step") }
                if (try? Document.value(HistoryStep.self, from: row["document"])) == nil {
                    findings.add("\(table)/\(at.nanoseconds)", "cannot be read")
                }
            }
        }
    }
}
