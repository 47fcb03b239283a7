import Glibc

/// How much room there is where the ledger is.
struct DiskCheck: Check {
    let path: String

    private static let scarce: UInt64 = 1 << 30
    private static let tooLittle: UInt64 = 100 << 20

    func findings() async -> [Finding] {
        let folder = path.lastIndex(of: "/").map { $0 == path.startIndex ? "/" : String(path[..<$0]) } ?? "."
        var status = statvfs()
        guard statvfs(folder, &status) == 0 else {
            return [Finding("disk", .failed, "\(folder) cannot be examined (\(String(cString: strerror(errno))))")]
        }
        return [Self.finding(free: UInt64(status.f_bavail) * UInt64(status.f_frsize), in: folder)]
    }

    static func finding(free: UInt64, in folder: String) -> Finding {
        let detail = "\(ByteText.of(free)) free in \(folder)", measured = ["free_bytes": Double(free)]
        let advice = "Make room, or move the ledger. Old records go by themselves: GATEWAY_RETENTION_DAYS."
        if free < tooLittle { return Finding("disk", .failed, detail, advice: advice, measured: measured) }
        if free < scarce { return Finding("disk", .warning, detail, advice: advice, measured: measured) }
        return Finding("disk", .ok, detail, measured: measured)
    }
}

/// Sizes for people.
enum ByteText {
    /// In the largest binary unit of which there is one at least: `812 MiB`, `3.4 GiB`.
    static func of(_ bytes: UInt64) -> String {
        let units = ["B", "KiB", "MiB", "GiB", "TiB"]
        var value = Double(bytes), unit = 0
        while value >= 1024, unit < units.count - 1 {
            value /= 1024
            unit += 1
        }
        return value < 10 && unit > 0 ? "\((value * 10).rounded() / 10) \(units[unit])" : "\(Int(value)) \(units[unit])"
    }
}
