import Auth

/// What the chain says of its own beginning, once old records were removed.
extension ChainVerifier {
    private struct Trimming: Decodable {
        var first: Int64
        var previous: String
    }

    /// A record `audit.trimmed` was read. It names the oldest record that was kept and the hash before it: both must
    /// agree with what is here.
    mutating func trimmingRead(_ document: ArraySlice<UInt8>, at sequence: Int64) {
        let text = String(decoding: document, as: UTF8.self)
        guard let trimming = try? Document.value(Trimming.self, from: text), (1...sequence).contains(trimming.first),
            let hash = ChainHash(hex: Array(trimming.previous.utf8)[...])
        else { return fault(.trimming, at: sequence, "the record does not say from where on records were kept") }
        guard let beginning, trimming.first > beginning.sequence else { return }
        guard let known = remembered[trimming.first - 1] else {
            tooFarBack += 1
            return
        }
        guard known == hash else {
            return fault(
                .trimming, at: sequence,
                "the record names another hash before \(trimming.first), the oldest kept")
        }
    }
}
