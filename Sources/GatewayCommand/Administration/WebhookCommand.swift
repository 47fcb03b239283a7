import ArgumentParser
import CurlTransport
import Gateway

struct WebhookCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "webhook", abstract: "Try the webhook.", subcommands: [Test.self]
    )

    struct Test: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Send one signed event of type webhook.test and say what came back.",
            discussion: """
                Goes to GATEWAY_WEBHOOK_URL, signed with GATEWAY_WEBHOOK_SECRET. Exit codes: 0 taken, 1 anything else. It \
                is sent once and not tried again.
                """
        )

        @Option(help: "A YAML file of settings, after the environment and .env.local.") var config: String?
        @OptionGroup var format: OutputOptions

        private struct Outcome: Encodable {
            let webhook: String
            let delivered: Bool
            /// The status of the answer, or why there is none.
            let answer: String
        }

        func run() async throws {
            let settings = try Settings.load(configFile: config).settings
            let transport = CurlClient()
            guard let url = settings.webhookURL, let webhook = Webhook(settings: settings, transport: transport) else {
                await transport.shutdown()
                throw CommandFailure("There is no webhook: GATEWAY_WEBHOOK_URL is not set.")
            }
            let answer = await webhook.sendTest()
            await transport.shutdown()
            let delivered = if case .taken = answer { true } else { false }
            let outcome = Outcome(
                webhook: "\(url)", delivered: delivered, answer: answer.map { "\($0)" } ?? "stopped")
            try format.print(outcome) { outcome in
                outcome.delivered
                    ? "Delivered to \(outcome.webhook): \(outcome.answer)"
                    : "Not delivered to \(outcome.webhook): \(outcome.answer)"
            }
            if !delivered { throw ExitCode(1) }
        }
    }
}
