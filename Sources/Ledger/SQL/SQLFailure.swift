/// A statement or a connection that failed, in the database's words, without statement or parameters.
struct SQLFailure: Error, Hashable {
    enum Kind: Hashable {
        /// The database objected to the values: it holds them already, they break a rule, they are too large.
        case values
        /// Somebody else holds what the statement needs.
        case locked
        /// The database took the transaction back so that others could go on, or lost it before it was committed. It can be
        /// repeated.
        case undone
        /// What the database read cannot be in it.
        case damage
        /// The file is no database.
        case noDatabase
        /// The statement does not fit what is there.
        case statement
        /// The database cannot serve: it is full, gone, or shutting down.
        case unavailable
        /// The database objected to values of a statement whose part of the transaction had ended before it answered. The
        /// transaction is lost, and nobody knows for whose sake: its writes can be repeated, each in one of its own.
        case late
        /// The connection was lost while it committed, and the database could not be asked what became of it: the transaction
        /// is there, or it is not.
        case unknownOutcome
    }

    let kind: Kind
    let reason: String
}
