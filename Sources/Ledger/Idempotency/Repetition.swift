/// What comes of an order that carries an idempotency key.
public enum Admission: Sendable, Hashable {
    /// It may run.
    case admitted(Lease)
    /// An order with this key was admitted before; nothing was charged now.
    case repeated(Repetition)
}

/// What an idempotency key stands for already.
public enum Repetition: Sendable, Hashable {
    /// Another request.
    case mismatch
    /// The same request, which is not answered yet.
    case running(ExecutionID)
    /// The same request, which is over.
    case finished(ExecutionRecord, EarlierReply)
}

/// What is left of the reply to an earlier order.
public enum EarlierReply: Sendable, Hashable {
    /// All of it, as it was handed to the settlement.
    case kept([UInt8])
    /// Nothing.
    case gone(NoReply)
}

/// Why no reply is kept of an execution that had an idempotency key.
public enum NoReply: String, Sendable, Hashable, CaseIterable {
    /// It was larger than ``Ledger/largestReply``.
    case tooLarge = "too_large"
    /// The tenant has newer ones, up to ``Ledger/mostReplyBytes``.
    case noRoom = "no_room"
    /// The gateway died before it was settled, or could not write it down.
    case lost
}

/// What the settlement of an execution leaves to whoever repeats its request.
public enum Remainder: Sendable, Hashable {
    /// Its reply, in whatever form the caller of the settlement reads again.
    case reply([UInt8])
    /// What became of it, without a reply.
    case state(NoReply)
    /// Nothing: no code was run, and a repeated request may.
    case nothing
}
