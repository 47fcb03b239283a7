import E2BUpstream
import Ledger
import Synchronization

/// What sandboxes of each template have of a machine: asked of upstream once, since SDKs expect it in every list.
final class TemplateResources: Sendable {
    private static let maximumTemplates = 1_000

    private let known = Mutex([String: SandboxResources]())
    private let upstream: E2BClient

    init(upstream: E2BClient) {
        self.upstream = upstream
    }

    /// By template. Those are missing of which upstream cannot tell now; a list does not wait for it twice.
    func ofEach(_ sandboxes: [OwnedSandbox]) async -> [String: SandboxResources] {
        var found = known.withLock(\.self)
        for sandbox in sandboxes where found[sandbox.template] == nil {
            do throws(UpstreamFailure) {
                found[sandbox.template] = note(try await upstream.detail(of: sandbox.id), of: sandbox.template)
            } catch {
                guard case .sandboxGone = error else { break }
            }
        }
        return found
    }

    /// Takes what upstream says of one sandbox.
    func note(_ members: [String: JSONValue], of template: String) -> SandboxResources {
        func number(_ name: String) -> Int {
            guard case .integer(let value)? = members[name] else { return 0 }
            return Int(clamping: value)
        }
        let resources = SandboxResources(
            cpuCount: number("cpuCount"), memoryMB: number("memoryMB"), diskSizeMB: number("diskSizeMB"))
        known.withLock { known in
            if known.count >= Self.maximumTemplates { known.removeAll() }
            known[template] = resources
        }
        return resources
    }
}
