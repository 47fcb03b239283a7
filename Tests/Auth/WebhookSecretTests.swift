import Auth
import Testing

struct WebhookSecretTests {
    @Test("Signs as the libraries of the Standard Webhooks specification do")
    func vector() throws {
        // Their own example: https://github.com/standard-webhooks/standard-webhooks/blob/main/libraries/python/tests
        let secret = try WebhookSecret(text: "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
        let signature = secret.signature(
            of: #"{"test": 2432232314}"#, id: "msg_p5jXN8AQM9LWM0D4loKWxJek", timestamp: 1_614_265_330)
        #expect(signature == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=")
    }

    @Test(
        "Refuses what is no secret",
        arguments: [
            "", "whsec_", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaS",
            "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLa==", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw ",
            "WHSEC_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_" + String(repeating: "MfKQ", count: 22),
        ])
    func malformed(text: String) {
        #expect(throws: WebhookSecretFailure.malformed) { try WebhookSecret(text: text) }
    }

    @Test("Shows itself nowhere")
    func redacted() throws {
        let secret = try WebhookSecret(text: "whsec_" + String(repeating: "MfKQ", count: 21))
        var dumped = ""
        dump(secret, to: &dumped)
        for shown in ["\(secret)", String(reflecting: secret), dumped] {
            #expect(!shown.contains("MfKQ") && !shown.contains("49"))
        }
    }
}
