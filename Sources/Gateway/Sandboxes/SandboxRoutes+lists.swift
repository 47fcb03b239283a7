import Auth
import E2BUpstream
import Foundation
import HTTPTypes
import Hummingbird
import Ledger
import NIOCore

/// What is told of several sandboxes, and of what happened in one.
extension SandboxRoutes {
    /// Running and paused ones, page by page.
    func list(_ request: Request, context: TenantContext) async throws -> Response {
        let (query, all) = try await listed(request, context)
        let (page, nextToken) = query.page(of: all)
        var response = try await reply(with: page)
        response.headers[.totalRunning] = "\(all.count { $0.state == .running })"
        response.headers[.nextToken] = nextToken
        return response
    }

    /// Version 1: running ones, all of them.
    func listRunning(_ request: Request, context: TenantContext) async throws -> Response {
        var (query, all) = try await listed(request, context)
        query.states = [.running]
        query.limit = .max
        query.after = nil
        return try await reply(with: query.page(of: all).sandboxes)
    }

    private func listed(
        _ request: Request, _ context: TenantContext
    ) async throws -> (SandboxListQuery, [OwnedSandbox]) {
        try context.principal.requireSDKDoor(.read)
        try await ledger.catchUp()
        let parameters = request.uri.queryParameters
        let query = try SandboxListQuery { parameters[Substring($0)].map(String.init) }
        return (query, ledger.sandboxes(for: SandboxCaller(context)))
    }

    private func reply(with sandboxes: [OwnedSandbox]) async throws -> Response {
        let resources = await resources.ofEach(sandboxes)
        return JSONReply.response(
            sandboxes.map { ListedSandboxDocument($0, resources[$0.template] ?? SandboxResources()) })
    }

    /// Measurements of one sandbox: upstream's own answer.
    func metrics(_ request: Request, context: TenantContext) async throws -> Response {
        try await record("/metrics", of: request, context, parameters: ["start": .number, "end": .number])
    }

    /// The log of one sandbox, version 1.
    func logsV1(_ request: Request, context: TenantContext) async throws -> Response {
        try await record("/logs", of: request, context, parameters: ["start": .number, "limit": .number])
    }

    /// The log of one sandbox.
    func logs(_ request: Request, context: TenantContext) async throws -> Response {
        try await record(
            "/logs", of: request, context, version: "/v2",
            parameters: [
                "cursor": .number, "limit": .number, "direction": .word, "level": .word, "search": .text,
            ])
    }

    /// The last measurement of each of several sandboxes; those that the caller does not reach are left out.
    func metricsOfMany(_ request: Request, context: TenantContext) async throws -> Response {
        try context.principal.requireSDKDoor(.read)
        let caller = SandboxCaller(context)
        let asked = request.uri.queryParameters["sandbox_ids"].map { $0.split(separator: ",").map(String.init) } ?? []
        guard (1...100).contains(asked.count) else {
            throw Problem.invalidField("sandbox_ids", "names 1 to 100 sandboxes, with commas between")
        }
        let own = asked.filter { ledger.sandbox($0, for: caller) != nil }
        guard !own.isEmpty else { return JSONReply.response(["sandboxes": [String: String]()]) }
        do {
            return Self.json(try await control.upstream.metrics(ofSandboxes: own))
        } catch {
            throw Problem(living: error)
        }
    }

    // MARK: What upstream recorded

    /// What a query's value may be.
    private enum Parameter {
        case number, word, text

        func allows(_ value: Substring) -> Bool {
            switch self {
            case .number: (1...19).contains(value.utf8.count) && value.utf8.allSatisfy { (0x30...0x39).contains($0) }
            case .word: value.wholeMatch(of: /[a-z]{1,16}/) != nil
            case .text: value.utf8.count <= 256
            }
        }
    }

    private func record(
        _ path: String, of request: Request, _ context: TenantContext, version: String = "",
        parameters: [String: Parameter]
    ) async throws -> Response {
        let sandbox = try await sandbox(.read, context)
        let query = try Self.query(of: request, parameters)
        do {
            return Self.json(
                try await control.upstream.record(path, of: sandbox.id, query: query, version: version))
        } catch {
            try await control.lost(sandbox, error)
            throw Problem(living: error)
        }
    }

    /// What is passed on of a query. Apart from ``record(_:of:_:version:parameters:)``: Swift 6.3.1 crashes in release builds
    /// when it splits a coroutine with this loop in it.
    private static func query(
        of request: Request, _ parameters: [String: Parameter]
    ) throws(Problem) -> [String: String] {
        let given = request.uri.queryParameters
        var query: [String: String] = [:]
        for (name, kind) in parameters {
            guard let value = given[Substring(name)] else { continue }
            guard kind.allows(value) else { throw .invalidField(name, "is out of range") }
            query[name] = String(value)
        }
        return query
    }

    private static func json(_ body: ByteBuffer) -> Response {
        // A log holds what programs printed.
        let text = JSONReply.asciiEscaped(Data(body.readableBytesView))
        return Response(status: .ok, headers: [.contentType: "application/json"], body: .init(byteBuffer: text))
    }
}
