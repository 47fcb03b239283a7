import NIOCore
import Testing

@testable import Gateway

@Suite struct JSONLineTests {
    @Test func isWhatAnEncoderWouldWrite() {
        let controls = String(String.UnicodeScalarView((0..<0x20).compactMap(Unicode.Scalar.init)))
        let members = [
            "message": "request answered", "path": "/v1/executions", "quoted": #"a "b" \ c"#, "controls": controls,
            "beyond": "é \u{2028} \u{85} 😀 \u{7F} \u{FFFF}", "empty": "", "hb.request.id": "1", "Upper": "2",
            "a_b": "3", "a\"b": "a key",
        ]
        #expect(String(buffer: JSONLine.buffer(members)) == String(buffer: JSONReply.buffer(members)) + "\n")
        #expect(String(buffer: JSONLine.buffer([:])) == "{}\n")
    }
}
