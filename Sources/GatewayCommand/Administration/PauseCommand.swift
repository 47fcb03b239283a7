import ArgumentParser
import Gateway

/// What a kill switch is for.
struct SwitchOptions: ParsableArguments {
    @Option(help: "Only this tenant.") var tenant: String?
    @Option(help: "Only this key, by its id as `key list` shows it.") var key: String?

    func validate() throws {
        guard tenant == nil || key == nil else { throw ValidationError("Say --tenant or --key, not both.") }
    }
}

/// Prints what a kill switch stands at.
private struct SwitchPrinter {
    let format: OutputOptions

    func show(_ tenant: TenantView) throws { try format.print(tenant) { TenantCommand.table([$0]) } }
    func show(_ key: KeyView) throws { try format.print(key) { KeyCommand.table([$0]) } }
    func show(_ pause: PauseView) throws { try format.print(pause, asTable: PauseCommand.text) }
}

struct PauseCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "pause",
        abstract: "Stop all new work at once, on all gateways; or that of one tenant, or of one key.",
        discussion: """
            e2b-gateway pause --reason "upstream bills look wrong"
                                                no execution begins, no sandbox is made, woken or prolonged
            e2b-gateway pause --tenant acme     no call of acme's is answered: `tenant suspend` with another default
            e2b-gateway pause --key KEY         no call with this key is answered; unlike a revoked key it can be resumed
            What runs goes on unless --end-running is said. `e2b-gateway resume` lets work begin again.
            """
    )

    @OptionGroup var target: SwitchOptions
    @Option(help: "Why, in words that callers who are refused are told.") var reason: String?
    @Flag(help: "End what runs as well: executions, and sandboxes that are awake.") var endRunning = false
    @OptionGroup var confirmation: ConfirmationOptions
    @OptionGroup var administration: AdministrationOptions
    @OptionGroup var format: OutputOptions

    func run() async throws {
        try confirmation.require(warning, typing: "pause")
        let printer = SwitchPrinter(format: format)
        if let tenant = target.tenant {
            let order = TenantChangeOrder(disabled: true, reason: reason, endRunning: endRunning)
            try printer.show(try await administration.administer { try await $0.changeTenant(tenant, order) })
        } else {
            let order = SuspensionOrder(reason: reason, endRunning: endRunning)
            if let key = target.key {
                try printer.show(try await administration.administer { try await $0.suspendKey(key, order) })
            } else {
                try printer.show(try await administration.administer { try await $0.pauseWork(order) })
            }
        }
    }

    private var warning: String {
        let stopped =
            if let tenant = target.tenant { "All calls of the tenant \(tenant)" } else if let key = target.key {
                "All calls with the key \(key)"
            } else { "All new work, of every tenant," }
        return "\(stopped) will be refused, on all gateways, until resumed. What runs "
            + (endRunning ? "is ended." : "goes on.")
    }

    static func text(_ pause: PauseView) -> String {
        guard pause.paused else { return "New work may begin." }
        return "All new work is paused since \(pause.since ?? "-"), by \(pause.by ?? "-")"
            + (pause.reason.map { ": \($0)" } ?? ".")
    }
}

struct ResumeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "resume", abstract: "Let work begin again that was paused: all of it, a tenant's, or a key's.",
        discussion: "Each is resumed by itself: a tenant that was suspended stays so when all work is resumed."
    )

    @OptionGroup var target: SwitchOptions
    @OptionGroup var administration: AdministrationOptions
    @OptionGroup var format: OutputOptions

    func run() async throws {
        let printer = SwitchPrinter(format: format)
        if let tenant = target.tenant {
            let order = TenantChangeOrder(disabled: false)
            try printer.show(try await administration.administer { try await $0.changeTenant(tenant, order) })
        } else if let key = target.key {
            try printer.show(try await administration.administer { try await $0.resumeKey(key) })
        } else {
            try printer.show(try await administration.administer { try await $0.resumeWork() })
        }
    }
}
