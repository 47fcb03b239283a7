import CurlTransport
import HTTPTypes
import NIOCore

/// One call to the control plane, to be made with one key or another, once or again.
struct ControlCall {
    let operation: UpstreamOperation
    let method: HTTPRequest.Method
    /// With its query.
    let path: String
    var headers: HTTPFields = [:]
    /// JSON.
    var body: ByteBuffer?
    /// How much of an answer is read.
    let maximumBytes: Int
    var repetition = Repetition.harmless
    var deadlines = Deadlines(connect: .seconds(10), idle: .seconds(20), total: .seconds(30))

    init(
        _ operation: UpstreamOperation, _ method: HTTPRequest.Method, _ path: String, body: ByteBuffer? = nil,
        reading maximumBytes: Int
    ) {
        self.operation = operation
        self.method = method
        self.path = path
        self.body = body
        self.maximumBytes = maximumBytes
    }
}

/// A successful answer of the control plane.
struct ControlAnswer {
    let body: ByteBuffer
    let headers: HTTPFields
}

extension E2BClient {
    /// Whose call it is.
    enum Authority {
        /// The active key's, or whichever steps in for it.
        case makers
        /// The team's that has what is addressed: each is asked, the active key's first, until one knows it.
        case anyTeam
        /// The same, but for teams of which upstream is known to take no key, the active key's apart: nobody can do more about
        /// what they may have.
        case anyReachableTeam
        /// One team's.
        case team([UpstreamKeyRing.Entry])
        /// This key's and no other's.
        case only(UpstreamKey)
    }

    /// Makes a call: the successful answer, or the failure it means.
    func control(
        _ call: ControlCall, by authority: Authority = .anyTeam
    ) async throws(UpstreamFailure) -> ControlAnswer {
        switch authority {
        case .makers:
            return try await repeatedly(call, with: keys.makers)
        case .team(let entries):
            return try await repeatedly(call, with: entries)
        case .only(let key):
            return try await repeatedly(call, with: [.init(id: "", team: "", role: .standby, key: key)])
        case .anyTeam:
            return try await askingTeams(call, passingOverUnreachable: false)
        case .anyReachableTeam:
            return try await askingTeams(call, passingOverUnreachable: true)
        }
    }

    private func askingTeams(
        _ call: ControlCall, passingOverUnreachable: Bool
    ) async throws(UpstreamFailure) -> ControlAnswer {
        var unknown: UpstreamFailure?
        var worse: UpstreamFailure?
        for (number, team) in keys.teams.enumerated() {
            if passingOverUnreachable, number > 0, keys.areRefused(team) { continue }
            do throws(UpstreamFailure) {
                return try await repeatedly(call, with: team)
            } catch {
                if case .refused(status: 404, _) = error {
                    unknown = unknown ?? error
                } else {
                    worse = worse ?? error
                }
            }
        }
        // Where one team could not be asked nobody knows whether the thing exists.
        throw worse ?? unknown ?? .credentialRefused
    }

    /// Makes a call until it is answered, or there is no sense in another.
    private func repeatedly(
        _ call: ControlCall, with entries: [UpstreamKeyRing.Entry]
    ) async throws(UpstreamFailure) -> ControlAnswer {
        budget.callMade()
        var number = 1
        // An attempt that was lost leaves its doubt, also where the last one never left.
        var lost: UpstreamFailure?
        while true {
            do throws(AttemptFailure) {
                return try await attempt(call, with: entries)
            } catch {
                if case .lost = error.kind { lost = error.failure }
                guard let pause = call.repetition.pause(after: error, number: number), budget.mayRepeat() else {
                    if case .notSent = error.kind { throw lost ?? error.failure }
                    throw error.failure
                }
                do { try await Task.sleep(for: pause) } catch { throw .cancelled }
                number += 1
            }
        }
    }

    /// One attempt: with the first key that upstream takes.
    private func attempt(
        _ call: ControlCall, with entries: [UpstreamKeyRing.Entry]
    ) async throws(AttemptFailure) -> ControlAnswer {
        for entry in entries {
            let response: IncomingResponse
            do {
                response = try await send(request(call, with: entry.key), for: call.operation)
            } catch {
                throw AttemptFailure(error)
            }
            guard (200..<300).contains(response.status) else {
                let refusal = await Refusal(response)
                if refusal.status == 401 {
                    keys.note(.refused, of: entry.id)
                    continue
                }
                // A 403 may be about the team or about what was asked for; it says nothing of the key.
                if refusal.status != 403 { keys.note(.accepted, of: entry.id) }
                throw AttemptFailure(refusal)
            }
            keys.note(.accepted, of: entry.id)
            do {
                return ControlAnswer(
                    body: try await response.body.collect(upTo: call.maximumBytes), headers: response.headers)
            } catch {
                throw AttemptFailure(error, duringBody: true)
            }
        }
        throw AttemptFailure(.credentialRefused)
    }

    private func request(_ call: ControlCall, with key: UpstreamKey) -> OutgoingRequest {
        var request = OutgoingRequest(
            method: call.method, url: endpoints.controlPlane + call.path, headers: call.headers,
            deadlines: call.deadlines)
        request.headers[.apiKey] = key.secret.text
        if let body = call.body {
            request.headers[.contentType] = "application/json"
            request.body = .bytes(body)
        }
        return request
    }
}
