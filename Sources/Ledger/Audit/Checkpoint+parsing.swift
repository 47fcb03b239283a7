import Auth
import Quota

extension Checkpoint {
    private struct Written: Decodable {
        struct Head: Decodable {
            var hash: String
            var sequence: Int64
            var stream: String
        }

        var at_ms: Int64
        var heads: [Head]
        var key_id: String
        var number: Int64
        var previous: String
        var v: Int64
    }

    /// Reads a checkpoint's canonical text. Any other way to write the same is refused.
    public init(canonical text: String) throws(MalformedLine) {
        guard let written = try? Document.value(Written.self, from: text) else {
            throw MalformedLine("has a checkpoint that is not of its form")
        }
        guard written.v == 1 else { throw MalformedLine("has a checkpoint of another version than 1") }
        guard written.number > 0, written.at_ms >= 0, written.heads.allSatisfy({ $0.sequence > 0 }) else {
            throw MalformedLine("has a checkpoint with a number out of its range")
        }
        guard KeyID(written.key_id) != nil, let previous = Self.hash(written.previous) else {
            throw MalformedLine("has a checkpoint whose key id or previous hash is not lowercase hex")
        }
        var heads: [Head] = []
        for head in written.heads {
            guard let hash = Self.hash(head.hash) else {
                throw MalformedLine("has a checkpoint with a hash that is not 64 lowercase hex digits")
            }
            heads.append(Head(stream: head.stream, sequence: head.sequence, hash: hash))
        }
        guard !heads.isEmpty, Set(heads.map { Array($0.stream.utf8) }).count == heads.count else {
            throw MalformedLine("has a checkpoint that does not name each stream once")
        }
        self.init(
            number: written.number, at: Moment(milliseconds: written.at_ms), heads: heads, previous: previous,
            keyID: written.key_id)
        // Spaces, another order, members beside these, an instant beyond what a Moment holds: all that shows here.
        guard canonical == text else { throw MalformedLine("has a checkpoint that is not canonical JSON") }
    }

    private static func hash(_ text: String) -> [UInt8]? {
        text.utf8.count == 64 ? Hex.bytes(text) : nil
    }
}
