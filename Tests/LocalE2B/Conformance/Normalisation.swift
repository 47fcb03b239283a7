import Foundation

/// Takes from an answer what differs from run to run, as the transcripts' README says.
enum Normalisation {
    /// The answer as text that can be compared: one line an event, keys sorted, output of one stream joined.
    static func text(ofAnswer answer: Data, ids: [String: String]) -> String {
        let text = String(decoding: answer, as: UTF8.self)
        let values = text.split(separator: "\n").map { line in
            try? JSONSerialization.jsonObject(with: Data(line.utf8), options: .fragmentsAllowed)
        }
        guard !values.contains(where: { $0 == nil }) else { return plain(text, ids) }
        return joined(values.compactMap { $0 }).map { plain(line($0), ids) }.joined(separator: "\n")
    }

    /// The answer without signs of life: how long a cell takes here is a matter of time.
    static func withoutKeepalives(_ answer: Data) -> Data {
        let lines = answer.split(separator: UInt8(ascii: "\n")).filter { !isKeepalive($0) }
        return Data(lines.joined(separator: [UInt8(ascii: "\n")]))
    }

    static func isKeepalive(_ line: Data) -> Bool { line == Data(#"{"type": "keepalive"}"#.utf8) }

    private static func joined(_ values: [Any]) -> [Any] {
        var joined: [Any] = []
        for value in values {
            guard var event = value as? [String: Any] else {
                joined.append(value)
                continue
            }
            if event["timestamp"] != nil { event["timestamp"] = "TIME" }
            for picture in ["png", "jpeg"] where event[picture] != nil { event[picture] = "PICTURE" }
            // How output is cut into events is a matter of time.
            if let last = joined.last as? [String: Any], let type = event["type"] as? String,
                ["stdout", "stderr"].contains(type), last["type"] as? String == type
            {
                event["text"] = (last["text"] as? String ?? "") + (event["text"] as? String ?? "")
                joined.removeLast()
            }
            joined.append(event)
        }
        return joined
    }

    private static func line(_ value: Any) -> String {
        let options: JSONSerialization.WritingOptions = [.sortedKeys, .fragmentsAllowed, .withoutEscapingSlashes]
        let data = (try? JSONSerialization.data(withJSONObject: value, options: options)) ?? Data()
        return String(decoding: data, as: UTF8.self)
    }

    private static let patterns: [(String, String)] = [
        (#"/tmp/ipykernel_\d+/\d+\.py"#, "CELL"),
        (#"\b\d{6,10}\.py"#, "CELL"),
        (#"0x[0-9a-f]{6,}"#, "ADDRESS"),
        (#"(/usr/local/lib|/opt/venv/lib)/python3\.\d+/site-packages"#, "LIBRARY"),
        (#"(/usr/local/lib|/usr/lib)/python3\.\d+"#, "STANDARD"),
        (#"[0-9.]+ [µμnm]?s ± [0-9.]+ [µμnm]?s per loop"#, "TIME per loop"),
        (#"pid=\d+"#, "pid=PID"),
    ]

    private static func plain(_ text: String, _ ids: [String: String]) -> String {
        var text = text
        for (ours, recorded) in ids { text = text.replacingOccurrences(of: ours, with: recorded) }
        for (pattern, replacement) in patterns {
            text = text.replacingOccurrences(of: pattern, with: replacement, options: .regularExpression)
        }
        return text
    }
}
