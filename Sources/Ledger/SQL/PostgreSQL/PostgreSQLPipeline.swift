/// What is sent to a server and what comes back, as a pipeline: statements go out without waiting for the answers to those
/// before them. It lives on one thread.
///
/// The server answers in order. A statement that fails makes it skip all that follows, up to the next sync. Neither side
/// ever waits for the other to read: the socket is not blocked on, and what comes is taken in while anything goes out.
final class PostgreSQLPipeline {
    /// What the server has yet to answer.
    private enum Step {
        case preparation(name: String)
        case deallocation(name: String)
        case statement(scope: Int, keeping: Kept?)
        case sync
    }

    /// An answer that is kept for later.
    enum Kept {
        /// Which server it is.
        case server
        /// Which transaction it is.
        case transaction
    }

    /// A statement that failed.
    struct Failed {
        let failure: SQLFailure
        let scope: Int
    }

    /// After so many statements, or bytes, what is still here is sent and what has come is taken in. Of bytes fewer than libpq
    /// sends by itself (64 KiB): see ``keepFlowing(_:)``.
    private static let lookAfter = (statements: 64, bytes: 1 << 15)
    /// How many statements are kept prepared.
    static let preparedStatements = 500
    /// TLS may hold back what has come: it is looked for although the socket is silent.
    private static let encryptedLook = Duration.milliseconds(50)

    private let libpq: LibpqConnection
    /// How long the server may be silent while something is asked of it.
    var patience: Duration
    /// Scopes below this one are over; their failures are nobody's concern any more.
    private var firstScope = 0
    /// Scopes whose statements were taken back.
    private var takenBack: [ClosedRange<Int>] = []

    private var steps: [Step] = []
    /// The first step that is not answered yet.
    private var head = 0
    private var prepared = PreparedStatements(limit: preparedStatements)
    /// The answer to the statement at the head, and afterwards to the last one.
    private var answer: LibpqResult?
    private var kept: [Kept: LibpqResult] = [:]
    private var sentSinceLook = (statements: 0, bytes: 0)

    /// The first statement that failed and was not forgiven.
    private(set) var failed: Failed?
    /// Why the connection is of no use any more.
    private(set) var lost: SQLFailure?
    /// Whether the server holds on to something that only a new connection is free of.
    private(set) var isSpent = false
    /// How often an answer was waited for.
    private(set) var roundTrips = 0
    /// How many statements are prepared.
    var preparedCount: Int { prepared.count }
    /// How many the server has not answered.
    var unanswered: Int { steps.count - head }

    init(_ libpq: LibpqConnection, patience: Duration) {
        self.libpq = libpq
        self.patience = patience
    }

    // MARK: Sending

    /// Sends a statement that will be sent again with other values.
    ///
    /// - Parameters:
    ///   - scope: told when it fails.
    ///   - place: where its answer is kept, if it is; one that is there is dropped.
    func send(
        _ sql: String, _ parameters: [SQLValue], scope: Int, keeping place: Kept? = nil
    ) throws(SQLFailure) {
        try check()
        try Self.check(parameters)
        let name = try prepare(sql)
        guard libpq.sendPrepared(name, parameters) else { throw lose() }
        if let place { kept[place] = nil }
        steps.append(.statement(scope: scope, keeping: place))
        try keepFlowing(parameters)
    }

    /// Sends a statement of which there will be no other.
    func sendOnce(_ sql: String, _ parameters: [SQLValue] = [], scope: Int) throws(SQLFailure) {
        try check()
        try Self.check(parameters)
        guard libpq.send(PostgreSQLPlaceholders.numbered(sql), parameters) else { throw lose() }
        steps.append(.statement(scope: scope, keeping: nil))
        try keepFlowing(parameters)
    }

    /// Ends a segment: whatever failed before, what follows is not skipped.
    func sync() throws(SQLFailure) {
        try mark()
        prepared.segmentEnds()
    }

