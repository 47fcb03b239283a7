/// Why a ledger could not be moved. Unless a case says otherwise, nothing was changed: the ledger is served from its file.
public enum LedgerMoveFailure: Error, Sendable {
    /// What ``LedgerFailure`` says, about the file or, with the database's address, about the database.
    case ledger(LedgerFailure)
    /// There is another ledger in the database already.
    case occupied(String)
    /// This ledger was moved there before, and its file was served from since: both went on.
    case diverged(String)
    /// A move to another place was interrupted, and may have arrived there.
    case left(for: String)
    /// Both the file and a file that was left by a move are there.
    case keptFileInTheWay(path: String)
    /// The root key is not the one under which the file's secrets are sealed.
    case wrongRootKey
    /// PostgreSQL cannot hold a row: which, and why.
    case unmovable(row: String, problem: String)
    /// What would have been there is not sound.
    case unsound(LedgerCheck)
    /// The database was lost while it committed. The ledger may be there, and is not served from its file until the move is
    /// repeated, which finds out.
    case undecided(String)
}
