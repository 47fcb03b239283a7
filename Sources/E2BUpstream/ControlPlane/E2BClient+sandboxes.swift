import HTTPTypes

extension E2BClient {
    /// Makes a sandbox: through v2, or v1 where upstream has no v2.
    ///
    /// - Throws: any ``UpstreamFailure``. After ``UpstreamFailure/timedOut`` or ``UpstreamFailure/broken(_:)`` a sandbox
    ///   may exist that nobody knows; its metadata and its lifetime are what finds and ends it.
    public func createSandbox(_ order: SandboxOrder) async throws(UpstreamFailure) -> Sandbox {
        if !generation.isFirst {
            let answer = try await create(order, path: "/v2/sandboxes", secure: nil)
            guard answer.isUnknownRoute else { return try Self.sandbox(in: answer) }
            generation.isFirst = true
        }
        return try Self.sandbox(in: try await create(order, path: "/sandboxes", secure: true))
    }

    private func create(
        _ order: SandboxOrder, path: String, secure: Bool?
    ) async throws(UpstreamFailure) -> ControlAnswer {
        var body = CreateBody(order)
        body.secure = secure
        var headers: HTTPFields = [:]
        headers[.idempotencyKey] = order.idempotencyKey
        return try await control(.post, path, body: body, headers: headers)
    }

    private static func sandbox(in answer: ControlAnswer) throws(UpstreamFailure) -> Sandbox {
        guard answer.status == 201 || answer.status == 200 else { throw answer.failure }
        return try answer.decoded(CreatedSandbox.self).sandbox()
    }

    /// Ends a sandbox. One that is already gone counts as ended, so it may be repeated.
    public func destroy(_ sandboxID: String) async throws(UpstreamFailure) {
        guard SandboxID.isValid(sandboxID) else { throw .contextInvalid("not a sandbox id") }
        let answer = try await control(.delete, "/sandboxes/\(sandboxID)")
        guard (200..<300).contains(answer.status) || answer.status == 404 else { throw answer.failure }
    }

    /// Asks for something cheap that needs the key, to see whether upstream answers.
    public func probe() async throws(UpstreamFailure) {
        let answer = try await control(.get, "/v2/sandboxes?limit=1")
        guard answer.status == 200 else { throw answer.failure }
    }
}
