import Auth
import Ledger
import Testing

@testable import Gateway

/// What a caller learns from a refusal.
@Suite struct AuthenticationProblemTests {
    @Test(arguments: [false, true])
    func unknownRevokedAndForgedLookAlike(isSigned: Bool) {
        let failures: [AuthenticationFailure] = [
            .unknownKey, .revokedKey, .refused(.forged), .refused(.malformed("secret reason")),
            .refused(.unknownCaveat(0x3f)), .signature(.forged),
        ]
        let problems = failures.map { Problem($0, isSigned: isSigned) }
        #expect(Set(problems.map(\.detail)).count == 1)
        #expect(Set(problems.map(\.type)) == [isSigned ? .invalidSignature : .invalidToken])
    }

    @Test(arguments: [false, true])
    func anHonestHolderIsToldThatItExpired(isSigned: Bool) {
        #expect(Problem(.refused(.expired), isSigned: isSigned).type == .expiredToken)
    }

    @Test func aForgedSignatureLooksTheSameWhereverItIsFound() {
        #expect(Problem(SignatureFailure.forged).detail == Problem(.unknownKey, isSigned: true).detail)
    }
}
