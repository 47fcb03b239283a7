/// `tracestate` (W3C Trace Context, section 3.3): a list of members such as `vendor=value`, passed on as it came.
enum TraceState {
    /// What is passed on at most, in characters; what is longer than a member should be goes first, then what is last.
    static let longest = 512
    private static let longMember = 128
    private static let mostMembers = 32

    /// The list of all headers together; nil if there is nothing in it, or anything that is no member.
    static func text(of headers: [String]) -> String? {
        var members = headers.flatMap { $0.split(separator: ",") }.map { $0.trimming(" \t") }.filter { !$0.isEmpty }
        guard !members.isEmpty, members.count <= mostMembers else { return nil }
        var names: Set<Substring> = []
        for member in members {
            guard let sign = member.firstIndex(of: "="), isName(member[..<sign]),
                isValue(member[member.index(after: sign)...]), names.insert(member[..<sign]).inserted
            else { return nil }
        }
        func length() -> Int { members.reduce(members.count - 1) { $0 + $1.utf8.count } }
        while length() > longest, let long = members.lastIndex(where: { $0.utf8.count > longMember }) {
            members.remove(at: long)
        }
        while length() > longest { members.removeLast() }
        return members.isEmpty ? nil : members.joined(separator: ",")
    }

    /// `vendor`, or `tenant@vendor`.
    private static func isName(_ name: Substring) -> Bool {
        let parts = name.split(separator: "@", omittingEmptySubsequences: false)
        switch parts.count {
        case 1: return isWord(parts[0], upTo: 256, mayBeginWithDigit: false)
        case 2:
            return isWord(parts[0], upTo: 241, mayBeginWithDigit: true)
                && isWord(parts[1], upTo: 14, mayBeginWithDigit: false)
        default: return false
        }
    }

    private static func isWord(_ word: Substring, upTo longest: Int, mayBeginWithDigit: Bool) -> Bool {
        guard let first = word.utf8.first, word.utf8.count <= longest else { return false }
        let letters = UInt8(ascii: "a")...UInt8(ascii: "z"), digits = UInt8(ascii: "0")...UInt8(ascii: "9")
        guard letters.contains(first) || mayBeginWithDigit && digits.contains(first) else { return false }
        return word.utf8.allSatisfy { letters.contains($0) || digits.contains($0) || "_-*/".utf8.contains($0) }
    }

    /// Visible ASCII and spaces, but no comma, no equals sign, and no space at the end.
    private static func isValue(_ value: Substring) -> Bool {
        (1...256).contains(value.utf8.count) && value.utf8.last != UInt8(ascii: " ")
            && value.utf8.allSatisfy {
                (0x20...0x7e).contains($0) && $0 != UInt8(ascii: ",") && $0 != UInt8(ascii: "=")
            }
    }
}
