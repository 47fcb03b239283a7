public import HTTPTypes
public import NIOCore

/// A request as the scripted server read it.
public struct ReceivedRequest: Sendable {
    /// The method's text.
    public let method: String
    /// Path and query as they came.
    public let target: String
    /// The header fields.
    public let headers: HTTPFields
    /// The body; empty if none was read.
    public var body = ByteBuffer()

    /// The body as text.
    public var text: String { String(buffer: body) }

    init(headLines: [String]) throws {
        let words = headLines.first?.split(separator: " ") ?? []
        guard words.count == 3 else { throw ClientLeft() }
        method = String(words[0])
        target = String(words[1])
        var headers = HTTPFields()
        for line in headLines.dropFirst() {
            guard let colon = line.firstIndex(of: ":") else { continue }
            guard let name = HTTPField.Name(String(line[..<colon])) else { continue }
            let value = line[line.index(after: colon)...].drop { $0 == " " }
            headers.append(HTTPField(name: name, value: String(value)))
        }
        self.headers = headers
    }
}
