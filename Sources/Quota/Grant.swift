/// What an admission gave: the ceiling, and where it is reserved until settlement.
public struct Grant: Sendable, Hashable, Codable {
    /// A part of the ceiling, reserved in one window.
    public struct Reservation: Sendable, Hashable, Codable {
        /// The kind of window.
        public let window: RuntimeWindow
        /// The window's first instant.
        public let startsAt: Moment
        /// How much of the ceiling falls into it.
        public let milliseconds: Int64
    }

    /// A part of the ceiling, reserved in a credit.
    public struct CreditReservation: Sendable, Hashable, Codable {
        /// The credit.
        public let credit: String
        /// How much of the ceiling it carries.
        public let milliseconds: Int64
    }

    /// What kind of lease it is.
    public let kind: Demand.Kind
    /// The ceiling in milliseconds: 1 or more, possibly less than was asked for.
    public let timeoutMilliseconds: Int64
    /// Whether the ceiling is lower than was asked for.
    public let wasLowered: Bool
    /// What the tenant's windows carry: the beginning of the ceiling, cut along the calendar once for each kind of window,
    /// in order of time.
    public let reservations: [Reservation]
    /// What credits carry: the rest of the ceiling, in the order in which it is used.
    public let credits: [CreditReservation]
    /// The whole ceiling in the windows of the subject, cut in the same way.
    public let subjectReservations: [Reservation]

    init(
        kind: Demand.Kind, timeoutMilliseconds: Int64, wasLowered: Bool, reservations: [Reservation],
        credits: [CreditReservation] = [], subjectReservations: [Reservation] = []
    ) {
        self.kind = kind
        self.timeoutMilliseconds = timeoutMilliseconds
        self.wasLowered = wasLowered
        self.reservations = reservations
        self.credits = credits
        self.subjectReservations = subjectReservations
    }

    /// The part of the ceiling that credits carry.
    public var creditMilliseconds: Int64 { credits.reduce(0) { $0 + $1.milliseconds } }

    enum CodingKeys: String, CodingKey {
        case kind, timeoutMilliseconds, wasLowered, reservations, credits, subjectReservations
    }

    /// Reads a grant; those of older ledgers know neither credits nor subjects, whose share is charged as the tenant's is.
    public init(from decoder: any Decoder) throws {
        let fields = try decoder.container(keyedBy: CodingKeys.self)
        kind = try fields.decode(Demand.Kind.self, forKey: .kind)
        timeoutMilliseconds = try fields.decode(Int64.self, forKey: .timeoutMilliseconds)
        wasLowered = try fields.decode(Bool.self, forKey: .wasLowered)
        reservations = try fields.decode([Reservation].self, forKey: .reservations)
        credits = try fields.decodeIfPresent([CreditReservation].self, forKey: .credits) ?? []
        subjectReservations =
            try fields.decodeIfPresent([Reservation].self, forKey: .subjectReservations) ?? reservations
    }
}

/// What a settlement came to, in milliseconds.
public struct Settlement: Sendable, Hashable, Codable {
    /// The smaller of the time used and the ceiling.
    public let chargedMilliseconds: Int64
    /// The part of the charge that credits carried.
    public let creditMilliseconds: Int64
    /// What was used beyond the ceiling; reported, not charged.
    public let overrunMilliseconds: Int64
}
