import ArgumentParser
import Auth
import Foundation

extension TokenCommand {
    struct Inspect: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Show what a token says of itself.",
            discussion: "This proves nothing: only the gateway, which has the key's secret, can tell whether it holds."
        )

        @OptionGroup var secrecy: TokenSecrecy
        @OptionGroup var format: OutputOptions

        private struct Inspected: Encodable {
            let keyID: String
            let caveats: [ShownCaveat]
            let proven = false

            enum CodingKeys: String, CodingKey {
                case caveats, proven
                case keyID = "key_id"
            }
        }

        func run() async throws {
            let token = try TokenCommand.given()
            let inspected = Inspected(keyID: token.keyID.description, caveats: token.caveats.map(ShownCaveat.init))
            try format.print(inspected) {
                """
                Key      \($0.keyID)
                Caveats  \($0.caveats.isEmpty ? "none" : $0.caveats.map(\.text).joined(separator: "\n         "))
                This proves nothing: only the gateway can tell whether the token holds.
                """
            }
        }
    }
}
