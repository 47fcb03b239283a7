import HTTPTypes
public import Hummingbird
import NIOCore
import Synchronization

/// A request before anybody knows who is calling.
public struct OpenContext: RequestContext {
    /// Hummingbird's own part.
    public var coreContext: CoreRequestContextStorage
    let channel: any Channel
    /// The id under which this request is logged, audited and answered.
    var requestID = ""
    /// Where the call came from, past trusted proxies.
    var sourceAddress = ""
    /// Which listener it came in by.
    var door = Operation.Door.callers
    /// `http` or `https`, as the caller sees it: what a signature may cover.
    var scheme = "http"
    /// What kind of refusal the request met, for its line in the log.
    let refusal = RefusalNote()
    /// Set by ``AdminAuthenticator`` and ``LocalAuthenticator``, and by nothing else.
    var administrator: Administrator?
    /// Set by ``Authenticator`` and by nothing else.
    var principal: Principal?

    /// Made for each request.
    public init(source: ApplicationRequestContextSource) {
        coreContext = .init(source: source)
        channel = source.channel
    }
}

/// Carries the kind of a refusal from where it is answered out to where the request is logged.
final class RefusalNote: Sendable {
    private let noted = Mutex<ProblemType?>(nil)

    var type: ProblemType? { noted.withLock(\.self) }

    func note(_ type: ProblemType) { noted.withLock { $0 = type } }
}
