import Hummingbird

extension RouterMethods {
    /// Puts a handler behind an operation's method and path.
    @discardableResult
    func on(
        _ operation: Operation, use handler: @Sendable @escaping (Request, Context) async throws -> Response
    ) -> Self {
        on(RouterPath(operation.path), method: operation.method, use: handler)
    }
}
