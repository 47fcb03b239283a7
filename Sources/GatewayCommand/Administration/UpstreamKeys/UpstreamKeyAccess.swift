import CurlTransport
import E2BUpstream
import Gateway
import Ledger

extension AdministrationOptions {
    /// Does the work with the keys for upstream, where ``administer(_:)`` would; on the ledger itself it needs to know where
    /// upstream is.
    func administerUpstreamKeys<Value>(
        _ work: (any UpstreamKeyAdministration) async throws -> Value
    ) async throws -> Value {
        let settings = try Settings.load(configFile: config).settings
        do {
            return try await administer(settings) { try await work($0) }
        } catch let failure as NoGateway {
            if let advice = failure.advice { throw advice }
        }
        let endpoints = try settings.upstreamEndpoints()
        let ledger = try LedgerAccess.open(settings)
        let transport = CurlClient()
        let result: Result<Value, any Error>
        do {
            let upstream = E2BClient(transport: transport, endpoints: endpoints, keys: UpstreamKeyRing([]))
            result = .success(try await work(UpstreamKeyDesk(ledger: ledger, upstream: upstream)))
        } catch {
            result = .failure(error)
        }
        await transport.shutdown()
        await ledger.close()
        return try result.get()
    }
}
