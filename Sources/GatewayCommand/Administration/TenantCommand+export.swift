import ArgumentParser
import Gateway

extension TenantCommand {
    struct Export: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Write tenants and their limits as a file that `apply` reads.",
            discussion: """
                Example: e2b-gateway tenant export > tenants.yaml
                Applied as it is, the file changes nothing. It holds no keys and no tokens.
                """
        )

        @Argument(help: "Which tenants; unless any is named all of them, with what new tenants get.")
        var names: [String] = []
        @Option(help: "Only those whose names begin so.") var prefix: String?
        @OptionGroup var administration: AdministrationOptions

        func run() async throws {
            let text = try await administration.administer { access -> String in
                var tenants: [TenantView] = []
                if names.isEmpty {
                    tenants = try await access.tenants(TenantFilter(prefix: prefix))
                } else {
                    for name in names { tenants.append(try await access.tenant(name)) }
                }
                var exported: [(tenant: TenantView, policy: PolicyView)] = []
                for tenant in tenants { exported.append((tenant, try await access.policy(of: tenant.name))) }
                let isPart = !names.isEmpty || prefix != nil
                return DeclarationText.of(exported, defaultPolicy: isPart ? nil : try await access.defaultPolicy())
            }
            print(text, terminator: "")
        }

        func validate() throws {
            guard names.isEmpty || prefix == nil else {
                throw ValidationError("Name tenants, or a --prefix: one of the two.")
            }
        }
    }
}
