import Synchronization

/// Instruments that are made when they are first needed, by what tells them apart. Bounded by what keys there are.
final class InstrumentTable<Key: Hashable & Sendable, Instrument: Sendable>: Sendable {
    private let made = Mutex<[Key: Instrument]>([:])
    private let make: @Sendable (Key) -> Instrument

    init(_ make: @escaping @Sendable (Key) -> Instrument) { self.make = make }

    subscript(key: Key) -> Instrument {
        made.withLock { made in
            if let known = made[key] { return known }
            let new = make(key)
            made[key] = new
            return new
        }
    }
}
