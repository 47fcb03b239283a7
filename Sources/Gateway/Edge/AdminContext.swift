import Hummingbird
import NIOCore

/// A request whose administrator is known: a handler that takes this cannot be reached without one.
struct AdminContext: ChildRequestContext {
    var coreContext: CoreRequestContextStorage
    let requestID: String
    let administrator: Administrator
    let note: RequestNote

    init(context: OpenContext) throws {
        guard let administrator = context.administrator else {
            throw Problem(.missingCredential, "No admin token was presented.")
        }
        coreContext = context.coreContext
        requestID = context.requestID
        self.administrator = administrator
        note = context.note
    }
}
