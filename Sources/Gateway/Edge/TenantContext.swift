import Hummingbird
import NIOCore

/// A request whose caller is known: a handler that takes this cannot be reached without a valid token.
struct TenantContext: ChildRequestContext {
    var coreContext: CoreRequestContextStorage
    let channel: any Channel
    let requestID: String
    let sourceAddress: String
    let principal: Principal

    init(context: OpenContext) throws {
        guard let principal = context.principal else {
            throw Problem(.missingCredential, "No credential was presented.")
        }
        coreContext = context.coreContext
        channel = context.channel
        requestID = context.requestID
        sourceAddress = context.sourceAddress
        self.principal = principal
    }
}
