import Auth
import Dispatch
import Foundation
import GRDB
import Glibc
import Quota
import TestSupport
import Testing

@testable import Ledger

/// What happens when the ledger cannot be written: refusals at once, nothing half done, nothing lost, healthy again alone.
struct OutageTests {
    /// The time a call took, and whether it was refused as unavailable.
    private func refusal(_ test: TestLedger) async -> (isUnavailable: Bool, took: Duration) {
        let start = ContinuousClock.now
        do throws(AdmissionFailure) {
            _ = try await test.ledger.admit(test.order())
            return (false, start.duration(to: .now))
        } catch {
            guard case .unavailable = error else { return (false, start.duration(to: .now)) }
            return (true, start.duration(to: .now))
        }
    }

    @Test("While the file is locked calls are refused within a second, and served when it is free", .ofAFile)
    func locked() async throws {
        let test = try await TestLedger()
        let intruder = try Intruder(test)
        let refused = await withTaskExecutorPreference(OwnThread()) { await refusal(test) }
        #expect(refused.isUnavailable && refused.took < .seconds(1))
        #expect(!test.ledger.isWritable)
        await #expect(throws: LedgerFailure.self) { try await test.ledger.checkHealth() }
        _ = try test.ledger.authenticate(test.key.token)
        #expect(try await test.usage().executions == 0)

        try intruder.leave()
        try await test.ledger.checkHealth()
        #expect(test.ledger.isWritable)
        _ = try await test.ledger.admit(test.order())
        #expect(try await test.usage().executions == 1)
        #expect(try await test.ledger.verifyAudit().isIntact)
    }

    @Test("A hundred callers at a locked ledger are refused together, after one wait for the lock")
    func crowdAtLockedLedger() async throws {
        let test = try await TestLedger()
        let intruder = try Intruder(test)
        // More than one commit could take, all queued before the first is tried.
        let crowd = GroupCommit.largestCommit + 100
        let refused = Tally()
        await test.ledger.holdingTheWriter { [ledger = test.ledger] in
            for _ in 0..<crowd {
                Task {
                    if (try? await ledger.admit(test.order())) == nil { refused.add() }
                }
            }
            while ledger.commits.waiting < crowd { sched_yield() }
        }
        #expect(try await eventually { refused.count == crowd })
        #expect(test.ledger.commits.failures == 1)
        try intruder.leave()
        _ = try await test.ledger.admit(test.order())
        #expect(try await test.usage().executions == 1)
    }

