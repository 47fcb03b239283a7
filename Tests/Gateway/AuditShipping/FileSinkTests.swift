import Foundation
import Glibc
import Ledger
import TestSupport
import Testing

@testable import Gateway

@Suite struct FileSinkTests {
    private func sink(
        _ fixture: AuditFixture, maximumBytes: Int64 = 1 << 20, kept: Int? = nil
    ) -> FileSink {
        FileSink(
            path: fixture.folder + "/audit.log", maximumBytes: maximumBytes, kept: kept, logger: AuditFixture.logger)
    }

    /// Delivers all of them, in as many steps as it takes.
    private func deliver(_ lines: [AuditLine], to sink: FileSink) async throws {
        var rest = lines[...]
        while !rest.isEmpty { rest = rest.dropFirst(try await sink.deliver(rest)) }
    }

    @Test func appendsLinesForItsOwnerOnly() async throws {
        let fixture = try await AuditFixture()
        try await fixture.grow(by: 3)
        let lines = try await fixture.lines(), sink = sink(fixture)
        #expect(lines.count == 4)
        #expect(try await sink.deliver(lines[..<1]) == 1)
        #expect(try await sink.deliver(lines[1...]) == 3)
        #expect(fixture.text(of: "audit.log") == lines.text)
        let mode = try FileManager.default.attributesOfItem(atPath: sink.destination)[.posixPermissions] as? Int
        #expect(mode == 0o600)
    }

    @Test("Renamed by the number of its first record before it would be too large, and the oldest go")
    func rotation() async throws {
        let fixture = try await AuditFixture()
        try await fixture.grow(by: 7)
        let lines = try await fixture.lines()
        let size = lines.map { Int64($0.text.utf8.count) + 1 }
        let sink = sink(fixture, maximumBytes: 2 * (size.max() ?? 0), kept: 2)
        try await deliver(lines, to: sink)
        let zeros = String(repeating: "0", count: 18)
        #expect(fixture.files == ["audit.log", "audit.log.\(zeros)3", "audit.log.\(zeros)5"])
        #expect(fixture.text(of: "audit.log") == lines[6...].text)
        #expect(fixture.text(of: "audit.log.\(zeros)5") == lines[4...5].text)
        #expect(fixture.text(of: "audit.log.\(zeros)3") == lines[2...3].text)
    }

    @Test func allAreKeptUnlessAskedOtherwiseAndALineThatIsTooLargeStandsAlone() async throws {
        let fixture = try await AuditFixture()
        try await fixture.grow(by: 4)
        let lines = try await fixture.lines()
        try await deliver(lines, to: sink(fixture, maximumBytes: 1))
        #expect(fixture.files.count == 5)
        #expect(fixture.files.dropFirst().compactMap { fixture.text(of: $0) }.joined() == lines[..<4].text)
    }

    @Test("What a crash left behind the last complete line is cut off, and the file tells where to go on")
    func tornEnd() async throws {
        let fixture = try await AuditFixture()
        try await fixture.grow(by: 4)
        let lines = try await fixture.lines(), path = fixture.folder + "/audit.log"
        for torn in ["", "{", String(lines[3].text.dropLast()), lines[3].text] {
            try (lines[..<3].text + torn).write(toFile: path, atomically: true, encoding: .utf8)
            let sink = sink(fixture)
            let position = try await sink.position(after: .start, in: fixture.ledger)
            #expect(position == AuditPosition(sequence: 3, checkpoint: 0))
            try await deliver(try await fixture.lines(after: position.sequence), to: sink)
            #expect(fixture.text(of: "audit.log") == lines.text)
        }
        try "{\"hash\":\"12".write(toFile: path, atomically: true, encoding: .utf8)
        let sink = sink(fixture)
        #expect(try await sink.position(after: .start, in: fixture.ledger) == .start)
        try await deliver(lines, to: sink)
        #expect(fixture.text(of: "audit.log") == lines.text && fixture.files == ["audit.log"])
    }

    @Test func afterACrashInTheMiddleOfARotationTheFileBeforeTells() async throws {
        let fixture = try await AuditFixture()
        try await fixture.grow(by: 3)
        let lines = try await fixture.lines()
        try await deliver(lines, to: sink(fixture, maximumBytes: 1))
        try FileManager.default.removeItem(atPath: fixture.folder + "/audit.log")
        let position = try await sink(fixture).position(
            after: AuditPosition(sequence: 1, checkpoint: 0), in: fixture.ledger)
        #expect(position.sequence == 3)
    }

    @Test func theLedgersNoteCountsWhereTheFileIsNew() async throws {
        let fixture = try await AuditFixture()
        try await fixture.grow(by: 3)
        let stored = AuditPosition(sequence: 2, checkpoint: 0)
        #expect(try await sink(fixture).position(after: stored, in: fixture.ledger) == stored)
    }

    @Test func aFileThatWasMovedAwayIsLeftAlone() async throws {
        let fixture = try await AuditFixture()
        try await fixture.grow(by: 2)
        let lines = try await fixture.lines(), sink = sink(fixture)
        try await deliver(Array(lines[..<1]), to: sink)
        try FileManager.default.moveItem(atPath: sink.destination, toPath: fixture.folder + "/audit.log.1")
        try await deliver(Array(lines[1..<2]), to: sink)
        #expect(fixture.text(of: "audit.log.1") == lines[..<1].text)
        #expect(fixture.text(of: "audit.log") == lines[1..<2].text)
        // As logrotate does with `copytruncate`.
        #expect(truncate(sink.destination, 0) == 0)
        try await deliver(Array(lines[2...]), to: sink)
        #expect(fixture.text(of: "audit.log") == lines[2...].text)
    }

