import HTTPTypes
import Hummingbird

/// In which state something must be for a request to be carried out: `If-Match` and `If-None-Match` (RFC 9110, 13).
public struct Preconditions: Sendable, Hashable {
    private var match: EntityTagList?
    private var noneMatch: EntityTagList?

    /// In any state.
    public static let none = Preconditions()

    private init() {}

    /// Only if it is still in this state.
    public init(matching tag: EntityTag) {
        match = .tags(strong: [tag], weak: [])
    }

    init(_ request: Request) throws(Problem) {
        match = try EntityTagList(.ifMatch, of: request.headers)
        noneMatch = try EntityTagList(.ifNoneMatch, of: request.headers)
    }

    /// Whether something that is there may be changed, being as it is told here.
    func allow(_ view: some Encodable) -> Bool {
        guard match != nil || noneMatch != nil else { return true }
        let tag = EntityTag(of: view)
        return match?.matchesStrongly(tag) != false && noneMatch?.matchesWeakly(tag) != true
    }

    /// Refuses to change something that has no tag, if the request makes it depend on one.
    func refuseTags() throws(Problem) {
        guard match == nil || match == .any, noneMatch != .any else {
            throw Problem(
                .preconditionFailed, "What is here has no entity tag: only \"If-Match: *\" holds. Nothing was changed.",
                shouldRetry: false)
        }
    }

    /// What is read, with its tag: 304 for whoever has it already, 412 for whoever wants another state.
    func reply(with view: some Encodable) throws(Problem) -> Response {
        let tag = EntityTag(of: view)
        guard match?.matchesStrongly(tag) != false else {
            throw Problem(.preconditionFailed, "It is in another state than If-Match names.", shouldRetry: false)
        }
        guard noneMatch?.matchesWeakly(tag) != true else {
            return Response(status: .notModified, headers: [.eTag: tag.description])
        }
        return JSONReply.tagged(view, tag)
    }

    /// As a client sends them.
    var headers: HTTPFields {
        guard case .tags(let strong, weak: _)? = match else { return [:] }
        return [.ifMatch: strong.map(\.description).sorted().joined(separator: ", ")]
    }
}

extension JSONReply {
    /// What somebody can change only if nobody else did meanwhile.
    static func tagged(_ value: some Encodable) -> Response { tagged(value, EntityTag(of: value)) }

    fileprivate static func tagged(_ value: some Encodable, _ tag: EntityTag) -> Response {
        var response = response(value)
        response.headers[.eTag] = tag.description
        return response
    }
}