    @Test("A settlement that cannot be written is kept, and written when the cause is gone")
    func settlementWaits() async throws {
        let test = try await TestLedger()
        let lease = try await test.ledger.admit(test.order(timeout: 1_000))
        let intruder = try Intruder(test)
        await test.ledger.recordSandbox("sbx1", for: lease)
        await #expect(throws: LedgerFailure.self) {
            try await test.ledger.settle(lease, with: .completed(held: 300))
        }
        #expect(await !test.ledger.payDebts())
        try intruder.leave()
        #expect(await test.ledger.payDebts())
        #expect(try await test.usage().executions == 0)
        let record = try await test.ledger.execution(lease.executionID.text, of: TestLedger.tenant)
        #expect(record?.runtimeMilliseconds == 300)
        #expect(try await test.ledger.sandboxesToDestroy() == ["sbx1"])
        #expect(try await test.ledger.settle(lease, with: .completed(held: 9)).wasSettledBefore)
    }

    @Test("A sandbox whose record never reached the disk is doomed by the settlement all the same")
    func sandboxUnrecorded() async throws {
        let test = try await TestLedger()
        let lease = try await test.ledger.admit(test.order())
        let intruder = try Intruder(test)
        await test.ledger.recordSandbox("sbx1", for: lease)
        try intruder.leave()
        _ = try await test.ledger.settle(lease, with: .completed(held: 1))
        #expect(try await test.ledger.sandboxesToDestroy() == ["sbx1"])
        // The owed record comes last and must not bring the sandbox back to life.
        #expect(await test.ledger.payDebts())
        #expect(try await test.ledger.sandboxesToDestroy() == ["sbx1"])
    }

    @Test("A full database refuses, stays whole, and serves again when there is room", .ofAFile)
    func full() async throws {
        let test = try await TestLedger()
        let lease = try await test.ledger.admit(test.order())
        let pages = try await test.ledger.pool.write { database in
            let pages = try Int.fetchOne(database, sql: "PRAGMA page_count") ?? 0
            try database.execute(sql: "PRAGMA max_page_count = \(pages)")
            return pages
        }
        var admitted = 1
        while await !refusal(test).isUnavailable, admitted < 10_000 { admitted += 1 }
        #expect(admitted < 10_000)
        #expect(try await test.usage().executions == admitted)
        #expect(try await test.ledger.verifyAudit().isIntact)

        try test.ledger.tamper("PRAGMA max_page_count = \(pages * 100)")
        _ = try await test.ledger.admit(test.order())
        _ = try await test.ledger.settle(lease, with: .completed(held: 1))
        #expect(try await test.usage().executions == admitted)
        #expect(try await test.ledger.verifyAudit().isIntact)
    }

    @Test(
        "A file or folder its user may not write is told so, and works once it may", .ofAFile,
        .enabled(if: geteuid() != 0))
    func permissions() async throws {
        let test = try await TestLedger()
        await test.ledger.close()
        chmod(test.path, 0o400)
        #expect(isUnavailable { try Ledger.open(at: test.path, rootKey: test.rootKey) })
        chmod(test.path, 0o600)
        chmod(test.folder.path, 0o500)
        #expect(isUnavailable { try Ledger.create(at: test.folder.path + "/new.db", rootKey: .random()) })
        chmod(test.folder.path, 0o700)
        _ = try Ledger.open(at: test.path, rootKey: test.rootKey)
    }

    @Test("On a read-only disk a ledger is neither made nor opened", .ofAFile, .enabled(if: SmallDisk.isPossible))
    func readOnlyDisk() async throws {
        let disk = try #require(try SmallDisk())
        let path = disk.folder.path + "/gateway.db"
        let rootKey = RootKey.random()
        try await Ledger.create(at: path, rootKey: rootKey).close()
        disk.setWritable(false)
        #expect(isUnavailable { try Ledger.open(at: path, rootKey: rootKey) })
        #expect(isUnavailable { try Ledger.create(at: path + "2", rootKey: rootKey) })
        disk.setWritable(true)
        let ledger = try Ledger.open(at: path, rootKey: rootKey)
        try await ledger.createTenant("acme", by: "test")
        await ledger.close()
    }

    private func isUnavailable(_ open: () throws -> Ledger) -> Bool {
        do {
            _ = try open()
            return false
        } catch LedgerFailure.unavailable {
            return true
        } catch {
            return false
        }
    }

    @Test(
        "A disk that is full refuses, and serves again when there is room", .ofAFile, .enabled(if: SmallDisk.isPossible)
    )
    func realDisk() async throws {
        let disk = try #require(try SmallDisk())
        let folder = disk.folder
        let path = folder.path + "/gateway.db"
        let ledger = try Ledger.create(at: path, rootKey: .random())
        try await ledger.createTenant("acme", policy: .unlimited, by: "test")
        let key = try await ledger.issueKey(for: "acme", by: "test")
        let order: @Sendable () -> AdmissionOrder = {
            AdmissionOrder(
                executionID: .random(), tenant: "acme", keyID: key.key.id, requestID: "r", sourceAddress: "::1",
                timeoutMilliseconds: 5, code: [])
        }
        let ballast = folder.path + "/ballast"
        #expect(FileManager.default.createFile(atPath: ballast, contents: nil))
        let handle = try FileHandle(forWritingTo: URL(filePath: ballast))
        while (try? handle.write(contentsOf: Data(count: 4_096))) != nil {}
        var refused = false
        for _ in 0..<1_000 where !refused {
            refused = (try? await ledger.admit(order())) == nil
        }
        #expect(refused && !ledger.isWritable)
        try handle.truncate(atOffset: 0)
        _ = try await ledger.admit(order())
        #expect(ledger.isWritable)
        #expect(try await ledger.verifyAudit().isIntact)
        await ledger.close()
    }
}

/// A file system of a megabyte in memory; needs the right to mount.
private final class SmallDisk {
    let folder: TemporaryFolder

    static let isPossible = (try? SmallDisk()) != nil

    init?() throws {
        folder = try TemporaryFolder()
        guard mount("tmpfs", folder.path, "tmpfs", 0, "size=1m,mode=700") == 0 else { return nil }
    }

    func setWritable(_ writable: Bool) {
        let flags = UInt(MS_REMOUNT) | (writable ? 0 : UInt(MS_RDONLY))
        #expect(mount("tmpfs", folder.path, "tmpfs", flags, "size=1m,mode=700") == 0)
    }

    deinit { umount2(folder.path, Int32(MNT_DETACH)) }
}

/// Runs a task apart from the shared threads, so that its times are its own and not those of busy neighbours.
private final class OwnThread: TaskExecutor {
    private let queue = DispatchQueue(label: "own thread")

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        queue.async { job.runSynchronously(on: self.asUnownedTaskExecutor()) }
    }
}
