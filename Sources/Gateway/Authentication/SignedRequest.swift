import Auth
import Hummingbird
import Ledger
import NIOCore

/// A request that was signed (RFC 9421). Its signature is checked by authentication, from the head alone; its body when
/// that has come, and its nonce with what it asks for.
struct SignedRequest: Sendable {
    let signature: MessageSignature
    let head: SignableRequest

    var nonce: PresentedNonce { PresentedNonce(of: signature) }

    /// Refuses a body that is not the one that was signed. To be called before anything acts on it.
    func vouch(for body: ByteBuffer) throws(Problem) {
        do {
            try signature.checkBody(Array(body.readableBytesView), of: head)
        } catch {
            throw Problem(error)
        }
    }

    /// Refuses what was accepted before, by a look; only spending the nonce makes sure.
    func refuseReplay(in ledger: Ledger) async throws(Problem) {
        if await ledger.isUsed(nonce, of: signature.keyID) { throw .replayed }
    }

    /// Sees to it that the request is accepted once, and by a token that still holds: its nonce is on disk when this
    /// returns.
    private func spendNonce(in ledger: Ledger, by claims: Claims) async throws(Problem) {
        do {
            try await ledger.acceptNonce(nonce, of: claims.keyID, notAfter: claims.notAfter)
        } catch {
            throw Problem(error)
        }
    }

    /// Checks all that is left to check of a request with a small body or none, and hands it on with its body read.
    ///
    /// - Parameters:
    ///   - claims: what the signature proved, from its head.
    ///   - note: where the body's size is noted.
    func accept(
        _ request: Request, in ledger: Ledger, by claims: Claims, noting note: RequestNote
    ) async throws -> Request {
        let body = try await request.boundedBody(upTo: Self.maximumSmallBodyBytes, noting: note)
        try vouch(for: body)
        try await spendNonce(in: ledger, by: claims)
        var request = request
        request.body = RequestBody(buffer: body)
        return request
    }

    private static let maximumSmallBodyBytes = 64 * 1024
}