    private func mark() throws(SQLFailure) {
        if let lost { throw lost }
        guard libpq.sendSync() else { throw lose() }
        steps.append(.sync)
    }

    /// Sends what is still here, as far as that does not take waiting.
    func flush() {
        if lost == nil && libpq.flush() == .failed { _ = lose() }
    }

    private func prepare(_ sql: String) throws(SQLFailure) -> String {
        if let name = prepared.name(of: sql) { return name }
        let name = prepared.add(sql)
        while let leftover = prepared.nextLeftover() {
            guard libpq.send("DEALLOCATE \(leftover)", []) else { throw lose() }
            steps.append(.deallocation(name: leftover))
        }
        guard libpq.sendPreparation(name, PostgreSQLPlaceholders.numbered(sql)) else { throw lose() }
        steps.append(.preparation(name: name))
        return name
    }

    /// PostgreSQL's texts cannot hold the character NUL.
    private static func check(_ parameters: [SQLValue]) throws(SQLFailure) {
        for case .text(let text) in parameters where text.utf8.contains(0) {
            throw SQLFailure(sqlState: "22021", message: "a text holds the character NUL")
        }
    }

    /// Throws why nothing can be sent at present.
    func check() throws(SQLFailure) {
        if let lost { throw lost }
        if let failed { throw failed.failure }
    }

    /// Sees to it that what was sent goes out, and takes in what has come, after some statements.
    ///
    /// Nothing goes out without a sync behind it. Until one comes the server does not take the session for idle, and would wait
    /// for ever, with all its locks, for a gateway that is frozen. What is being prepared keeps its name nevertheless: it is
    /// only skipped where the transaction is lost.
    private func keepFlowing(_ parameters: [SQLValue]) throws(SQLFailure) {
        sentSinceLook.statements += 1
        for case .text(let text) in parameters { sentSinceLook.bytes += text.utf8.count }
        for case .bytes(let bytes) in parameters { sentSinceLook.bytes += bytes.count }
        guard sentSinceLook.statements >= Self.lookAfter.statements || sentSinceLook.bytes >= Self.lookAfter.bytes
        else {
            return
        }
        sentSinceLook = (0, 0)
        try mark()
        var deadline = ContinuousClock.now + patience
        var progress = libpq.flush()
        while progress == .wantsWriting {
            if try wait(until: deadline, writing: true) { deadline = .now + patience }
            try takeIn()
            progress = libpq.flush()
        }
        guard progress == .done, libpq.consume() else { throw lose() }
        try takeIn()
        try check()
    }

    // MARK: Receiving

    /// Waits for the answers to all that was sent.
    ///
    /// - Returns: that of the last statement.
    func settle() throws(SQLFailure) -> LibpqResult {
        try sync()
        roundTrips += 1
        try receiveAll()
        try check()
        defer { answer = nil }
        guard let answer else { throw lose("it answered nothing") }
        return answer
    }

    /// The row of an answer that was kept, if it has come.
    func row(keptAs place: Kept) -> SQLRow? { kept[place].flatMap { SQLRow.all(of: $0).first } }

    /// Takes in what came without being waited for.
    ///
    /// - Returns: whether the connection is still there.
    func look() -> Bool {
        while lost == nil, PostgreSQLSocket.isReadable(libpq.socket) {
            guard libpq.consume(), (try? takeIn()) != nil else {
                _ = lose()
                return false
            }
        }
        return lost == nil
    }

    // MARK: Forgiving

    /// Forgets the failures of these scopes, past and to come: what they did is being taken back.
    func forgive(_ scopes: ClosedRange<Int>) {
        takenBack.append(scopes)
        forgetForgiven()
    }

    /// Forgets the failures of all scopes before this one.
    func forgive(before scope: Int) {
        firstScope = scope
        takenBack = []
        forgetForgiven()
    }

