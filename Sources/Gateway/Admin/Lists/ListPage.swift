import Foundation
import HTTPTypes
import Hummingbird

/// Which part of a list is shown: `limit` and `after` of a URL.
struct ListPage: Sendable {
    /// At most so many elements.
    let limit: Int
    /// Only what stands behind the element of this name or id.
    let after: String?

    /// The parameters that every list knows.
    static let parameters: Set<String> = ["limit", "after"]
    static let standardLimit = 100
    static let longest = 1_000

    /// Of the list.
    private let path: String
    /// What else the URL says, by name.
    private let filters: [Item]

    private struct Item: Sendable {
        let name: String
        let value: String
    }

    init(_ request: Request) throws(Problem) {
        path = request.uri.path
        let values = QueryValues(request)
        filters = values.names.filter { !Self.parameters.contains($0) }.sorted()
            .map { Item(name: $0, value: values[$0] ?? "") }
        after = values["after"]
        if let after { try MisplacedToken.refused(after) }
        guard let text = values["limit"] else {
            limit = Self.standardLimit
            return
        }
        guard let limit = Int(text), (1...Self.longest).contains(limit) else {
            throw .invalidField("limit", "must be a whole number from 1 to \(Self.longest)")
        }
        self.limit = limit
    }

    /// The page of a list whose order is that of its names, so that it goes on also behind a name that is gone.
    func reply<Element: Encodable>(
        sorted all: [Element], by name: (Element) -> String, where fits: (Element) -> Bool = { _ in true }
    ) -> Response {
        reply(after.map { after in all.filter { name($0) > after } } ?? all, name, fits)
    }

    /// The page of a list in any order that is kept, by the ids of its elements.
    ///
    /// - Throws: a problem if the element is gone behind which it should go on.
    func reply<Element: Encodable>(
        _ all: [Element], by id: (Element) -> String, where fits: (Element) -> Bool = { _ in true }
    ) throws(Problem) -> Response {
        guard let after else { return reply(all, id, fits) }
        // Of the whole list, since the last of a page may not fit any more.
        guard let index = all.firstIndex(where: { id($0) == after }) else {
            throw .invalidField("after", "names nothing in this list (any more): begin at its beginning")
        }
        return reply(Array(all[(index + 1)...]), id, fits)
    }

    private func reply<Element: Encodable>(
        _ rest: [Element], _ id: (Element) -> String, _ fits: (Element) -> Bool
    ) -> Response {
        var page: [Element] = []
        var isLast = true
        for element in rest where fits(element) {
            guard page.count < limit else {
                isLast = false
                break
            }
            page.append(element)
        }
        var response = JSONReply.response(page)
        if !isLast, let last = page.last { response.headers[.link] = link(after: id(last)) }
        return response
    }

    /// Where the list goes on, with the same filters (RFC 8288).
    private func link(after id: String) -> String {
        let unreserved = CharacterSet(charactersIn: "-._~").union(.alphanumerics)
        let items = filters + [Item(name: "after", value: id), Item(name: "limit", value: "\(limit)")]
        let query = items.map { item in
            "\(item.name)=\(item.value.addingPercentEncoding(withAllowedCharacters: unreserved) ?? "")"
        }
        return "<\(path)?\(query.joined(separator: "&"))>; rel=\"next\""
    }
}

extension ListPage {
    /// The target of a reply's `Link` to the next page; nil on the last.
    static func next(of headers: HTTPFields) -> String? {
        guard let link = headers[.link], let match = link.wholeMatch(of: /<(\/[^>]*)>; rel="next"/) else { return nil }
        return String(match.1)
    }
}
