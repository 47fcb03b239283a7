import Foundation

/// How much memory this process holds.
public enum ResidentMemory {
    /// Resident bytes now, from `/proc/self/status`; 0 if it cannot be read.
    public static var bytes: Int { value(of: "VmRSS:") }

    private static func value(of key: String) -> Int {
        guard let status = try? String(contentsOfFile: "/proc/self/status", encoding: .utf8) else { return 0 }
        guard let line = status.split(separator: "\n").first(where: { $0.hasPrefix(key) }) else { return 0 }
        let kibibytes = line.split(whereSeparator: { $0 == " " || $0 == "\t" }).compactMap { Int($0) }.first ?? 0
        return kibibytes * 1024
    }
}
