import FoundationEssentials
import HTTPTypes
public import NIOCore

/// The life of a sandbox between its create and its end. A sandbox that upstream does not know any more is
/// ``UpstreamFailure/sandboxGone`` in all of these.
extension E2BClient {
    private struct Lifetime: Encodable { let timeout: Int }
    private struct Nothing: Encodable {}

    /// Ends a sandbox `seconds` from now, sooner or later than it would have ended.
    public func setTimeout(_ seconds: Int, of sandboxID: String) async throws(UpstreamFailure) {
        _ = try await life(.setTimeout, .post, sandboxID, "/timeout", Lifetime(timeout: seconds))
    }

    /// Wakes a sandbox, or makes one that runs last at least `seconds` from now.
    public func connect(to sandboxID: String, seconds: Int) async throws(UpstreamFailure) {
        let lifetime = Lifetime(timeout: seconds)
        guard createRoute.version == .v2 else {
            _ = try await life(.connect, .post, sandboxID, "/connect", lifetime)
            return
        }
        do throws(UpstreamFailure) {
            _ = try await life(.connect, .post, sandboxID, "/connect", lifetime, version: "/v2")
        } catch .refused(status: 404, _) {
            // The sandbox is there, so it is the route that is missing: which versions there are may not be known yet.
            _ = try await life(.connect, .post, sandboxID, "/connect", lifetime)
        }
    }

    /// Puts a sandbox to sleep; one that sleeps already is as good. One that is just being woken is not.
    public func pause(_ sandboxID: String) async throws(UpstreamFailure) {
        do throws(UpstreamFailure) {
            _ = try await life(.pause, .post, sandboxID, "/pause", Nothing())
        } catch .refused(status: 409, let message) {
            guard try await detail(of: sandboxID)["state"]?.text == "paused" else {
                throw .refused(status: 409, message: message)
            }
        }
    }

    /// What upstream says of a sandbox: the members of its document.
    public func detail(of sandboxID: String) async throws(UpstreamFailure) -> [String: JSONValue] {
        let body = try await life(.inspect, .get, sandboxID, "", Nothing?.none)
        guard case .object(let members)? = try? JSONParser.parse(Array(body.readableBytesView)) else {
            throw .broken("a sandbox's document is not an object")
        }
        return members
    }

    /// Measurements of a sandbox, or its log: what upstream answers, which is JSON.
    ///
    /// - Parameters:
    ///   - path: below the sandbox's own, such as `/metrics`.
    ///   - query: names and values as they are.
    ///   - version: `/v2`, or nothing.
    public func record(
        _ path: String, of sandboxID: String, query: [String: String], version: String = ""
    ) async throws(UpstreamFailure) -> ByteBuffer {
        let query = query.sorted { $0.key < $1.key }
            .map { "\($0.key)=\(MetadataQuery.percentEncoded($0.value))" }.joined(separator: "&")
        return try await Self.json(
            life(
                path == "/logs" ? .logs : .measure, .get, sandboxID, path + (query.isEmpty ? "" : "?" + query),
                Nothing?.none, version: version))
    }

    /// The last measurement of each of up to 100 sandboxes: what upstream answers, which is JSON.
    public func metrics(ofSandboxes ids: [String]) async throws(UpstreamFailure) -> ByteBuffer {
        guard ids.allSatisfy(Sandbox.isIdentifier) else { throw .broken("not a sandbox's id") }
        let list = MetadataQuery.percentEncoded(ids.joined(separator: ","))
        return try await Self.json(
            control(ControlCall(.measure, .get, "/sandboxes/metrics?sandbox_ids=\(list)", reading: 16 << 20)).body)
    }

    private static func json(_ body: ByteBuffer) throws(UpstreamFailure) -> ByteBuffer {
        guard (try? JSONParser.parse(Array(body.readableBytesView))) != nil else {
            throw .broken("the answer is not JSON")
        }
        return body
    }

    private func life(
        _ operation: UpstreamOperation, _ method: HTTPRequest.Method, _ sandboxID: String, _ path: String,
        _ body: (some Encodable)?, version: String = ""
    ) async throws(UpstreamFailure) -> ByteBuffer {
        guard Sandbox.isIdentifier(sandboxID) else { throw .broken("not a sandbox's id") }
        var content: ByteBuffer?
        if let body { content = try json(body) }
        do throws(UpstreamFailure) {
            return try await control(
                ControlCall(
                    operation, method, "\(version)/sandboxes/\(sandboxID)\(path)", body: content, reading: 16 << 20)
            ).body
        } catch .refused(status: 404, let message) {
            // It may be the route that is missing, not the sandbox.
            guard method == .get, path.isEmpty else {
                throw await isGone(sandboxID) ? .sandboxGone : .refused(status: 404, message: message)
            }
            throw .sandboxGone
        }
    }

    private func isGone(_ sandboxID: String) async -> Bool {
        do throws(UpstreamFailure) {
            _ = try await control(ControlCall(.inspect, .get, "/sandboxes/\(sandboxID)", reading: 1 << 20))
            return false
        } catch {
            if case .refused(status: 404, _) = error { return true } else { return false }
        }
    }
}
