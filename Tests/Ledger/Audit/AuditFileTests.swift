import Auth
import Foundation
import Testing

@testable import Ledger

@Suite(.once) struct AuditFileTests {
    private let folder: TemporaryFolder
    private let chain = ExampleChain(records: 12)

    init() throws { folder = try TemporaryFolder() }

    private func file(_ bytes: some Sequence<UInt8>) throws -> AuditFile {
        let path = folder.path + "/" + UUID().uuidString
        try Data(bytes).write(to: URL(filePath: path))
        return AuditFile(path: path)
    }

    private func file(_ lines: [String], ending: String = "\n") throws -> AuditFile {
        try file(lines.map { $0 + ending }.joined().utf8)
    }

    private func verify(_ file: AuditFile) throws -> AuditVerification {
        try file.verify(publicKey: ExampleChain.key.publicKey)
    }

    @Test("A whole file holds")
    func intact() throws {
        var told: [AuditFile.Progress] = []
        let file = try file(chain.texts)
        let found = try file.verify(publicKey: ExampleChain.key.publicKey, against: chain.checkpoints) {
            told.append($0)
        }
        #expect(found.isIntact && found.verified == 12 && found.checkpoints == 2 && found.line == nil)
        #expect(told.last.map { $0.read == $0.size && $0.size > 0 } == true)
        #expect(try file.checkpoints() == chain.checkpoints)
        #expect(try file.verify().unverifiedCheckpoints == 2)
    }

    @Test("A fault is named with its line")
    func line() throws {
        var lines = chain.texts
        lines[7] = lines[7].replacing("completed", with: "abandoned")
        let found = try verify(file(lines))
        #expect(found.fault?.sequence == 7 && found.fault?.kind == .altered && found.line == 8)
        lines = chain.texts
        lines.swapAt(6, 8)
        let swapped = try verify(file(lines))
        #expect(swapped.fault?.kind == .reordered && swapped.fault?.sequence == 6 && swapped.line == 7)
    }

    @Test("What cannot be read is a failure, not a fault")
    func unreadable() throws {
        let missing = AuditFile(path: folder.path + "/none")
        #expect(throws: AuditFileFailure(path: missing.path, reason: "No such file or directory")) {
            try missing.verify()
        }
        #expect(throws: AuditFileFailure(path: folder.path, reason: "Is a directory")) {
            try AuditFile(path: folder.path).verify()
        }
        let wrong = try file([chain.checkpoints[0].line, "x"])
        #expect(throws: AuditFileFailure(path: wrong.path, reason: "line 2 is not a checkpoint's")) {
            try wrong.checkpoints()
        }
    }

    @Test("An empty file, a torn line, CR LF, an endless line and garbage are told apart")
    func faults() throws {
        func fault(_ file: AuditFile, _ kind: AuditVerification.FaultKind, at sequence: Int64, _ problem: String) throws
        {
            #expect(
                try verify(file).fault
                    == AuditVerification.Fault(sequence: sequence, kind: kind, problem: problem))
        }
        let whole = Array(chain.texts.map { $0 + "\n" }.joined().utf8)
        try fault(file([UInt8]()), .empty, at: 0, "there is no record")
        let torn = "the line is torn: it does not end with LF"
        try fault(file(whole.dropLast()), .torn, at: 12, torn)
        try fault(file(whole.dropLast(100)), .torn, at: 12, torn)
        try fault(file(whole.prefix(10)), .torn, at: 0, torn)
        try fault(file(chain.texts, ending: "\r\n"), .malformed, at: 0, "the line ends with CR LF instead of LF")
        let head = Array((chain.texts[0] + "\n").utf8)
        let zeros = [UInt8](repeating: 0, count: AuditLine.maximumLength + 1)
        try fault(file(head + zeros), .malformed, at: 2, "the line is longer than 16 MiB")
        try fault(file(head + zeros + [10]), .malformed, at: 2, "the line is longer than 16 MiB")
        try fault(
            file(head + [0, 0xff, 10]), .malformed, at: 2,
            "the line begins neither as a record's nor as a checkpoint's")
    }

    @Test("Lines that lie across the reader's portions are read, the longest as well")
    func portions() throws {
        var long = ExampleChain()
        for count in [10, 700_000, 1, 400_000, 3_000_000, 5] {
            long.appendRecord(subject: String(repeating: "x", count: count))
        }
        let overhead = long.records[0].line.utf8.count - 10
        var longest = long
        longest.appendRecord(subject: String(repeating: "y", count: AuditLine.maximumLength - overhead), isKnown: false)
        #expect(longest.texts.last?.utf8.count == AuditLine.maximumLength)
        #expect(try verify(file(longest.texts)).verified == 7)
        var lines = long.texts
        let second = lines.remove(at: 1)
        lines.insert(String(repeating: "z", count: AuditLine.maximumLength + 3_000_000), at: 3)
        #expect(try verify(file(lines)).fault?.kind == .missing, "what comes later does not hide the first fault")
        let found = try verify(file(lines + [second]))
        #expect(found.fault?.kind == .reordered && found.fault?.sequence == 2, "the lines after a long one are read")
    }

    @Test("A pipe is read as well, its size unknown")
    func pipe() throws {
        let path = folder.path + "/pipe"
        #expect(mkfifo(path, 0o600) == 0)
        let text = chain.texts.map { $0 + "\n" }.joined()
        let writer = Thread { try? Data(text.utf8).write(to: URL(filePath: path)) }
        writer.start()
        #expect(try verify(AuditFile(path: path)).verified == 12)
    }
}
