import Auth
import Foundation

/// A caveat as it is shown: a line for people; for programs an object with one member, named as in docs/tokens.md.
struct ShownCaveat: Encodable {
    private let caveat: Caveat

    init(_ caveat: Caveat) {
        self.caveat = caveat
    }

    var text: String {
        switch caveat {
        case .notAfter(let seconds): "expires \(Self.time(seconds))"
        case .notBefore(let seconds): "not before \(Self.time(seconds))"
        case .scopes(let scopes): "scopes \(Self.names(scopes).joined(separator: ", "))"
        case .subject(let name): "subject \(Self.visible(name))"
        case .maximumTimeout(let milliseconds): "timeout at most \(milliseconds) ms"
        case .templates(let names): "templates \(names.map(Self.visible).joined(separator: ", "))"
        case .languages(let names): "languages \(names.map(Self.visible).joined(separator: ", "))"
        case .sourceNetworks(let networks): "from \(networks.map(\.description).joined(separator: ", "))"
        case .signedOnly: "signed requests only"
        }
    }

    private enum CodingKeys: String, CodingKey {
        case notAfter = "not_after"
        case notBefore = "not_before"
        case maximumTimeout = "maximum_timeout_ms"
        case sourceNetworks = "source_networks"
        case signedOnly = "signed_only"
        case scopes, subject, templates, languages
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        switch caveat {
        case .notAfter(let seconds): try container.encode(seconds, forKey: .notAfter)
        case .notBefore(let seconds): try container.encode(seconds, forKey: .notBefore)
        case .scopes(let scopes): try container.encode(Self.names(scopes), forKey: .scopes)
        case .subject(let name): try container.encode(name, forKey: .subject)
        case .maximumTimeout(let milliseconds): try container.encode(milliseconds, forKey: .maximumTimeout)
        case .templates(let names): try container.encode(names, forKey: .templates)
        case .languages(let names): try container.encode(names, forKey: .languages)
        case .sourceNetworks(let networks): try container.encode(networks.map(\.description), forKey: .sourceNetworks)
        case .signedOnly: try container.encode(true, forKey: .signedOnly)
        }
    }

    private static func names(_ scopes: Set<Scope>) -> [String] { scopes.map(\.rawValue).sorted() }

    /// With what a terminal would not show, or would let change what it shows, escaped as in Swift: controls, format
    /// characters such as those that turn the direction of writing, and line ends.
    private static func visible(_ text: String) -> String {
        text.unicodeScalars.map { scalar in
            switch scalar.properties.generalCategory {
            case .control, .format, .lineSeparator, .paragraphSeparator: "\\u{\(String(scalar.value, radix: 16))}"
            default: scalar == "\\" ? "\\\\" : String(scalar)
            }
        }.joined()
    }

    /// What is beyond the years that can be written is said to be.
    private static func time(_ seconds: Int64) -> String {
        let shown = min(max(seconds, years.lowerBound), years.upperBound)
        let text = Date(timeIntervalSince1970: Double(shown)).ISO8601Format()
        return shown == seconds ? text : "\(shown < seconds ? "later than" : "earlier than") \(text)"
    }

    /// From 1970-01-01T00:00:00Z to 9999-12-31T23:59:59Z.
    private static let years: ClosedRange<Int64> = 0...253_402_300_799
}
