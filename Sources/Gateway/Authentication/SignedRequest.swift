import Auth
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

    /// Sees to it that the request is accepted once: its nonce is on disk when this returns.
    func spendNonce(in ledger: Ledger) async throws(Problem) {
        do {
            try await ledger.acceptNonce(nonce.text, of: signature.keyID, until: nonce.until)
        } catch {
            throw Problem(error)
        }
    }
}
