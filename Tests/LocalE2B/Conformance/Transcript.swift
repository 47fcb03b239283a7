import Foundation
import NIOCore
import NIOHTTP1
import Testing

/// One request that was made of the real code interpreter, and its answer.
struct Transcript: Sendable {
    /// As in `12-mpl-bar` or `71a-context-create`.
    let name: String
    let method: HTTPMethod
    let path: String
    let note: String
    let status: Int
    /// Whether the recording caller left before the end.
    let wasAborted: Bool
    /// The body sent; nil for none.
    let request: Data?
    let answer: Data

    /// Cases of one number are steps of one scenario, in the order of their letters.
    var number: String { String(name.prefix { $0.isNumber }) }
    var isFirstInContext: Bool { note.contains("first execution in a fresh context") }

    static let directory = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()

    /// All transcripts, by number.
    static let scenarios: [[Transcript]] = {
        let files = (try? FileManager.default.contentsOfDirectory(atPath: directory.path + "/Transcripts")) ?? []
        let names = files.filter { $0.hasSuffix(".meta.json") }.map { String($0.dropLast(".meta.json".count)) }
        let all = names.compactMap { try? Transcript(name: $0) }
        return Dictionary(grouping: all, by: \.number).sorted { $0.key < $1.key }
            .map { $0.value.sorted { $0.order < $1.order } }
    }()

    /// Scenarios that share a sandbox: those of one execution by the dozen, those of several steps alone.
    static let batches: [Batch] = {
        let simple = scenarios.filter { !$0[0].number.hasPrefix("7") }
        let dozens = stride(from: 0, to: simple.count, by: 12).map { Array(simple[$0..<min($0 + 12, simple.count)]) }
        return (dozens + scenarios.filter { $0[0].number.hasPrefix("7") }.map { [$0] }).map(Batch.init)
    }()

    struct Batch: CustomTestStringConvertible {
        let scenarios: [[Transcript]]

        var testDescription: String { "\(scenarios[0][0].number) to \(scenarios[scenarios.count - 1][0].number)" }
    }

    /// `23-exception` before `23-exception-second`, `71a…` before `71b…`.
    private var order: String { name.hasSuffix("-second") ? name : name.replacingOccurrences(of: "-", with: " ") }

    private init(name: String) throws {
        func data(_ ending: String) throws -> Data {
            try Data(contentsOf: Self.directory.appending(path: "Transcripts/\(name).\(ending)"))
        }
        self.name = name
        let meta = try #require(try JSONSerialization.jsonObject(with: data("meta.json")) as? [String: Any])
        method = HTTPMethod(rawValue: try #require(meta["method"] as? String))
        path = try #require(meta["path"] as? String)
        note = meta["note"] as? String ?? ""
        status = try #require(meta["status"] as? Int)
        wasAborted = meta["client_aborted"] as? Bool ?? false
        let body = try data("request.json")
        request = body.starts(with: Data("null".utf8)) ? nil : body
        answer = try data("ndjson")
    }
}

/// What differs from the real server on purpose: the rows of `differences.md`.
struct Differences {
    enum Kind: String {
        /// Replayed, and the answer is another; a row that is not true any more fails the test.
        case differs
        /// Cannot be replayed here.
        case notReplayed = "not replayed"
    }

    static let kinds: [String: Kind] = {
        let file = Transcript.directory.appending(path: "differences.md")
        let text = (try? String(contentsOf: file, encoding: .utf8)) ?? ""
        var kinds: [String: Kind] = [:]
        for line in text.split(separator: "\n") where line.hasPrefix("| ") {
            let cells = line.split(separator: "|").map { $0.trimmingCharacters(in: .whitespaces) }
            if cells.count == 3, let kind = Kind(rawValue: cells[1]) {
                kinds[cells[0].trimmingCharacters(in: ["`"])] = kind
            }
        }
        return kinds
    }()
}
