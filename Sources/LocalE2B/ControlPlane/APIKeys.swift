import Foundation

/// Which API keys open the control plane, and which team each is of.
enum APIKeys: Sendable {
    /// Any key of E2B's form: there is one team, and it is the caller's.
    case any
    /// Those that this file names, as it is at the moment of a request.
    case file(path: String)

    /// Why a file of keys cannot be used. It never repeats a key.
    struct Failure: Error, CustomStringConvertible {
        let description: String
    }

    private static let onlyTeam = "default"

    /// The team of a key; nil if the key opens nothing.
    func team(of key: String) throws(Failure) -> String? {
        switch self {
        case .any: Self.onlyTeam
        case .file(let path): try Self.teams(in: path)[key]
        }
    }

    /// Looks through the file once, before anything is served.
    func validated() throws(Failure) {
        if case .file(let path) = self { _ = try Self.teams(in: path) }
    }

    /// The file is short, and so read each time: whoever takes a key out of it need tell nobody.
    private static func teams(in path: String) throws(Failure) -> [String: String] {
        guard let content = try? String(contentsOfFile: path, encoding: .utf8) else {
            throw Failure(description: "\(path) cannot be read")
        }
        var teams: [String: String] = [:]
        for (number, line) in content.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
            let words = line.split(whereSeparator: \.isWhitespace).map(String.init)
            if words.isEmpty || words[0].hasPrefix("#") { continue }
            guard words.count == 2, APIKeyRequired.hasForm(words[0]) else {
                throw Failure(description: "\(path), line \(number + 1) is not a key (e2b_ and hex digits) and a team")
            }
            teams[words[0]] = words[1]
        }
        return teams
    }
}
