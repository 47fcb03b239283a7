import Foundation
import TestSupport
import Testing

@testable import Ledger

/// A move that breaks off, wherever: either nothing has changed, or repeating it finishes it; and never do two places serve.
@Suite(.onAServer) struct InterruptedMoveTests {
    @Test("A server that refuses something leaves the ledger where it was")
    func refused() async throws {
        let moving = try await MovingLedger()
        // No room for what the transaction makes.
        try moving.ask { try $0.execute("CREATE TABLE sandbox_lease (number BIGINT)") }
        #expect(throws: LedgerMoveFailure.self) { try moving.move().perform(by: "test") }
        #expect(try !moving.hasArrived)
        await (try moving.openedFile()).close()
        try moving.ask { try $0.execute("DROP TABLE sandbox_lease") }
        #expect(try moving.move().perform(by: "test").check?.isSound == true)
    }

    @Test(
        "A server that is lost while rows travel, or while they are checked, leaves the ledger where it was",
        arguments: [false, true])
    func cut(whileChecking: Bool) async throws {
        let server = try await PostgreSQLServer.hasty()
        let address = try await server.makeDatabase()
        let moving = try await MovingLedger(target: address)
        let name = try #require(address.split(separator: "/").last)
        #expect(throws: LedgerMoveFailure.self) {
            try moving.move().perform(by: "test") { progress in
                let isChecking = if case .checking = progress { true } else { false }
                guard isChecking == whileChecking else { return }
                _ = try? server.query(
                    "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = '\(name)'")
            }
        }
        #expect(try !moving.hasArrived)
        await (try moving.openedFile()).close()
        #expect(try moving.move().perform(by: "test").check?.isSound == true)
    }

    @Test("Killed between leaving the file and the commit, it is served from nowhere until the move is repeated")
    func beforeCommit() async throws {
        let moving = try await MovingLedger()
        let file = MovedFile(path: moving.test.path)
        _ = try LedgerStore.foldJournal(at: file.path)
        try file.leave(for: moving.target.description)
        #expect(throws: LedgerFailure.missing(path: file.path)) { try moving.openedFile() }
        let moved = try moving.move().perform(by: "test")
        #expect(moved.check?.isSound == true && moved.keptAt == file.keptAt)
        #expect(try moving.hasArrived)
    }

    @Test("A move that was interrupted is repeated to the same place, where it may have arrived, and to no other")
    func elsewhere() async throws {
        let moving = try await MovingLedger()
        let file = MovedFile(path: moving.test.path)
        _ = try LedgerStore.foldJournal(at: file.path)
        try file.leave(for: "postgres://elsewhere/ledger")
        do {
            _ = try moving.move().perform(by: "test")
            Issue.record("it moved")
        } catch LedgerMoveFailure.left(let place) {
            #expect(place == "postgres://elsewhere/ledger")
        }
        #expect(try !moving.hasArrived && file.hasLeft)
    }

    @Test("Repeated after it was done, it finds that nothing is left, also when only the file's name was lost")
    func repeated() async throws {
        let moving = try await MovingLedger()
        let first = try moving.move().perform(by: "test")
        let again = try moving.move().perform(by: "test")
        #expect(again.check == nil && again.sequence == first.sequence && again.hash == first.hash)
        let ledger = try moving.opened()
        _ = try await ledger.recover()
        await ledger.close()

        try FileManager.default.moveItem(atPath: first.keptAt, toPath: moving.test.path)
        #expect(try moving.move().perform(by: "test").keptAt == first.keptAt)
        #expect(throws: LedgerFailure.missing(path: moving.test.path)) { try moving.openedFile() }
    }

    @Test("A file that was served from after it moved does not move again over what went on elsewhere")
    func diverged() async throws {
        let moving = try await MovingLedger()
        let first = try moving.move().perform(by: "test")
        try FileManager.default.moveItem(atPath: first.keptAt, toPath: moving.test.path)
        let ledger = try moving.openedFile()
        try await ledger.createTenant("later", by: "test")
        await ledger.close()
        do {
            _ = try moving.move().perform(by: "test")
            Issue.record("it moved")
        } catch LedgerMoveFailure.diverged(let place) {
            #expect(place == moving.target.description)
        }
        await (try moving.openedFile()).close()
    }

    @Test("A ledger that took the place of one that moved is not renamed over it")
    func inTheWay() async throws {
        let moving = try await MovingLedger()
        let first = try moving.move().perform(by: "test")
        try FileManager.default.copyItem(atPath: first.keptAt, toPath: moving.test.path)
        do {
            _ = try moving.move()
            Issue.record("it began")
        } catch LedgerMoveFailure.keptFileInTheWay(let path) {
            #expect(path == first.keptAt)
        }
    }

    /// A ledger whose way to the server is a wire.
    private func wired() async throws -> (MovingLedger, FaultyWire) {
        let server = try await PostgreSQLServer.hasty()
        let wire = try FaultyWire(to: server.port)
        let address = try await server.makeDatabase()
        return (
            try await MovingLedger(
                target: address.replacing(":\(server.port)", with: ":\(wire.port)") + "?sslmode=disable"), wire
        )
    }

    @Test("A commit of which nobody heard is looked for: it is there, or it is not", arguments: [true, false])
    func unheardCommit(arrives: Bool) async throws {
        let (moving, wire) = try await wired()
        let move = try moving.move()
        let moved = Result {
            try move.perform(by: "test") { progress in
                // Every message has a zero in it.
                if case .committing = progress { wire.fault = arrives ? .cutAfter("\0") : .cutBefore("\0") }
            }
        }
        move.release()
        #expect(try moving.hasArrived == arrives)
        if arrives {
            #expect(try moved.get().keptAt == moving.test.path + ".moved")
            #expect(throws: LedgerFailure.missing(path: moving.test.path)) { try moving.openedFile() }
        } else {
            #expect(throws: LedgerMoveFailure.self) { try moved.get() }
            await (try moving.openedFile()).close()
        }
    }

    @Test("As long as nobody knows whether it was committed, it is served from nowhere, and repeating finds out")
    func undecided() async throws {
        let (moving, wire) = try await wired()
        let move = try LedgerMove(
            of: moving.test.path, to: moving.server, rootKey: moving.test.rootKey, patience: .milliseconds(300))
        do {
            _ = try move.perform(by: "test") { progress in
                guard case .committing = progress else { return }
                wire.nextFault = .refusal
                wire.fault = .cutAfter("\0")
            }
            Issue.record("it moved")
        } catch LedgerMoveFailure.undecided {
            #expect(throws: LedgerFailure.missing(path: moving.test.path)) { try moving.openedFile() }
        }
        move.release()
        wire.fault = .none
        #expect(try moving.move().perform(by: "test").keptAt == moving.test.path + ".moved")
        #expect(try moving.hasArrived)
    }
}
