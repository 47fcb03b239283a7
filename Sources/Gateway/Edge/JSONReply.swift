import Foundation
import HTTPTypes
import Hummingbird
import NIOCore
import NIOFoundationCompat

/// JSON as this gateway writes it: sorted keys, and nothing outside ASCII, so that no line reader splits a line of
/// program output at U+2028.
enum JSONReply {
    static func buffer(_ value: some Encodable) -> ByteBuffer {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        guard let data = try? encoder.encode(value) else {
            preconditionFailure("\(type(of: value)) cannot be encoded as JSON")
        }
        return asciiEscaped(data)
    }

    static func response(_ value: some Encodable, status: HTTPResponse.Status = .ok) -> Response {
        Response(
            status: status,
            headers: [.contentType: "application/json"],
            body: .init(byteBuffer: buffer(value))
        )
    }

    /// In JSON, characters outside ASCII occur only within strings, where `\u` escapes mean the same.
    static func asciiEscaped(_ json: Data) -> ByteBuffer {
        guard json.contains(where: { $0 >= 0x80 || $0 == 0x7F }) else { return ByteBuffer(data: json) }
        var buffer = ByteBuffer()
        buffer.reserveCapacity(json.count + json.count / 2)
        for unit in String(decoding: json, as: UTF8.self).utf16 {
            if unit < 0x7F {
                buffer.writeInteger(UInt8(unit))
            } else {
                let digits = String(unit, radix: 16)
                buffer.writeString("\\u" + String(repeating: "0", count: 4 - digits.count) + digits)
            }
        }
        return buffer
    }
}
