internal import CLibpq
import Glibc

/// A connection of libpq's that never blocks: who uses it waits for ``socket``. It lives on one thread.
final class LibpqConnection {
    /// How far a connection attempt is, or a flush.
    enum Progress {
        case done, wantsReading, wantsWriting, failed
    }

    private let raw: OpaquePointer

    /// Begins to connect; nil without memory for it. Names are resolved here, which may take as long as the resolver likes.
    ///
    /// - Parameter settings: an empty text says that there is no value, whatever the environment says.
    init?(_ settings: [String: String]) {
        // As one text: of a list libpq passes over empty values, and looks for them in the environment.
        guard let connection = PQconnectStart(LibpqAddress.text(of: settings)) else { return nil }
        raw = connection
        shim_ignore_notices(raw)
    }

    deinit { PQfinish(raw) }

    /// Goes on connecting.
    func connect() -> Progress {
        switch PQconnectPoll(raw) {
        case PGRES_POLLING_OK: .done
        case PGRES_POLLING_READING: .wantsReading
        case PGRES_POLLING_WRITING: .wantsWriting
        default: .failed
        }
    }

    /// Makes it a pipeline that never waits; false if that is not to be had.
    func enterPipeline() -> Bool { PQsetnonblocking(raw, 1) == 0 && PQenterPipelineMode(raw) == 1 }

    /// Negative when there is none.
    var socket: Int32 { PQsocket(raw) }

    var isBroken: Bool { PQstatus(raw) == CONNECTION_BAD }

    var isEncrypted: Bool { PQsslInUse(raw) == 1 }

    /// What libpq itself last complained of; may name the host and the user.
    var complaint: String { String(cString: PQerrorMessage(raw)) }

    // MARK: Sending

    func sendPreparation(_ name: String, _ sql: String) -> Bool { PQsendPrepare(raw, name, sql, 0, nil) == 1 }

    func sendPrepared(_ name: String, _ parameters: [SQLValue]) -> Bool {
        Self.lend(parameters) { values, lengths, formats in
            PQsendQueryPrepared(raw, name, Int32(parameters.count), values, lengths, formats, 0) == 1
        }
    }

    func send(_ sql: String, _ parameters: [SQLValue]) -> Bool {
        Self.lend(parameters) { values, lengths, formats in
            PQsendQueryParams(raw, sql, Int32(parameters.count), nil, values, lengths, formats, 0) == 1
        }
    }

    /// Ends a segment of the pipeline: what fails before it makes the server skip to here, and answers are sent.
    func sendSync() -> Bool { PQpipelineSync(raw) == 1 }

    func flush() -> Progress {
        switch PQflush(raw) {
        case 0: .done
        case 1: .wantsWriting
        default: .failed
        }
    }

    // MARK: Receiving

    /// Takes what the socket has; false when the connection is lost.
    func consume() -> Bool { PQconsumeInput(raw) == 1 }

    /// Whether ``nextResult()`` would have to wait.
    var isBusy: Bool { PQisBusy(raw) == 1 }

    /// Nil at the end of a statement's results.
    func nextResult() -> LibpqResult? { PQgetResult(raw).map(LibpqResult.init) }

    /// A notification's payload.
    func nextNotification() -> String? {
        guard let notification = PQnotifies(raw) else { return nil }
        defer { PQfreemem(notification) }
        return String(cString: notification.pointee.extra)
    }

    /// What stops a statement of this connection's from elsewhere.
    func cancellation() -> LibpqCancellation? { PQgetCancel(raw).map(LibpqCancellation.init) }

    // MARK: Lending

    /// Lends parameters to C: bytes as they are, all else as text.
    private static func lend<Value>(
        _ parameters: [SQLValue],
        _ body: (UnsafePointer<UnsafePointer<CChar>?>?, UnsafePointer<Int32>?, UnsafePointer<Int32>?) -> Value
    ) -> Value {
        var memory: [UInt8] = []
        var places: [Int?] = []
        var lengths: [Int32] = []
        for parameter in parameters {
            let start = memory.count
            switch parameter {
            case .null: break
            case .integer(let number): memory += "\(number)".utf8
            case .text(let text): memory += text.utf8
            case .bytes(let bytes): memory += bytes
            }
            places.append(parameter == .null ? nil : start)
            lengths.append(Int32(memory.count - start))
            memory.append(0)
        }
        let formats = parameters.map { if case .bytes = $0 { Int32(1) } else { Int32(0) } }
        return memory.withUnsafeBytes { memory in
            let first = memory.baseAddress?.assumingMemoryBound(to: CChar.self)
            return body(places.map { place in place.flatMap { place in first.map { $0 + place } } }, lengths, formats)
        }
    }
}

/// Stops the statement that a connection is at, from any thread.
final class LibpqCancellation: @unchecked Sendable {
    // libpq copies into it what it needs and changes nothing of it afterwards.
    private let raw: OpaquePointer

    fileprivate init(_ raw: OpaquePointer) {
        self.raw = raw
    }

    deinit { PQfreeCancel(raw) }

    /// Asks the server, over a connection of its own, and blocks until it has heard.
    func cancel() {
        var complaint = [CChar](repeating: 0, count: 256)
        PQcancel(raw, &complaint, Int32(complaint.count))
    }
}

/// An address that libpq takes apart.
enum LibpqAddress {
    /// The settings that it names; libpq's words about what is wrong with it may quote all of it.
    static func settings(of uri: String) -> Result<[String: String], Misunderstood> {
        var complaint: UnsafeMutablePointer<CChar>?
        guard let options = PQconninfoParse(uri, &complaint) else {
            defer { PQfreemem(complaint) }
            return .failure(Misunderstood(complaint: complaint.map { String(cString: $0) } ?? ""))
        }
        defer { PQconninfoFree(options) }
        var settings: [String: String] = [:]
        for option in list(options) {
            settings[String(cString: option.keyword)] = option.val.map { String(cString: $0) }
        }
        return .success(settings)
    }

    /// The settings of this libpq that have a value by themselves.
    static let defaults: [String: String] = {
        guard let options = PQconninfoParse("", nil) else { return [:] }
        defer { PQconninfoFree(options) }
        var defaults: [String: String] = [:]
        for option in list(options) {
            defaults[String(cString: option.keyword)] = option.compiled.map { String(cString: $0) }
        }
        return defaults
    }()

    /// Settings as libpq reads them.
    fileprivate static func text(of settings: [String: String]) -> String {
        settings.map { name, value in
            let escaped = value.flatMap { $0 == "'" || $0 == "\\" ? ["\\", $0] : [$0] }
            return "\(name)='\(String(escaped))'"
        }.joined(separator: " ")
    }

    /// Up to the one without a name.
    private static func list(
        _ options: UnsafeMutablePointer<PQconninfoOption>
    ) -> UnsafeMutableBufferPointer<PQconninfoOption> {
        var count = 0
        while options[count].keyword != nil { count += 1 }
        return UnsafeMutableBufferPointer(start: options, count: count)
    }

    struct Misunderstood: Error {
        let complaint: String
    }
}
