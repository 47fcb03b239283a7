/// Why a local E2B does not start. Every description says what to do about it.
public enum LocalE2BFailure: Error, Equatable, CustomStringConvertible {
    /// A setting that makes no sense.
    case invalidConfiguration(String)
    /// A program that Debian and Ubuntu have in a package.
    case programMissing(path: String, package: String)
    /// No Python virtual environment at the path.
    case environmentMissing(path: String)
    /// The virtual environment lacks what sandboxes need, or cannot be read.
    case environmentIncomplete(path: String, detail: String)
    /// The system call filter could not be made.
    case filterFailed(detail: String)
    /// The kernel, or what this runs in, refuses the namespaces a sandbox is made of.
    case namespacesNotAllowed(detail: String)
    /// The first sandbox did not start, for a reason other than those above.
    case sandboxFailed(detail: String)
    /// The directory for what sandboxes read could not be made.
    case directoryFailed(path: String, detail: String)
    /// The certificate of the authority for TLS could not be written.
    case authorityFileFailed(path: String, detail: String)
    /// The address is taken, or not this machine's.
    case cannotListen(host: String, port: Int, detail: String)

    /// What happened and what to do.
    public var description: String {
        switch self {
        case .invalidConfiguration(let demand):
            "local E2B: \(demand)"
        case .programMissing(let path, let package):
            "local E2B: \(path) is missing; run: apt-get install \(package)"
        case .environmentMissing(let path):
            """
            local E2B: there is no Python environment at \(path); run: make setup \
            (or set LOCAL_E2B_VENV to an environment made with /usr/bin/python3 -m venv)
            """
        case .environmentIncomplete(let path, let detail):
            "local E2B: the Python environment at \(path) is not usable; run: make setup (\(detail))"
        case .filterFailed(let detail):
            "local E2B: the system call filter cannot be made; run: apt-get install python3-seccomp (\(detail))"
        case .namespacesNotAllowed(let detail):
            """
            local E2B: this machine does not let bubblewrap make namespaces (\(detail)). In a container, run it \
            with --security-opt seccomp=unconfined and --security-opt apparmor=unconfined, or outside; on Ubuntu \
            24.04 and later: sysctl kernel.apparmor_restrict_unprivileged_userns=0; elsewhere: sysctl \
            kernel.unprivileged_userns_clone=1
            """
        case .sandboxFailed(let detail):
            "local E2B: a first sandbox, started to try it, did not run: \(detail)"
        case .directoryFailed(let path, let detail):
            "local E2B: \(path) cannot be made (\(detail)); set TMPDIR to a directory that can be written"
        case .authorityFileFailed(let path, let detail):
            "local E2B: the authority's certificate cannot be written to \(path) (\(detail)); name another with --tls-ca"
        case .cannotListen(let host, let port, let detail):
            "local E2B: cannot listen on \(host):\(port) (\(detail)); choose another port, or 0 for any free one"
        }
    }
}