    @Test("A batch that does not fit on the disk is not in the file at all")
    func diskFull() async throws {
        let fixture = try await AuditFixture()
        try await fixture.grow(by: 5)
        let lines = try await fixture.lines(), sink = sink(fixture)
        try await deliver(Array(lines[..<2]), to: sink)
        // Room for one and a half more.
        let room = lines[..<3].text.utf8.count + lines[3].text.utf8.count / 2
        let failure = await FileSizeLimit.limited(to: room) {
            await #expect(throws: SinkFailure.self) { try await sink.deliver(lines[2...]) }
        }
        #expect(failure?.reason.contains("cannot write") == true)
        #expect(fixture.text(of: "audit.log") == lines[..<2].text)
        try await deliver(Array(lines[2...]), to: sink)
        #expect(fixture.text(of: "audit.log") == lines.text)
    }

    @Test func whatIsNoAuditLogIsPutAsideUnchanged() async throws {
        let fixture = try await AuditFixture()
        let lines = try await fixture.lines()
        for (index, other) in ["somebody else's\n", "torn", "\n", "{\"sequence\":1}\nx"].enumerated() {
            try other.write(toFile: fixture.folder + "/audit.log", atomically: true, encoding: .utf8)
            try await deliver(lines, to: sink(fixture))
            #expect(fixture.text(of: "audit.log") == lines.text)
            let ending = index == 0 ? "" : "-\(index + 1)"
            #expect(fixture.text(of: "audit.log." + String(repeating: "0", count: 19) + ending) == other)
        }
    }

    @Test("Records of another history under the same numbers get a file of their own")
    func otherHistory() async throws {
        let one = try await AuditFixture(), other = try await AuditFixture()
        try await one.grow(by: 2)
        try await other.grow(by: 4)
        let old = try await one.lines(), stored = AuditPosition(sequence: 1, checkpoint: 0)
        try old.text.write(toFile: other.folder + "/audit.log", atomically: true, encoding: .utf8)
        let sink = sink(other)
        #expect(try await sink.position(after: stored, in: other.ledger) == stored)
        let lines = try await other.lines(after: 1)
        try await deliver(lines, to: sink)
        #expect(other.text(of: "audit.log") == lines.text)
        #expect(other.text(of: "audit.log.0000000000000000001") == old.text)
        // Once more, when the file before holds another history and the file none yet.
        try FileManager.default.removeItem(atPath: sink.destination)
        #expect(try await self.sink(other).position(after: stored, in: other.ledger) == stored)
        #expect(other.files == ["audit.log", "audit.log.0000000000000000001"])
    }

    @Test func recordsBeyondTheLedgersEndAreAnotherHistory() async throws {
        let longer = try await AuditFixture(), fixture = try await AuditFixture()
        try await longer.grow(by: 5)
        try (try await longer.lines()).text.write(
            toFile: fixture.folder + "/audit.log", atomically: true, encoding: .utf8)
        #expect(try await sink(fixture).position(after: .start, in: fixture.ledger) == .start)
        #expect(fixture.files == ["audit.log.0000000000000000001"])
    }

    @Test func onlyOneWritesAFile() async throws {
        let fixture = try await AuditFixture()
        let lines = try await fixture.lines(), first = sink(fixture)
        try await deliver(lines, to: first)
        let failure = await #expect(throws: SinkFailure.self) { try await sink(fixture).deliver(lines[...]) }
        #expect(failure?.reason.contains("in use") == true)
        #expect(fixture.text(of: "audit.log") == lines.text)
    }

    @Test func aFolderThatIsMissingALinkAndAPipeAreRefused() async throws {
        let fixture = try await AuditFixture()
        let lines = try await fixture.lines(), path = fixture.folder + "/audit.log"
        #expect(mkfifo(path, 0o600) == 0)
        await #expect(throws: SinkFailure.self) { try await self.sink(fixture).deliver(lines[...]) }
        unlink(path)
        #expect(symlink(fixture.folder + "/elsewhere", path) == 0)
        await #expect(throws: SinkFailure.self) { try await self.sink(fixture).deliver(lines[...]) }
        #expect(fixture.text(of: "elsewhere") == nil)
        let folder = fixture.folder + "/later"
        let sink = FileSink(path: folder + "/a", maximumBytes: 1, kept: nil, logger: AuditFixture.logger)
        let failure = await #expect(throws: SinkFailure.self) { try await sink.deliver(lines[...]) }
        #expect(failure?.reason.contains("No such file") == true)
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        try await deliver(lines, to: sink)
        #expect(fixture.text(of: "later/a") == lines.text)
    }
}

/// The most that a file of this process may hold, for a while.
private enum FileSizeLimit {
    static func limited<Value>(to bytes: Int, _ work: () async throws -> Value) async rethrows -> Value {
        // Otherwise the signal would end the process.
        signal(SIGXFSZ, SIG_IGN)
        var before = rlimit()
        getrlimit(__rlimit_resource_t(RLIMIT_FSIZE.rawValue), &before)
        var limit = before
        limit.rlim_cur = rlim_t(bytes)
        setrlimit(__rlimit_resource_t(RLIMIT_FSIZE.rawValue), &limit)
        defer { setrlimit(__rlimit_resource_t(RLIMIT_FSIZE.rawValue), &before) }
        return try await work()
    }
}
