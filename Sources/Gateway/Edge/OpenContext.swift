public import Hummingbird
import NIOCore

/// A request before anybody knows who is calling.
public struct OpenContext: RequestContext {
    /// Hummingbird's own part.
    public var coreContext: CoreRequestContextStorage
    let channel: any Channel
    /// The id under which this request is logged, audited and answered.
    var requestID = ""
    /// The trace it belongs to: the caller's, or one begun for it.
    var trace: TraceContext
    /// Where the call came from, past trusted proxies.
    var sourceAddress = ""
    /// Which listener it came in by.
    var door = Operation.Door.callers
    /// `http` or `https`, as the caller sees it: what a signature may cover.
    var scheme = "http"
    /// What the request's line in the log will say of it.
    let note = RequestNote()
    /// Set by ``AdminAuthenticator`` and ``LocalAuthenticator``, and by nothing else.
    var administrator: Administrator?
    /// Set by ``Authenticator`` and by nothing else.
    var principal: Principal?

    /// Made for each request.
    public init(source: ApplicationRequestContextSource) {
        coreContext = .init(source: source)
        channel = source.channel
        trace = .none
    }
}
