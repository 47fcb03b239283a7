import Foundation

/// Saves the pictures among an execution's results as `chart-1.png`, `chart-2.svg` …
struct ChartFolder {
    let path: String
    private(set) var saved: [String] = []

    init(_ path: String) throws {
        self.path = path
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    /// Saves each picture format of a result.
    mutating func save(_ event: ClientEvent) throws {
        try save(event.png.flatMap { Data(base64Encoded: $0, options: .ignoreUnknownCharacters) }, as: "png")
        try save(event.jpeg.flatMap { Data(base64Encoded: $0, options: .ignoreUnknownCharacters) }, as: "jpeg")
        try save(event.svg.map { Data($0.utf8) }, as: "svg")
    }

    private mutating func save(_ data: Data?, as format: String) throws {
        guard let data else { return }
        let file = "\(path)/chart-\(saved.count + 1).\(format)"
        try data.write(to: URL(fileURLWithPath: file))
        saved.append(file)
    }
}
