import ArgumentParser
import Auth
import Foundation

extension TokenCommand {
    struct Narrow: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Fold restrictions into a token and print the result.",
            discussion: """
                Needs no gateway: whoever holds a token can make a weaker one, for an end user or a single call. What \
                is folded in cannot be taken out again.
                """
        )

        @Option(help: "Longest execution: 30s, 2m or 500ms.") var timeout: DurationArgument?
        @Option(help: "The end user on whose behalf it acts.") var subject: String?
        @Option(help: "How long it is valid from now: 1h, 7d.") var expires: DurationArgument?
        @Option(help: "Valid only from now on plus this: 10m.") var startsIn: DurationArgument?
        @Option(help: "What it may do: execute or read; of an admin token, admin:read and so on. Repeatable.")
        var scope: [String] = []
        @Option(help: "A template it may use. Repeatable.") var template: [String] = []
        @Option(help: "A language it may use. Repeatable.") var language: [String] = []
        @Option(help: "An address or network it may be used from: 10.0.0.0/8. Repeatable.") var source: [String] = []
        @Flag(help: "Only signed requests.") var signedOnly = false
        @OptionGroup var secrecy: TokenSecrecy
        @OptionGroup var format: OutputOptions

        private struct Narrowed: Encodable { let token: String }

        func validate() throws {
            guard try !caveats(at: 0).isEmpty else {
                throw ValidationError("Name at least one restriction; `e2b-gateway help token narrow` lists them.")
            }
        }

        func run() async throws {
            let caveats = try caveats(at: Int64(Date().timeIntervalSince1970))
            var token = try TokenCommand.given()
            for caveat in caveats {
                do {
                    token = try token.narrowed(by: caveat)
                } catch {
                    throw CommandFailure("The token cannot be narrowed so: \(error).")
                }
            }
            try format.print(Narrowed(token: token.text)) { $0.token }
        }

        private func caveats(at now: Int64) throws -> [Caveat] {
            var caveats: [Caveat] = []
            if let timeout { caveats.append(.maximumTimeout(milliseconds: Int64((timeout.seconds * 1000).rounded()))) }
            if let subject { caveats.append(.subject(subject)) }
            if let startsIn { caveats.append(.notBefore(now + Int64(startsIn.seconds.rounded()))) }
            if let expires { caveats.append(.notAfter(now + Int64(expires.seconds.rounded()))) }
            if !scope.isEmpty { caveats.append(.scopes(Set(try scope.map(Self.scope)))) }
            if !template.isEmpty { caveats.append(.templates(template)) }
            if !language.isEmpty { caveats.append(.languages(language)) }
            if !source.isEmpty { caveats.append(.sourceNetworks(try source.map(Self.network))) }
            if signedOnly { caveats.append(.signedOnly) }
            return caveats
        }

        private static func scope(_ text: String) throws -> Scope {
            guard let scope = Scope(rawValue: text) else {
                throw ValidationError(
                    "\"\(text)\" is not a scope: \(Scope.allCases.map(\.rawValue).joined(separator: ", "))")
            }
            return scope
        }

        private static func network(_ text: String) throws -> SourceNetwork {
            guard let network = SourceNetwork(text) else {
                throw ValidationError(
                    "\"\(text)\" is not an address, nor a network such as 10.0.0.0/8 without bits beyond its prefix")
            }
            return network
        }
    }
}
