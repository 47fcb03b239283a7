import Auth
import FoundationEssentials
import Quota

/// The rows of sandboxes that tenants drive themselves.
enum SandboxStore {
    // MARK: Reading

    /// Those that have not ended: of a tenant, or all.
    static func book(
        in database: any SQLConnection, handles: [Int64: String], sealer: Sealer, of tenant: Tenant? = nil
    ) throws -> SandboxBook {
        var book = SandboxBook()
        let leases = try openLeases(in: database, of: tenant)
        let rows = try database.cursor(
            """
            SELECT owned_sandbox.*, sealed FROM owned_sandbox
            LEFT JOIN sandbox_access ON sandbox_access.handle = owned_sandbox.handle
            WHERE state <> 'ended' AND (owned_sandbox.tenant = ?1 OR ?1 IS NULL)
            """, [tenant?.id])
        while let row = try rows.next() {
            let text: String = row["handle"]
            guard let handle = SandboxHandle(text), let tenant = handles[row["tenant"]] else {
                throw LedgerFailure.damaged("owned_sandbox/\(text)")
            }
            book.set(try sandbox(row, handle, tenant: tenant, lease: leases[text], sealer: sealer))
        }
        return book
    }

    private static func sandbox(
        _ row: SQLRow, _ handle: SandboxHandle, tenant: String, lease: SandboxLease?, sealer: Sealer
    ) throws -> OwnedSandbox {
        let state: String = row["state"], expiry: String = row["expiry"]
        guard let state = OwnedSandbox.State(rawValue: state), let expiry = OwnedSandbox.Expiry(rawValue: expiry),
            let claims = try? Document.value(Claims.self, from: row["claims"])
        else { throw LedgerFailure.damaged("owned_sandbox/\(handle)") }
        let admittedAt = Moment(nanoseconds: row["admitted_at"])
        return OwnedSandbox(
            handle: handle, id: row["sandbox"] ?? "", tenant: tenant, claims: claims, template: row["template"],
            metadata: try Document.value(from: row["metadata"]), expiry: expiry, state: state,
            startedAt: Accounts.moment(row, "started_at") ?? admittedAt, endsAt: Moment(nanoseconds: row["ends_at"]),
            access: try access(row, handle, sealer: sealer), lease: lease,
            origin: Lease.Origin(
                keyID: claims.keyID, subject: claims.subject?.recordable, requestID: row["request_id"],
                sourceAddress: row["source_address"], traceID: row["trace_id"]
            )
        )
    }

    private static func access(_ row: SQLRow, _ handle: SandboxHandle, sealer: Sealer) throws -> SandboxAccess? {
        let sealed: [UInt8]? = row["sealed"]
        guard let sealed else { return nil }
        let label = SealedColumn.sandboxAccess.label(handle.text)
        guard let text = try? sealer.open(sealed, as: label) else { throw LedgerFailure.damaged(label) }
        return try Document.value(from: String(decoding: text, as: UTF8.self))
    }

    private static func openLeases(
        in database: any SQLConnection, of tenant: Tenant?
    ) throws -> [String: SandboxLease] {
        let sql = """
            SELECT *, number > (SELECT min(number) FROM sandbox_lease AS first WHERE first.handle = sandbox_lease.handle)
                AS is_prolongation
            FROM sandbox_lease WHERE finished_at IS NULL AND (tenant = ?1 OR ?1 IS NULL)
            """
        var leases: [String: SandboxLease] = [:]
        let rows = try database.cursor(sql, [tenant?.id])
        while let row = try rows.next() {
            leases[row["handle"]] = SandboxLease(
                number: row["number"], grant: try Document.value(from: row["grant_document"]),
                admittedAt: Moment(nanoseconds: row["admitted_at"]), isProlongation: row["is_prolongation"],
                shadowed: row["shadowed"], heldSince: Accounts.moment(row, "held_since")
            )
        }
        return leases
    }

    // MARK: Writing

