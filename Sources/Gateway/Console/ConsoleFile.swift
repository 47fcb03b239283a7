import Auth
import HTTPTypes
import Hummingbird
import NIOCore

/// A file of the console, out of the binary.
struct ConsoleFile: Sendable {
    let name: String
    let content: ByteBuffer
    let entityTag: String

    /// The page in which everything else comes together.
    static let page = ConsoleFile(
        name: "index.html",
        content: Array(
            String(decoding: PackageResources.index_html, as: UTF8.self).replacing("{{version}}", with: version).utf8))

    /// The others, by name.
    static let all = Dictionary(
        uniqueKeysWithValues: contents.map { name, content in (name, ConsoleFile(name: name, content: content)) })

    /// Made of what all of them hold: the same for two gateways exactly if these serve the same console.
    static let version: String = {
        let hash = SHA256()
        for (name, content) in contents.sorted(by: { $0.key < $1.key }) {
            hash.update(Array(name.utf8))
            hash.update(content)
        }
        hash.update(PackageResources.index_html)
        return Hex.text(hash.finish().prefix(8))
    }()

    private init(name: String, content: [UInt8]) {
        self.name = name
        self.content = ByteBuffer(bytes: content)
        entityTag = "\"\(Hex.text(Digest.sha256(content).prefix(16)))\""
    }

    /// The reply with the file in it, or without where the browser has it.
    ///
    /// - Parameter isNamedByContent: whether it is asked for by a path that changes with it, and may be kept for ever.
    func response(to request: Request, isNamedByContent: Bool) -> Response {
        var headers = ConsoleHeaders.all
        headers[.eTag] = entityTag
        headers[.cacheControl] = isNamedByContent ? "public, max-age=31536000, immutable" : "no-cache"
        guard request.headers[.ifNoneMatch] != entityTag else {
            return Response(status: .notModified, headers: headers)
        }
        headers[.contentType] = mediaType
        return Response(status: .ok, headers: headers, body: .init(byteBuffer: content))
    }

    private var mediaType: String {
        switch name.split(separator: ".").last {
        case "html": "text/html; charset=utf-8"
        case "css": "text/css; charset=utf-8"
        case "js": "text/javascript; charset=utf-8"
        case "svg": "image/svg+xml"
        default: "application/octet-stream"
        }
    }
}
