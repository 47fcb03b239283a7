import Foundation
import Ledger
import Quota

/// A line of the audit log as a syslog message (RFC 5424), framed by its length in octets (RFC 6587, 3.4.1).
struct SyslogMessage {
    /// Who sends it.
    struct Origin: Sendable {
        var host: String
        var process: Int32

        /// This process.
        static var current: Origin {
            // Without asking any name server.
            let name = try? String(contentsOfFile: "/proc/sys/kernel/hostname", encoding: .utf8)
            return Origin(host: name ?? "", process: ProcessInfo.processInfo.processIdentifier)
        }
    }

    /// "Log audit".
    private static let facility = 13
    /// The enterprise number that RFC 5612 sets aside for documentation: the gateway has none of its own.
    private static let structure = "e2bAudit@32473"

    let text: String

    init(_ line: AuditLine, from origin: Origin) {
        let severity: Severity, at: String, kind: String, place: String
        switch line {
        case .record(let record):
            let action = record.entry.action.rawValue
            severity = action.hasSuffix(".refused") ? .warning : .notice
            (at, kind) = (record.at.text, action)
            place = #"sequence="\#(record.sequence)" stream="\#(Self.escaped(record.stream))""#
        case .checkpoint(let signed):
            severity = .notice
            (at, kind) = (signed.checkpoint.at.text, "checkpoint")
            place = #"checkpoint="\#(signed.checkpoint.number)""#
        }
        let host = Self.word(origin.host, upTo: 255), message = Self.word(kind, upTo: 32)
        // No byte order mark before the text: canonical JSON is ASCII.
        text =
            "<\(Self.facility * 8 + severity.rawValue)>1 \(at) \(host) e2b-gateway \(origin.process) \(message) "
            + "[\(Self.structure) \(place)] \(line.text)"
    }

    /// As it goes over a stream.
    var frame: String { "\(text.utf8.count) \(text)" }

    private enum Severity: Int {
        case warning = 4
        case notice = 5
    }

    /// Visible ASCII, or a dash for nothing.
    private static func word(_ text: String, upTo length: Int) -> String {
        let visible = text.unicodeScalars.filter { (0x21...0x7e).contains($0.value) }.prefix(length)
        return visible.isEmpty ? "-" : String(String.UnicodeScalarView(visible))
    }

    private static func escaped(_ text: String) -> String {
        text.reduce(into: "") { escaped, character in
            if #"\"]"#.contains(character) { escaped.append("\\") }
            escaped.append(character)
        }
    }
}
