import HTTPTypes
import Testing

@testable import Gateway

/// `If-Match` and `If-None-Match`, as RFC 9110 writes them.
struct EntityTagListTests {
    private func list(_ values: String...) throws -> EntityTagList? {
        var headers = HTTPFields()
        for value in values { headers.append(HTTPField(name: .ifMatch, value: value)) }
        return try EntityTagList(.ifMatch, of: headers)
    }

    private let a = EntityTag(opaque: "a"), b = EntityTag(opaque: "b,c"), other = EntityTag(opaque: "other")

    @Test(arguments: [
        "\"a\"", " \"a\" ", "\"x\", \"a\"", "\"x\",\"a\"", ", \"a\",,", "W/\"x\" , \"a\"", "\"b,c\", \"a\"",
    ])
    func strong(_ text: String) throws {
        let list = try #require(try list(text))
        #expect(list.matchesStrongly(a) && list.matchesWeakly(a))
        #expect(!list.matchesStrongly(other) && !list.matchesWeakly(other))
    }

    @Test("A weak tag is never the same where bytes have to be")
    func weak() throws {
        let list = try #require(try list("W/\"a\""))
        #expect(!list.matchesStrongly(a) && list.matchesWeakly(a))
    }

    @Test("Any state, and several headers, are one list")
    func anyAndSeveral() throws {
        #expect(try list("*") == .any)
        let several = try #require(try list("\"a\"", "\"b,c\""))
        #expect(several.matchesStrongly(a) && several.matchesStrongly(b))
        #expect(try list() == nil)
    }

    @Test(arguments: [
        "", "a", "\"a", "\"a\"b\"", "*, \"a\"", "\"a\", *", "w/\"a\"", "W/ \"a\"", "\"a\" \"b\"", "\"\u{7F}\"", ",",
    ])
    func malformed(_ text: String) {
        #expect(throws: Problem.self) { try list(text) }
    }

    @Test("The tag of a state is that of its text, strong, and made of nothing else")
    func tags() {
        #expect(EntityTag(of: ["a": 1, "b": 2]) == EntityTag(of: ["b": 2, "a": 1]))
        #expect(EntityTag(of: ["a": 1]) != EntityTag(of: ["a": 2]))
        let tag = EntityTag(of: ["a": 1])
        #expect(tag.description.wholeMatch(of: /"[0-9a-f]{32}"/) != nil)
        #expect(EntityTag(header: tag.description) == tag)
        #expect(EntityTag(header: "W/\"a\"") == nil && EntityTag(header: nil) == nil && EntityTag(header: "\"") == nil)
    }
}
