import HTTPTypes
import Hummingbird

/// Which port of which sandbox a request is for.
struct SandboxAddress: Equatable {
    let sandbox: String
    let port: Int

    /// Why a request that seems to be for a sandbox is for none.
    enum Failure: Error, Equatable {
        case headerMissing(String)
        case invalidSandbox
        case invalidPort
        /// Host and headers name different places.
        case contradiction
    }

    /// The address in the headers `E2b-Sandbox-Id` and `E2b-Sandbox-Port`, or in a host `{port}-{id}.…`; nil
    /// for a request with neither, which is the control plane's.
    static func of(_ request: Request) throws(Failure) -> SandboxAddress? {
        let fromHost = try host(request.head.authority ?? "")
        guard let named = try headers(request.headers) else { return fromHost }
        if let fromHost, fromHost != named { throw .contradiction }
        return named
    }

    private static func headers(_ headers: HTTPFields) throws(Failure) -> SandboxAddress? {
        let (id, port) = (headers[.sandboxID], headers[.sandboxPort])
        switch (id, port) {
        case (nil, nil): return nil
        case (nil, _): throw .headerMissing("E2b-Sandbox-Id")
        case (_, nil): throw .headerMissing("E2b-Sandbox-Port")
        case (let id?, let port?): return try address(id, port)
        }
    }

    /// The left-most label is `{port}-{id}`, perhaps with the legacy `-{clientid}`; any other is no address.
    private static func host(_ authority: String) throws(Failure) -> SandboxAddress? {
        let label = authority.prefix { $0 != "." && $0 != ":" }
        let parts = label.split(separator: "-", maxSplits: 1)
        guard parts.count == 2, label.count < authority.count, parts[0].allSatisfy(\.isNumber) else { return nil }
        return try address(parts[1], parts[0])
    }

    private static func address(_ id: some StringProtocol, _ port: some StringProtocol) throws(Failure)
        -> SandboxAddress
    {
        guard let sandbox = SandboxID.parse(id) else { throw .invalidSandbox }
        guard let port = Int(port), (1...65535).contains(port) else { throw .invalidPort }
        return SandboxAddress(sandbox: sandbox, port: port)
    }
}

extension SandboxAddress.Failure: CustomStringConvertible {
    var description: String {
        switch self {
        case .headerMissing(let name): "Missing header \(name)"
        case .invalidSandbox: "Invalid sandbox ID"
        case .invalidPort: "Invalid sandbox port"
        case .contradiction: "Host and sandbox headers do not agree"
        }
    }
}

extension HTTPField.Name {
    static let sandboxID = HTTPField.Name("E2b-Sandbox-Id")!
    static let sandboxPort = HTTPField.Name("E2b-Sandbox-Port")!
    static let trafficToken = HTTPField.Name("E2B-Traffic-Access-Token")!
    static let envdToken = HTTPField.Name("X-Access-Token")!
}
