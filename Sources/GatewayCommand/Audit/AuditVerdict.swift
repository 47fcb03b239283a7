import Gateway

/// What a verification found, for people.
enum AuditVerdict {
    static func text(_ verification: AuditVerificationView) -> String {
        ([verdict(verification)] + checkpoints(verification) + verification.notes.map { "Note: \($0)" })
            .joined(separator: "\n")
    }

    private static func verdict(_ verification: AuditVerificationView) -> String {
        guard verification.intact else {
            return
                "The chain breaks at record \(verification.sequence ?? 0), after \(verification.verified) good ones: "
                + (verification.problem ?? "")
        }
        let whole = verification.first ?? 1 == 1 ? "" : ", from record \(verification.first ?? 1) on"
        let head = verification.hash.map { "\nIts end is record \(verification.last ?? 0), \($0)." } ?? ""
        return "The chain holds: \(verification.verified) records\(whole).\(head)"
    }

    private static func checkpoints(_ verification: AuditVerificationView) -> [String] {
        func agreeing(_ count: Int64, _ kind: String) -> String {
            count == 1 ? "1 \(kind)checkpoint agrees" : "\(count) \(kind)checkpoints agree"
        }
        var lines: [String] = []
        if verification.checkpoints > 0 { lines.append(agreeing(verification.checkpoints, "signed ") + ".") }
        if verification.unverifiedCheckpoints > 0 {
            lines.append(agreeing(verification.unverifiedCheckpoints, "") + ".")
        }
        return lines
    }
}
