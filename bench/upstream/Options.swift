import NIOCore

/// What the command line says.
struct Options {
    var host = "127.0.0.1"
    /// 0 for a free one.
    var port = 0
    var delays = Delays()

    /// How long each answer takes, as a network and a busy cloud would make it.
    struct Delays {
        var create = TimeAmount.milliseconds(150)
        /// From a request for an execution, or from the end of the sandbox's last one, to all of its events.
        var execute = TimeAmount.milliseconds(30)
        /// A file's way up or down is a round trip like an execution's.
        var files = TimeAmount.milliseconds(30)
        var kill = TimeAmount.zero
    }

    struct Failure: Error, CustomStringConvertible {
        let description: String
    }

    init(_ arguments: ArraySlice<String>) throws(Failure) {
        var words = Array(arguments)
        while !words.isEmpty {
            let name = words.removeFirst()
            guard let value = words.first else { throw Failure(description: "\(name) needs a value") }
            words.removeFirst()
            switch (name, Int64(value)) {
            case ("--listen", _): try listen(at: value)
            case ("--create-ms", let delay?) where delay >= 0: delays.create = .milliseconds(delay)
            case ("--execute-ms", let delay?) where delay >= 0: delays.execute = .milliseconds(delay)
            case ("--files-ms", let delay?) where delay >= 0: delays.files = .milliseconds(delay)
            case ("--kill-ms", let delay?) where delay >= 0: delays.kill = .milliseconds(delay)
            default: throw Failure(description: "\(name) \(value) is not understood")
            }
        }
    }

    private mutating func listen(at address: String) throws(Failure) {
        let parts = address.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count == 2, !parts[0].isEmpty, let port = UInt16(parts[1]) else {
            throw Failure(description: "--listen takes an address like 127.0.0.1:3000, not \(address)")
        }
        (host, self.port) = (String(parts[0]), Int(port))
    }
}
