import ArgumentParser
import Gateway
import Printing

extension TenantCommand {
    struct Suspend: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Shut a tenant out until it is resumed, and end what it runs, on all gateways.",
            discussion: """
                Its calls are refused from now on. Sandboxes that sleep sleep on. `e2b-gateway pause --tenant` does the same \
                and lets what runs go on, unless told otherwise. Both ask first on a terminal; elsewhere say --yes.
                """
        )

        @Argument var name: String
        @Option(help: "Why, in words that its callers are told.") var reason: String?
        @Flag(help: "Let executions that run go on to their ends, and sandboxes to theirs.") var letRunningFinish =
            false
        @OptionGroup var confirmation: ConfirmationOptions
        @OptionGroup var administration: AdministrationOptions
        @OptionGroup var format: OutputOptions

        func run() async throws {
            if !confirmation.isGiven { try confirmation.require(try await warning(), typing: name) }
            let order = TenantChangeOrder(disabled: true, reason: reason, endRunning: !letRunningFinish)
            let tenant = try await administration.administer { try await $0.changeTenant(name, order) }
            try format.print(tenant) { TenantCommand.table([$0]) }
        }

        private func warning() async throws -> String {
            let usage = try await administration.administer { try await $0.usage(of: name, subject: nil).usage }
            return
                "All calls of \(name) will be refused, on all gateways, until it is resumed. Running now, and "
                + (letRunningFinish ? "left to finish: " : "ended by it: ")
                + "\(usage.executions.running) executions, \(usage.sandboxes.running) sandboxes."
        }
    }

    struct Resume: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Let a suspended tenant in again.")

        @Argument var name: String
        @OptionGroup var administration: AdministrationOptions
        @OptionGroup var format: OutputOptions

        func run() async throws {
            let order = TenantChangeOrder(disabled: false)
            let tenant = try await administration.administer { try await $0.changeTenant(name, order) }
            try format.print(tenant) { TenantCommand.table([$0]) }
        }
    }

    struct Rename: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Call a tenant something else. Its keys, its usage and what it runs stay.",
            discussion: "The old name is free from then on; the audit log finds the tenant under both."
        )

        @Argument(help: "What it is called now.") var name: String
        @Argument(help: "What it is to be called: up to 63 of a-z, 0-9 and -.") var newName: String
        @OptionGroup var administration: AdministrationOptions
        @OptionGroup var format: OutputOptions

        func run() async throws {
            let order = TenantChangeOrder(name: newName)
            let tenant = try await administration.administer { try await $0.changeTenant(name, order) }
            try format.print(tenant) { TenantCommand.table([$0]) }
        }
    }

    struct Delete: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Delete a tenant for good: revoke its keys and end what it runs, on all gateways.",
            discussion: """
                What it consumed stays in `usage --by`, what it did in the audit log. Its name is free for another tenant, \
                which has none of it. To shut a tenant out for a while: `tenant suspend`.
                """
        )

        @Argument var name: String
        @OptionGroup var confirmation: ConfirmationOptions
        @OptionGroup var administration: AdministrationOptions
        @OptionGroup var format: OutputOptions

        func run() async throws {
            if !confirmation.isGiven { try confirmation.require(try await warning(), typing: name) }
            let tenant = try await administration.administer { try await $0.deleteTenant(name) }
            try format.print(tenant) { "Deleted \($0.name)." }
        }

        private func warning() async throws -> String {
            let (keys, usage) = try await administration.administer { access in
                (try await access.keys(of: name), try await access.usage(of: name, subject: nil).usage)
            }
            let live = keys.count { $0.state != "revoked" }
            return
                "Deleting \(name) cannot be undone. Keys that are revoked by it: \(live). Running now, and ended by it: "
                + "\(usage.executions.running) executions, \(usage.sandboxes.running) sandboxes."
        }
    }
}
