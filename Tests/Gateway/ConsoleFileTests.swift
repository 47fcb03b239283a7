import Foundation
import NIOCore
import Testing

@testable import Gateway

@Suite struct ConsoleFileTests {
    private static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().appendingPathComponent("Sources/Gateway/Console/Resources")

    @Test("Every file of the folder is served, as it is")
    func everyFile() throws {
        let names = try FileManager.default.contentsOfDirectory(atPath: Self.folder.path)
        #expect(Set(names) == Set(ConsoleFile.all.keys).union(["index.html"]))
        for (name, file) in ConsoleFile.all {
            let onDisk = try Data(contentsOf: Self.folder.appendingPathComponent(name))
            #expect(onDisk == Data(file.content.readableBytesView), "\(name)")
        }
    }

    @Test("The page names its files by their version, and nothing else of it is left open")
    func page() {
        let text = String(buffer: ConsoleFile.page.content)
        #expect(text.contains("/console/files/\(ConsoleFile.version)/app.js") && !text.contains("{{"))
    }

    @Test("Nothing of it makes markup out of text, or code out of text, or asks anybody but this gateway")
    func harmless() {
        let forbidden =
            /innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function|DOMParser|setHTML|https?:\/\/(?!www\.w3\.org)/
        for (name, file) in ConsoleFile.all {
            let text = String(buffer: file.content)
            #expect(text.firstMatch(of: forbidden) == nil, "\(name)")
        }
    }
}