    static func insert(
        _ sandbox: OwnedSandbox, of tenant: Tenant, idempotency: SandboxIdempotency?, in draft: Draft
    ) throws {
        try draft.execute(
            """
            INSERT INTO owned_sandbox (
                handle, tenant, claims, request_id, trace_id, source_address, template, metadata, expiry, state, epoch,
                admitted_at, ends_at, idempotency_key, fingerprint
            ) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
            """,
            [
                sandbox.handle.text, tenant.id, try Document.text(sandbox.claims), sandbox.origin.requestID,
                sandbox.origin.traceID, sandbox.origin.sourceAddress, sandbox.template,
                try Document.text(sandbox.metadata), sandbox.expiry.rawValue, sandbox.state.rawValue, draft.epoch,
                draft.now.nanoseconds, sandbox.endsAt.nanoseconds, idempotency?.key, idempotency?.fingerprint,
            ]
        )
    }

    /// Writes what changes in the course of a life.
    static func update(_ sandbox: OwnedSandbox, in draft: Draft) throws {
        let isThere = sandbox.state == .running || sandbox.state == .paused
        try draft.execute(
            "UPDATE owned_sandbox SET sandbox = ?, state = ?, started_at = ?, ends_at = ? WHERE handle = ?",
            [
                sandbox.id.isEmpty ? nil : sandbox.id, sandbox.state.rawValue,
                isThere ? sandbox.startedAt.nanoseconds : nil, sandbox.endsAt.nanoseconds, sandbox.handle.text,
            ]
        )
    }

    /// Writes that this gateway is the one that holds room for it upstream.
    static func takeOver(_ sandbox: OwnedSandbox, in draft: Draft) throws {
        try draft.execute(
            "UPDATE owned_sandbox SET epoch = ? WHERE handle = ?", [draft.epoch, sandbox.handle.text])
    }

    static func insert(_ access: SandboxAccess, of handle: SandboxHandle, in draft: Draft) throws {
        let label = SealedColumn.sandboxAccess.label(handle.text)
        guard let sealed = try? draft.changes.sealer.seal(Array(try Document.text(access).utf8), as: label) else {
            throw LedgerFailure.unavailable("the sandbox's tokens could not be sealed")
        }
        try draft.execute(
            "INSERT INTO sandbox_access (handle, sealed) VALUES (?, ?)", [handle.text, sealed])
    }

    /// Writes that a sandbox is over; with an id it is to be destroyed.
    static func end(_ sandbox: OwnedSandbox, because reason: String, in draft: Draft) throws {
        try draft.execute(
            """
            UPDATE owned_sandbox SET sandbox = ?, state = 'ended', ended_at = ?, reason = ?, doomed_at = ?
            WHERE handle = ?
            """,
            [
                sandbox.id.isEmpty ? nil : sandbox.id, draft.now.nanoseconds, reason,
                sandbox.id.isEmpty ? nil : draft.now.nanoseconds, sandbox.handle.text,
            ]
        )
        try draft.execute("DELETE FROM sandbox_access WHERE handle = ?", [sandbox.handle.text])
    }

    /// A new lease's row, held from `since` on if the sandbox is there.
    static func lease(
        _ grant: Grant, of sandbox: OwnedSandbox, _ tenant: Tenant, isProlongation: Bool, shadowed: String?,
        heldSince since: Moment?, in draft: Draft
    ) throws -> SandboxLease {
        let number = try draft.database.insert(
            """
            INSERT INTO sandbox_lease (
                handle, tenant, key, subject, grant_document, timeout_granted, admitted_at, held_since, shadowed
            ) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING number
            """,
            [
                sandbox.handle.text, tenant.id, "\(sandbox.keyID)", sandbox.origin.subject, try Document.text(grant),
                grant.timeoutMilliseconds, draft.now.nanoseconds, since?.nanoseconds, shadowed,
            ]
        )
        return SandboxLease(
            number: number, grant: grant, admittedAt: draft.now,
            isProlongation: isProlongation, shadowed: shadowed, heldSince: since
        )
    }

    static func settle(_ lease: SandboxLease, _ settlement: Settlement, in draft: Draft) throws {
        try draft.execute(
            """
            UPDATE sandbox_lease
            SET grant_document = NULL, finished_at = ?, charged = ?, credit = ?, overrun = ? WHERE number = ?
            """,
            [
                draft.now.nanoseconds, settlement.chargedMilliseconds, settlement.creditMilliseconds,
                settlement.overrunMilliseconds, lease.number,
            ]
        )
    }
}
