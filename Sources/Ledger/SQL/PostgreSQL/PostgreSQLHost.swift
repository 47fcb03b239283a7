/// One of the servers that an address names.
struct PostgreSQLHost: Sendable, CustomStringConvertible {
    /// Where Debian's PostgreSQL has its socket.
    private static let socketFolder = "/var/run/postgresql"

    let name: String?
    /// A numeric address that spares the look-up of the name.
    let address: String?
    let port: String

    /// All that an address names, as libpq pairs them.
    static func all(in settings: [String: String]) throws(PostgreSQLLocation.Refused) -> [PostgreSQLHost] {
        func list(_ name: String) -> [String] {
            settings[name]?.split(separator: ",", omittingEmptySubsequences: false).map(String.init) ?? []
        }
        let (names, addresses, ports) = (list("host"), list("hostaddr"), list("port"))
        let count = max(names.count, addresses.count, 1)
        guard names.isEmpty || names.count == count, addresses.isEmpty || addresses.count == count,
            ports.count <= 1 || ports.count == count
        else { throw PostgreSQLLocation.Refused(reason: "its hosts, addresses and ports are not equally many") }
        var hosts: [PostgreSQLHost] = []
        for index in 0..<count {
            let port = ports.count > 1 ? ports[index] : ports.first ?? ""
            guard port.isEmpty || Int(port).map({ (1...65_535).contains($0) }) ?? false else {
                throw PostgreSQLLocation.Refused(reason: "its port is not a number from 1 to 65535")
            }
            let name = index < names.count && !names[index].isEmpty ? names[index] : nil
            let address = index < addresses.count && !addresses[index].isEmpty ? addresses[index] : nil
            hosts.append(
                PostgreSQLHost(
                    name: name ?? (address == nil ? socketFolder : nil), address: address,
                    port: port.isEmpty ? "5432" : port))
        }
        return hosts
    }

    /// Whether what is sent to it stays on this machine.
    var isLocal: Bool {
        let place = address ?? name ?? ""
        // A file's path, or the name of an abstract socket.
        if address == nil && (place.hasPrefix("/") || place.hasPrefix("@")) { return true }
        return place == "localhost" || place == "::1"
            || place.wholeMatch(of: /127(\.[0-9]{1,3}){3}/) != nil
    }

    /// All three, as libpq would look for what is missing in the environment.
    var settings: [String: String] { ["host": name ?? "", "hostaddr": address ?? "", "port": port] }

    var description: String {
        let place = name ?? address ?? ""
        return place.contains(":") ? "[\(place)]:\(port)" : "\(place):\(port)"
    }
}
