import HTTPTypes
import NIOCore

/// Gathers the header lines libcurl hands over one by one.
struct ResponseHead {
    /// What one more line meant.
    enum Progress: Equatable {
        case incomplete
        /// The blank line of the final (not an interim 1xx) response.
        case complete
        case tooLarge
    }

    private(set) var fields = HTTPFields()
    private var bytes = 0
    private let maximumBytes: Int

    init(maximumBytes: Int) {
        self.maximumBytes = maximumBytes
    }

    /// Takes one line with its line end; `status` is the code of the response it belongs to.
    mutating func received(_ line: UnsafeRawBufferPointer, status: Int) -> Progress {
        bytes += line.count
        guard bytes <= maximumBytes else { return .tooLarge }
        let content = Self.trimmed(line[...])
        if content.isEmpty {
            guard status >= 200 else {
                fields = HTTPFields()
                return .incomplete
            }
            return .complete
        }
        if let field = Self.field(content) { fields.append(field) }
        return .incomplete
    }

    /// The body's length in bytes where the head tells it.
    func bodyLength(status: Int) -> Int? {
        if status == 204 || status == 304 { return 0 }
        guard fields[.transferEncoding] == nil else { return nil }
        return fields[.contentLength].flatMap { Int($0) }
    }

    /// Whether a body follows whose chunks tell its end.
    func isChunked(status: Int) -> Bool {
        guard status != 204, status != 304, let coding = fields[.transferEncoding] else { return false }
        return coding.lowercased().split(separator: ",").last?.contains("chunked") == true
    }

    /// A field, or nil for the status line, a folded line and anything malformed.
    private static func field(_ line: Slice<UnsafeRawBufferPointer>) -> HTTPField? {
        guard let colon = line.firstIndex(of: UInt8(ascii: ":")) else { return nil }
        guard let name = HTTPField.Name(String(decoding: line[..<colon], as: UTF8.self)) else { return nil }
        return HTTPField(name: name, lenientValue: Array(trimmed(line[(colon + 1)...])))
    }

    private static func trimmed(_ bytes: Slice<UnsafeRawBufferPointer>) -> Slice<UnsafeRawBufferPointer> {
        let isSpace: (UInt8) -> Bool = { $0 == 0x20 || $0 == 0x09 || $0 == 0x0d || $0 == 0x0a }
        guard let first = bytes.firstIndex(where: { !isSpace($0) }) else { return bytes[bytes.endIndex...] }
        guard let last = bytes.lastIndex(where: { !isSpace($0) }) else { return bytes[bytes.endIndex...] }
        return bytes[first...last]
    }
}
