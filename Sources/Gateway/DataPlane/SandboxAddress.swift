import HTTPTypes

/// Which port of which sandbox a request is for.
struct SandboxAddress: Equatable, Sendable {
    /// Upstream's id, `[a-z0-9]`; nil for a signed file URL, which may name no sandbox.
    let sandboxID: String?
    /// 1–65535.
    let port: Int

    /// Why an address cannot be read; the text is for the caller, as E2B's edge would answer.
    struct Fault: Error, Equatable {
        let text: String
    }

    /// The port of the daemon, for files and processes.
    static let daemonPort = 49983
    /// The port of the code interpreter.
    static let interpreterPort = 49999

    /// Reads `{port}-{id}.DOMAIN`.
    ///
    /// - Parameter authority: the request's host, in any case, with or without a port.
    /// - Returns: nil if it is no name of this form below the domain.
    static func named(by authority: String, below domain: ServedDomain?) throws(Fault) -> SandboxAddress? {
        guard let label = domain?.label(of: authority) else { return nil }
        let parts = label.split(separator: "-", maxSplits: 1, omittingEmptySubsequences: false)
        guard parts.count == 2, !parts[0].isEmpty, parts[0].utf8.allSatisfy(isDigit) else { return nil }
        return SandboxAddress(sandboxID: try id(String(parts[1])), port: try port(String(parts[0])))
    }

    /// Reads the two routing headers; nil if there is neither.
    static func named(by headers: HTTPFields) throws(Fault) -> SandboxAddress? {
        switch (try single(.sandboxID, in: headers), try single(.sandboxPort, in: headers)) {
        case (nil, nil): return nil
        case (.some, nil): throw Fault(text: "missing E2b-Sandbox-Port header")
        case (nil, .some): throw Fault(text: "missing E2b-Sandbox-Id header")
        case (let id?, let port?):
            return SandboxAddress(sandboxID: try Self.id(id.lowercased()), port: try Self.port(port))
        }
    }

    /// Refuses headers that say anything else than the host name.
    func agree(with headers: HTTPFields) throws(Fault) {
        let id = try Self.single(.sandboxID, in: headers), port = try Self.single(.sandboxPort, in: headers)
        guard id.map({ $0.lowercased() == sandboxID }) ?? true, port.map({ $0 == "\(self.port)" }) ?? true else {
            throw Fault(text: "the routing headers do not agree with the host name")
        }
    }

    private static func single(_ name: HTTPField.Name, in headers: HTTPFields) throws(Fault) -> String? {
        let values = headers[values: name]
        guard values.count <= 1 else { throw Fault(text: "more than one \(name) header") }
        return values.first
    }

    private static func id(_ text: String) throws(Fault) -> String {
        guard (1...63).contains(text.utf8.count), text.utf8.allSatisfy({ isDigit($0) || isLetter($0) }) else {
            throw Fault(text: "invalid sandbox id")
        }
        return text
    }

    private static func port(_ text: String) throws(Fault) -> Int {
        guard text.utf8.allSatisfy(isDigit), text.utf8.first != UInt8(ascii: "0"), let port = UInt16(text) else {
            throw Fault(text: "invalid sandbox port")
        }
        return Int(port)
    }

    private static func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }
    private static func isLetter(_ byte: UInt8) -> Bool { (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte) }
}
