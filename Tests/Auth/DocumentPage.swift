import Foundation
import Testing

/// A page of `docs/`, whose programs and vectors are tested.
struct DocumentPage {
    let text: String

    init(_ name: String) throws {
        let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        text = try String(contentsOf: root.appending(path: "docs/\(name)"), encoding: .utf8)
    }

    /// A fenced block of a language: the first, or the one so many after it, under a heading.
    func block(_ language: String, under heading: String, after: Int = 0) throws -> String {
        var rest = text[try #require(text.firstRange(of: "\n## \(heading)\n")).upperBound...]
        for _ in 0..<after {
            rest = rest[try #require(rest.firstRange(of: "```\(language)\n")).upperBound...]
        }
        rest = rest[try #require(rest.firstRange(of: "```\(language)\n")).upperBound...]
        return String(rest[..<(try #require(rest.firstRange(of: "\n```")).lowerBound)])
    }

    /// The values of a block of JSON.
    func values<Value: Decodable>(
        _ type: Value.Type = Value.self, under heading: String, after: Int = 0
    ) throws -> [Value] {
        try JSONDecoder().decode([Value].self, from: Data(block("json", under: heading, after: after).utf8))
    }
}

/// A program of a page, run with some input: the lines it printed.
enum DocumentProgram {
    static func python(_ program: String, input: some Encodable) throws -> [String] {
        try run(["python3", "-c", program], input: JSONEncoder().encode(input))
    }

    static func javaScript(_ program: String, input: some Encodable) throws -> [String] {
        try run(["node", "--input-type=module", "--eval", program], input: JSONEncoder().encode(input))
    }

    private static func run(_ command: [String], input: Data) throws -> [String] {
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = command
        let (stdin, stdout) = (Pipe(), Pipe())
        process.standardInput = stdin
        process.standardOutput = stdout
        try process.run()
        try stdin.fileHandleForWriting.write(contentsOf: input)
        try stdin.fileHandleForWriting.close()
        let output = try stdout.fileHandleForReading.readToEnd() ?? Data()
        process.waitUntilExit()
        #expect(process.terminationStatus == 0, "\(command.first ?? "")")
        return String(decoding: output, as: UTF8.self).split(separator: "\n").map(String.init)
    }
}