    private func forgetForgiven() {
        if let scope = failed?.scope, isForgiven(scope) { failed = nil }
    }

    private func isForgiven(_ scope: Int) -> Bool {
        scope < firstScope || takenBack.contains { $0.contains(scope) }
    }

    // MARK: Between statements

    /// The payloads of the notifications that have come.
    func notifications() -> [String] {
        var payloads: [String] = []
        while let payload = libpq.nextNotification() { payloads.append(payload) }
        return payloads
    }

    /// What to wait for where nothing is asked.
    var socket: Int32 { libpq.socket }

    /// What stops a statement from elsewhere.
    var cancellation: LibpqCancellation? { libpq.cancellation() }

    private func receiveAll() throws(SQLFailure) {
        var deadline = ContinuousClock.now + patience
        while true {
            try takeIn()
            guard unanswered > 0 else { return }
            // One that cannot be written to may still have said why.
            let isWriting = libpq.flush() == .wantsWriting
            if try wait(until: deadline, writing: isWriting) { deadline = .now + patience }
        }
    }

    /// - Returns: whether anything moved.
    private func wait(until deadline: ContinuousClock.Instant, writing: Bool) throws(SQLFailure) -> Bool {
        let look = libpq.isEncrypted ? min(deadline, .now + Self.encryptedLook) : deadline
        let ready = PostgreSQLSocket.ready([(libpq.socket, for: writing ? .either : .reading)], until: look)
        if ready.isEmpty && ContinuousClock.now >= deadline { throw lose("it does not answer") }
        // What came before the end is still to be taken in.
        if !libpq.consume() { try takeIn() }
        if libpq.isBroken && unanswered > 0 { throw lose() }
        return !ready.isEmpty
    }

    /// Takes in the answers that are here.
    private func takeIn() throws(SQLFailure) {
        while head < steps.count, !libpq.isBusy {
            let result = libpq.nextResult()
            switch (steps[head], result?.status) {
            case (.sync, .sync): advance()
            case (.sync, nil), (.sync, .succeeded), (.sync, .skipped), (_, .sync), (_, .unexpected):
                throw lose("its answers are out of step")
            case (_, nil): advance()
            case (.preparation(let name), .succeeded): prepared.answered(name, isPrepared: true)
            case (.preparation(let name), .skipped): prepared.answered(name, isPrepared: false)
            case (.deallocation(let name), .skipped): prepared.remains(name)
            case (.statement(_, keeping: let place?), .succeeded):
                kept[place] = result
                answer = result
            case (_, .succeeded): answer = result
            case (.statement, .skipped): break
            case (let step, .failed):
                if let result { try note(result, at: step) }
            }
        }
    }

    private func note(_ result: LibpqResult, at step: Step) throws(SQLFailure) {
        let failure = SQLFailure(result)
        if result.isFatal {
            lost = failure
            throw failure
        }
        // A table that has changed, or a pooler in between: what is prepared here does not fit any more.
        if ["0A000", "26000"].contains(result.sqlState) { isSpent = true }
        if case .preparation(let name) = step { prepared.answered(name, isPrepared: false) }
        if case .deallocation(let name) = step { prepared.remains(name) }
        // Of what prepares a statement the scope is the statement's.
        let scope = steps[head...].lazy.compactMap { if case .statement(let scope, _) = $0 { scope } else { nil } }
            .first
        if failed == nil, let scope, !isForgiven(scope) { failed = Failed(failure: failure, scope: scope) }
    }

    private func advance() {
        head += 1
        if head == steps.count {
            steps.removeAll(keepingCapacity: true)
            head = 0
        }
    }

    // MARK: Losing

    /// Gives the connection up.
    ///
    /// - Parameter reason: nil for what libpq says.
    private func lose(_ reason: String? = nil) -> SQLFailure {
        if let lost { return lost }
        let failure = SQLFailure.disconnected(reason ?? "the connection is lost")
        lost = failure
        return failure
    }
}
