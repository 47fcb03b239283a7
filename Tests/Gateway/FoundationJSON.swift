import Foundation

/// A second opinion on what is JSON.
enum FoundationJSON {
    static func accepts(_ bytes: [UInt8]) -> Bool {
        (try? JSONSerialization.jsonObject(with: Data(bytes))) != nil
    }
}
