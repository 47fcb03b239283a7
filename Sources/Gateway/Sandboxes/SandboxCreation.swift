import E2BUpstream
import Foundation
import HTTPTypes
import Ledger
import NIOCore
import Quota

/// What a caller asked for by a create, of either version of E2B's route, checked against policy and token.
///
/// What E2B offers and this gateway does not is refused where asking for it means something, and dropped where SDKs send it
/// by default. See `docs/sdk-door.md`.
struct SandboxCreation: Sendable {
    let template: String
    /// 1 s to 24 h.
    let timeoutSeconds: Int64
    let expiry: OwnedSandbox.Expiry
    let metadata: [String: String]
    let environment: [String: String]
    let egress: SandboxOrder.Egress
    let idempotencyKey: String?
    /// The request's body.
    let request: [UInt8]

    /// The versions differ in what holds when no timeout is given.
    enum Version {
        case v1, v2

        var defaultTimeoutSeconds: Int64 { self == .v1 ? 15 : 300 }
    }

    /// How much of the caller's labels, and of its variables, is taken: names and values together.
    private static let maximumMapBytes = 64 << 10

    private struct Body: Decodable {
        struct Network: Decodable {
            let allowOut: [String]?
            let denyOut: [String]?
            let rules: [String: Present]?
            let egressProxy: Present?
            let dnsServers: [String]?
        }
        struct AutoResume: Decodable { let enabled: Bool? }

        let templateID: String
        let timeout: Int64?
        let metadata: [String: String]?
        let envVars: [String: String]?
        let allow_internet_access: Bool?
        let network: Network?
        let autoPause: Bool?
        let autoResume: AutoResume?
        let mcp: Present?
        let iam: Present?
        let volumeMounts: [Present]?
    }

    /// Something whose presence is all that matters.
    private struct Present: Decodable {
        init(from decoder: any Decoder) {}
    }

    init(
        _ version: Version, decoding body: ByteBuffer, idempotencyKey: String?, for principal: Principal
    ) throws(Problem) {
        let fields = try SandboxBody.decode(Body.self, from: body)
        template = fields.templateID
        try principal.require(template: template)
        timeoutSeconds = fields.timeout ?? version.defaultTimeoutSeconds
        guard (1...SandboxBody.longestSeconds).contains(timeoutSeconds) else {
            throw .invalidField("timeout", "must be from 1 to \(SandboxBody.longestSeconds) seconds")
        }
        expiry = fields.autoPause == true ? .pause : .kill
        metadata = try Self.checked(fields.metadata, "metadata")
        guard !metadata.keys.contains(where: { $0.lowercased().hasPrefix("e2b-gateway") }) else {
            throw .invalidField("metadata", "has a name that begins with \"e2b-gateway\", which is the gateway's")
        }
        environment = try Self.checked(fields.envVars, "envVars")
        try Self.refuse(fields)
        // 2.45 always sends true, so that asking for it is not refused: the policy decides.
        egress =
            principal.policy.egress && fields.allow_internet_access != false
            ? .all(except: fields.network?.denyOut ?? []) : .none
        guard idempotencyKey.map({ (1...255).contains($0.utf8.count) }) ?? true else {
            throw .invalidField("Idempotency-Key", "has 1 to 255 characters")
        }
        self.idempotencyKey = version == .v2 ? idempotencyKey : nil
        request = Array(body.readableBytesView)
    }

    private static func refuse(_ body: Body) throws(Problem) {
        let asked: [(name: String, isAsked: Bool)] = [
            ("mcp", body.mcp != nil), ("iam", body.iam != nil), ("volumeMounts", body.volumeMounts?.isEmpty == false),
            ("autoResume", body.autoResume?.enabled == true), ("network.rules", body.network?.rules?.isEmpty == false),
            ("network.egressProxy", body.network?.egressProxy != nil),
            ("network.allowOut", body.network?.allowOut?.isEmpty == false),
            ("network.dnsServers", body.network?.dnsServers?.isEmpty == false),
        ]
        guard let first = asked.first(where: \.isAsked) else { return }
        throw Problem(.notOffered, "\(first.name) is not offered by this gateway.", shouldRetry: false)
    }

    private static func checked(_ map: [String: String]?, _ field: String) throws(Problem) -> [String: String] {
        let map = map ?? [:]
        guard map.reduce(0, { $0 + $1.key.utf8.count + $1.value.utf8.count }) <= maximumMapBytes else {
            throw .fieldTooLarge(field, limit: maximumMapBytes)
        }
        guard !map.contains(where: { $0.key.contains("\0") || $0.value.contains("\0") }) else {
            throw .invalidField(field, "contains a NUL")
        }
        return map
    }
}

/// Bodies of the SDK door. Unlike those of the gateway's own calls they may have members nobody here knows: SDKs gain some
/// with every version.
enum SandboxBody {
    /// The longest a sandbox lives, in seconds: a day.
    static let longestSeconds: Int64 = 86_400
    /// The largest body of a control call, in bytes.
    static let maximumBytes = 1 << 20

    static func decode<Body: Decodable>(_ type: Body.Type, from body: ByteBuffer) throws(Problem) -> Body {
        do {
            return try JSONDecoder().decode(type, from: Data(body.readableBytesView))
        } catch {
            throw Problem(.invalidRequest, "The body \(reason(error)).", shouldRetry: false)
        }
    }

    /// The body of a call that changes how long a sandbox lives.
    struct Timeout: Decodable {
        let timeout: Int64?
        let memory: Bool?
        let duration: Int64?
    }

    private static func reason(_ error: any Error) -> String {
        switch error {
        case DecodingError.keyNotFound(let key, _): "lacks \"\(key.stringValue)\""
        case DecodingError.typeMismatch(_, let context), DecodingError.valueNotFound(_, let context):
            "has \"\(context.codingPath.map(\.stringValue).joined(separator: ".").prefix(100))\" of the wrong type"
        default: "is not the JSON object it should be"
        }
    }
}
