import Foundation
import NIOCore
import Testing

@testable import Gateway

@Suite struct JSONReplyTests {
    @Test func writesNothingOutsideASCII() throws {
        let text = "é \u{2028} \u{85} 😀 \u{7F} \u{FFFF} plain"
        let buffer = JSONReply.buffer(["text": text])
        #expect(buffer.readableBytesView.allSatisfy { $0 < 0x7F })
        #expect(try JSONDecoder().decode([String: String].self, from: Data(buffer.readableBytesView)) == ["text": text])
    }

    @Test func sortsItsKeys() {
        #expect(String(buffer: JSONReply.buffer(["b": 1, "a": 2])) == #"{"a":2,"b":1}"#)
    }
}
