import Foundation
import Glibc

/// The files that an audit file became when it was large enough: its path, a dot and the number of the first record in 19
/// digits, so that names sort as records do. Where that name is taken (a ledger that was restored counts once more from
/// there), `-2` and so on follow.
struct RotatedFiles {
    private let path: String
    private let kept: Int?

    private static let digits = 19

    /// - Parameter kept: how many of the newest are kept; nil for all.
    init(of path: String, kept: Int?) {
        self.path = path
        self.kept = kept
    }

    /// Gives a file its last name. It is not overwritten, and what it holds is on disk already.
    func take(_ file: OpenAuditFile) throws(SinkFailure) {
        let number = String(file.firstSequence ?? 0)
        let name = path + "." + String(repeating: "0", count: max(0, Self.digits - number.count)) + number
        var target = name
        var next = 2
        while access(target, F_OK) == 0 {
            target = "\(name)-\(next)"
            next += 1
        }
        guard rename(path, target) == 0 else { throw FileBytes.failure("rename", path) }
        let folder = open(Self.folder(of: path), O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard folder >= 0 else { throw FileBytes.failure("open the folder of", path) }
        defer { close(folder) }
        guard fsync(folder) == 0 else { throw FileBytes.failure("sync the folder of", path) }
    }

    /// By when they were last written: numbers may begin again.
    func newestFirst() -> [String] {
        let base = (path as NSString).lastPathComponent + "."
        let folder = Self.folder(of: path)
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
        return names.filter { $0.hasPrefix(base) && Self.isNumber($0.dropFirst(base.count)) }
            .map { name in (path: folder + "/" + name, age: Self.age(of: folder + "/" + name)) }
            .sorted { ($0.age, $0.path) > ($1.age, $1.path) }
            .map(\.path)
    }

    /// Removes the oldest beyond those that are kept. One that cannot be removed stays until the next time.
    func prune() {
        guard let kept else { return }
        for old in newestFirst().dropFirst(kept) { unlink(old) }
    }

    private static func isNumber(_ ending: Substring) -> Bool {
        ending.wholeMatch(of: /[0-9]{19}(-[0-9]+)?/) != nil
    }

    private static func age(of path: String) -> Int64 {
        guard let status = FileStatus(of: path) else { return 0 }
        return Int64(status.modifiedSeconds) * 1_000_000_000 + Int64(status.modifiedNanoseconds)
    }

    private static func folder(of path: String) -> String {
        guard let slash = path.lastIndex(of: "/") else { return "." }
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }
}
