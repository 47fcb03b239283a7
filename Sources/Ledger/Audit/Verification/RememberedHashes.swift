/// The hashes of the last records of a chain, so that what refers to them can be compared, in bounded memory.
struct RememberedHashes {
    /// 8 MiB of hashes.
    static let standardCapacity = 1 << 18

    private let capacity: Int
    /// Filled once in order and then around.
    private var hashes: [ChainHash] = []
    private let first: Int64
    private var end: Int64

    /// Begins with the hash of this record, which comes next.
    init(from sequence: Int64, capacity: Int = Self.standardCapacity) {
        first = sequence
        end = sequence
        self.capacity = capacity
    }

    /// Remembers the next record's.
    mutating func append(_ hash: ChainHash) {
        if hashes.count < capacity { hashes.append(hash) } else { hashes[place(of: end)] = hash }
        end += 1
    }

    /// A record's, if it is remembered.
    subscript(sequence: Int64) -> ChainHash? {
        guard sequence < end, sequence >= end - Int64(hashes.count) else { return nil }
        return hashes[place(of: sequence)]
    }

    private func place(of sequence: Int64) -> Int { Int((sequence - first) % Int64(capacity)) }
}
