/// What a token may be used for.
///
/// On the wire a set of scopes is a 32-bit mask: `execute` is bit 0, `read` is bit 1. Bits are given out once and
/// never reused.
public enum Scope: String, Sendable, CaseIterable, Codable {
    /// Run and stop code.
    case execute
    /// Look at one's own executions, usage and identity.
    case read

    var bit: UInt32 {
        switch self {
        case .execute: 1 << 0
        case .read: 1 << 1
        }
    }
}

extension Set<Scope> {
    /// The bits of all scopes in the set.
    var mask: UInt32 { reduce(0) { $0 | $1.bit } }

    /// The scopes behind a mask, or nil when it has a bit that means nothing here.
    init?(mask: UInt32) {
        self = Set(Scope.allCases.filter { mask & $0.bit != 0 })
        guard self.mask == mask else { return nil }
    }
}
