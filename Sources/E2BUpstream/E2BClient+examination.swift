public import CurlTransport
import Foundation
import HTTPTypes

/// What whoever examines upstream asks of it.
extension E2BClient {
    /// What the control plane said to a call without a key, over a connection of its own.
    public struct ControlPlaneAnswer: Sendable {
        /// How the connection was made.
        public let connection: ConnectionReport
        /// The answer's `Date`, if it had one.
        public let date: String?
    }

    /// The control plane's base URL.
    public var controlPlaneURL: String { endpoints.controlPlane }

    /// The host names that calls go to: the control plane's, and that of a sandbox.
    public var hosts: (controlPlane: String?, sandbox: String?) {
        // No sandbox has this id; where each has a name of its own, the domain answers for all of them.
        let sandbox = endpoints.sandbox(
            "i" + String(repeating: "0", count: 20), port: Self.interpreterPort, domain: nil)
        return (Self.host(of: endpoints.controlPlane), Self.host(of: sandbox))
    }

    /// Calls the control plane once, without a key. Which status it answers with does not matter.
    public func examineControlPlane() async throws(TransportFailure) -> ControlPlaneAnswer {
        let request = OutgoingRequest(
            url: endpoints.controlPlane + "/health",
            deadlines: Deadlines(connect: .seconds(5), idle: .seconds(5), total: .seconds(10)), isExamined: true)
        let response = try await transport.send(request)
        guard let connection = response.connection else { throw .malformedResponse }
        return ControlPlaneAnswer(connection: connection, date: response.headers[.date])
    }

    private static func host(of url: String) -> String? {
        URLComponents(string: url)?.host
    }
}
