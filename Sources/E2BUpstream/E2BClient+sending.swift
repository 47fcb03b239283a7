import CurlTransport
import HTTPTypes

extension E2BClient {
    /// Sends a request, with the trace it belongs to, and tells whoever observes how that went.
    func send(
        _ request: OutgoingRequest, for operation: UpstreamOperation
    ) async throws(TransportFailure) -> IncomingResponse {
        var request = request
        TraceHeaders.current?.set(in: &request.headers)
        let began = ContinuousClock.now
        do {
            let response = try await transport.send(request)
            observe(operation, .answered(response.status), since: began)
            return response
        } catch {
            observe(operation, .failed(error), since: began)
            throw error
        }
    }

    private func observe(
        _ operation: UpstreamOperation, _ result: UpstreamCall.Result, since began: ContinuousClock.Instant
    ) {
        observer?(UpstreamCall(operation: operation, result: result, duration: ContinuousClock.now - began))
    }
}
