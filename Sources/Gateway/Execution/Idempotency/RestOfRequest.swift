import Foundation
import Ledger

/// What a request says beside code and context, as its caller wrote it: with them, what makes it the same request.
struct RestOfRequest: Encodable {
    let environment: [String: String]
    let template: String?
    let timeoutSeconds: Double?

    /// Refuses what cannot be an idempotency key.
    static func check(_ key: String) throws(Problem) {
        // Two headers of the name arrive as one text with a space in it.
        guard (1...255).contains(key.utf8.count), key.utf8.allSatisfy({ (0x21...0x7e).contains($0) }) else {
            throw .invalidField("Idempotency-Key", "must have 1 to 255 visible ASCII characters, and occur once")
        }
    }

    /// The request under an idempotency key, from the header of that name.
    func under(_ key: String) throws(Problem) -> PresentedIdempotencyKey {
        try Self.check(key)
        let encoder = JSONEncoder()
        encoder.outputFormatting = .sortedKeys
        guard let rest = try? encoder.encode(self) else {
            preconditionFailure("texts and a finite number can be encoded")
        }
        return PresentedIdempotencyKey(key, rest: Array(rest))
    }
}
