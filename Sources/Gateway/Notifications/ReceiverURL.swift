/// Where events and audit records go: `https://…`, or `http://…` to this machine.
///
/// Read strictly, so that what is judged here is what libcurl connects to.
public struct ReceiverURL: Sendable, Hashable, CustomStringConvertible {
    /// The whole address.
    let text: String

    /// Why an address is not accepted.
    enum Failure: Error {
        /// It is no URL of the form asked for.
        case malformed
        /// It would leave this machine in the clear.
        case clear
    }

    init(_ text: String) throws(Failure) {
        let isEncrypted = text.hasPrefix("https://")
        guard isEncrypted || text.hasPrefix("http://"), text.utf8.allSatisfy({ (0x21...0x7e).contains($0) }),
            !text.contains("#"), !text.contains("\\")
        else { throw .malformed }
        let authority = text.drop { $0 != ":" }.dropFirst(3).prefix { $0 != "/" && $0 != "?" }
        guard let host = Self.host(of: authority) else { throw .malformed }
        // The port matters to nobody here.
        guard isEncrypted || ListenAddress("\(host):0")?.isLoopback == true else { throw .clear }
        self.text = text
    }

    /// A name, or an address in brackets; nil unless nothing but a port follows. No user, no password.
    private static func host(of authority: Substring) -> Substring? {
        let isBracketed = authority.first == "["
        guard !isBracketed || authority.contains("]") else { return nil }
        let end =
            isBracketed ? authority.firstIndex(of: "]").map(authority.index(after:)) : authority.firstIndex(of: ":")
        let host = authority[..<(end ?? authority.endIndex)], port = authority[host.endIndex...]
        guard port.isEmpty || (port.first == ":" && UInt16(port.dropFirst()) != nil) else { return nil }
        let inner = isBracketed ? host.dropFirst().dropLast() : host
        let allowed = isBracketed ? "0123456789abcdefABCDEF:." : "-._"
        let isHost = inner.utf8.allSatisfy { byte in
            let character = Character(UnicodeScalar(byte))
            return allowed.contains(character) || (!isBracketed && (character.isLetter || character.isNumber))
        }
        return isHost && !inner.isEmpty && inner.count <= 253 ? host : nil
    }

    /// As it may be shown: without the query, in which receivers like to put secrets.
    public var description: String {
        guard let query = text.firstIndex(of: "?") else { return text }
        return text[..<query] + "?…"
    }
}
