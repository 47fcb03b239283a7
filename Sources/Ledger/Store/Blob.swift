import FoundationEssentials
import GRDB

/// Byte arrays in and out of GRDB, which speaks `Data`.
enum Blob {
    static func value(_ bytes: [UInt8]) -> Data { Data(bytes) }

    static func bytes(_ row: Row, _ column: String) -> [UInt8] {
        let data: Data = row[column]
        return Array(data)
    }
}
