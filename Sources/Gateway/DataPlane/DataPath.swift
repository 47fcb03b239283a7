/// A request's path and query, held to one reading.
struct DataPath: Equatable, Sendable {
    /// The path as it came, percent-encoded.
    let raw: String
    /// What stands behind the question mark, percent-encoded; nil without one.
    let query: String?
    /// The path's segments, decoded.
    let segments: [String]
    /// Whether nothing of it could be taken for another path: no segment is empty but a last one, none holds a slash of
    /// either kind.
    let isPlain: Bool

    /// Nothing of it may be passed on.
    struct Malformed: Error, Equatable {}

    /// Refuses what leads elsewhere than it says: dot segments, encoded or not, controls, broken escapes.
    init(target: String) throws(Malformed) {
        guard target.utf8.first == UInt8(ascii: "/"), target.utf8.allSatisfy({ (0x21...0x7e).contains($0) }),
            !target.utf8.contains(UInt8(ascii: "#"))
        else { throw Malformed() }
        let parts = target.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
        raw = String(parts[0])
        query = parts.count == 2 ? String(parts[1]) : nil
        var segments: [String] = []
        for part in raw.dropFirst().split(separator: "/", omittingEmptySubsequences: false) {
            guard let segment = Self.decoded(part) else { throw Malformed() }
            segments.append(segment)
        }
        for segment in segments {
            let parts = segment.split { $0 == "/" || $0 == "\\" }
            guard !parts.contains("."), !parts.contains("..") else { throw Malformed() }
        }
        self.segments = segments
        isPlain = !segments.dropLast().contains("") && !segments.contains { $0.contains("/") || $0.contains("\\") }
    }

    /// The decoded path.
    var decoded: String { "/" + segments.joined(separator: "/") }

    /// The query's names and values, decoded as a form, in their order.
    var parameters: [(name: String, value: String)] {
        pairs.compactMap { pair in
            let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard let name = Self.formDecoded(parts[0]), let value = Self.formDecoded(parts.count == 2 ? parts[1] : "")
            else { return nil }
            return (name, value)
        }
    }

    /// Whether every pair of the query can be decoded.
    var isQueryReadable: Bool { parameters.count == pairs.count }

    /// The query without the parameters of these names, everything else as it came.
    func query(without names: Set<String>) -> String? {
        guard query != nil else { return nil }
        let kept = pairs.filter { pair in
            // One that cannot be decoded has no name that anybody goes by.
            let name = Self.formDecoded(pair.prefix { $0 != "=" })
            return name.map { !names.contains($0) } ?? true
        }
        return kept.isEmpty ? nil : kept.joined(separator: "&")
    }

    private var pairs: [Substring] { query?.split(separator: "&") ?? [] }

    private static func formDecoded(_ text: Substring) -> String? {
        guard let bytes = bytes(text.utf8.map { $0 == UInt8(ascii: "+") ? 0x20 : $0 }) else { return nil }
        return String(validating: bytes, as: UTF8.self)
    }

    private static func decoded(_ segment: Substring) -> String? {
        guard let bytes = bytes(Array(segment.utf8)), bytes.allSatisfy({ $0 >= 0x20 && $0 != 0x7f }) else { return nil }
        return String(validating: bytes, as: UTF8.self)
    }

    /// Percent escapes replaced; nil for one that is none.
    private static func bytes(_ text: [UInt8]) -> [UInt8]? {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(text.count)
        var position = 0
        while position < text.count {
            if text[position] == UInt8(ascii: "%") {
                guard position + 2 < text.count, let high = hexDigit(text[position + 1]),
                    let low = hexDigit(text[position + 2])
                else { return nil }
                bytes.append(high << 4 | low)
                position += 3
            } else {
                bytes.append(text[position])
                position += 1
            }
        }
        return bytes
    }

    private static func hexDigit(_ byte: UInt8) -> UInt8? {
        Character(Unicode.Scalar(byte)).hexDigitValue.map(UInt8.init)
    }
}
