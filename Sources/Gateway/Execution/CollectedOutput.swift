import E2BUpstream

/// What an execution has emitted, gathered up to a limit for a caller who wants one document.
struct CollectedOutput: Sendable {
    private(set) var stdout = ""
    private(set) var stderr = ""
    private(set) var results: [JSONValue] = []
    private(set) var exception: RaisedException?
    /// Something did not fit.
    private(set) var isTruncated = false
    private var remainingBytes: Int

    init(limit: Int) {
        remainingBytes = limit
    }

    mutating func append(_ event: ExecutionEvent) {
        switch event {
        case .stdout(let text): append(text, to: \.stdout)
        case .stderr(let text): append(text, to: \.stderr)
        case .result(let result):
            if take(result.approximateBytes) { results.append(result.json) }
        case .exception(let name, let value, let traceback):
            exception = RaisedException(
                name: name, value: cut(value), traceback: cut(traceback)
            )
        case .keepalive: break
        }
    }

    /// Only what the `error` member needs: for a caller who has been sent the rest.
    mutating func noteForError(_ event: ExecutionEvent) {
        switch event {
        case .stderr, .exception: append(event)
        case .stdout, .result, .keepalive: break
        }
    }

    /// stderr, then the traceback without colour codes, then why it ended; `nil` exactly when all is well.
    func errorText(_ explanation: String?) -> String? {
        var parts = stderr.isEmpty ? [] : [stderr]
        if let exception { parts.append(exception.text) }
        if let explanation { parts.append(explanation) }
        guard let first = parts.first else { return nil }
        return parts.dropFirst().reduce(first) { $0 + ($0.hasSuffix("\n") ? "" : "\n") + $1 }
    }

    private mutating func append(_ text: String, to stream: WritableKeyPath<CollectedOutput, String>) {
        self[keyPath: stream] += cut(text)
    }

    /// As much of a text as still fits.
    private mutating func cut(_ text: String) -> String {
        if text.utf8.count <= remainingBytes {
            remainingBytes -= text.utf8.count
            return text
        }
        let fitting = String(text.prefixFitting(remainingBytes))
        remainingBytes = 0
        isTruncated = true
        return fitting
    }

    private mutating func take(_ bytes: Int) -> Bool {
        guard bytes <= remainingBytes else {
            isTruncated = true
            return false
        }
        remainingBytes -= bytes
        return true
    }
}

extension RaisedException {
    fileprivate var text: String {
        let plain = traceback.withoutColourCodes
        return plain.isEmpty ? "\(name): \(value)" : plain
    }
}

extension RichResult {
    /// The formats as E2B names them, with `is_main_result` beside them.
    var json: JSONValue {
        .object(formats.merging(["is_main_result": .bool(isMainResult)]) { _, new in new })
    }
}

extension String {
    /// The longest beginning that has at most `bytes` bytes and splits no character.
    fileprivate func prefixFitting(_ bytes: Int) -> Substring {
        var end = utf8.index(utf8.startIndex, offsetBy: bytes, limitedBy: utf8.endIndex) ?? utf8.endIndex
        while end > startIndex, end.samePosition(in: unicodeScalars) == nil { end = utf8.index(before: end) }
        return self[..<end]
    }

    /// Without ANSI select-graphic-rendition sequences (ECMA-48, 8.3.117), which tracebacks are coloured with.
    fileprivate var withoutColourCodes: String {
        contains("\u{1B}") ? replacing(/\u{1B}\[[0-9;]*m/, with: "") : self
    }
}
