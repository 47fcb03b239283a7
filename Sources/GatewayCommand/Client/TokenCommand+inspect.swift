import ArgumentParser
import Auth
import Foundation

extension TokenCommand {
    struct Inspect: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Show what a token says of itself.",
            discussion: "This proves nothing: only the gateway, which has the key's secret, can tell whether it holds."
        )

        @OptionGroup var format: OutputOptions

        private struct Inspected: Encodable {
            let keyID: String
            let caveats: [String]
            let proven = false

            enum CodingKeys: String, CodingKey {
                case caveats, proven
                case keyID = "key_id"
            }
        }

        func run() async throws {
            let token = try TokenCommand.given()
            let inspected = Inspected(keyID: token.keyID.description, caveats: token.caveats.map(Self.text))
            try format.print(inspected) {
                """
                Key      \($0.keyID)
                Caveats  \($0.caveats.isEmpty ? "none" : $0.caveats.joined(separator: "\n         "))
                This proves nothing: only the gateway can tell whether the token holds.
                """
            }
        }

        private static func text(_ caveat: Caveat) -> String {
            func time(_ seconds: Int64) -> String { Date(timeIntervalSince1970: Double(seconds)).ISO8601Format() }
            return switch caveat {
            case .notAfter(let seconds): "expires \(time(seconds))"
            case .notBefore(let seconds): "not before \(time(seconds))"
            case .scopes(let scopes): "scopes \(scopes.map(\.rawValue).sorted().joined(separator: ", "))"
            case .subject(let name): "subject \(name)"
            case .maximumTimeout(let milliseconds): "timeout at most \(milliseconds) ms"
            case .templates(let names): "templates \(names.joined(separator: ", "))"
            case .languages(let names): "languages \(names.joined(separator: ", "))"
            case .sourceNetworks(let networks): "from \(networks.map(\.description).joined(separator: ", "))"
            case .signedOnly: "signed requests only"
            }
        }
    }
}
