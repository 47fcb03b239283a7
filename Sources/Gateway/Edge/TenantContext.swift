import Hummingbird
import NIOCore

/// A request whose caller is known: a handler that takes this cannot be reached without a valid token.
struct TenantContext: ChildRequestContext {
    var coreContext: CoreRequestContextStorage
    let channel: any Channel
    let requestID: String
    let trace: TraceContext
    let sourceAddress: String
    let principal: Principal
    let note: RequestNote

    init(context: OpenContext) throws {
        guard let principal = context.principal else {
            throw Problem(.missingCredential, "No credential was presented.")
        }
        coreContext = context.coreContext
        channel = context.channel
        requestID = context.requestID
        trace = context.trace
        note = context.note
        sourceAddress = context.sourceAddress
        self.principal = principal
    }
}
