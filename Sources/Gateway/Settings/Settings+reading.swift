import Auth
import Ledger
import Logging
import Quota

// What the values of settings may be, each read once and refused by the name of its setting.

extension Settings {
    static func days(_ setting: RawSetting, in range: ClosedRange<Int>) throws(SettingFailure) -> Duration {
        guard let days = Int(setting.value), range.contains(days) else {
            throw SettingFailure(
                setting, "must be whole days from \(range.lowerBound) to \(range.upperBound), not \"\(setting.value)\"")
        }
        return .seconds(days * 86_400)
    }

    static func number(
        _ setting: RawSetting, in range: ClosedRange<Int>, unit: String = "a whole number"
    ) throws(SettingFailure) -> Int {
        guard let number = Int(setting.value), range.contains(number) else {
            let bounds = "from \(range.lowerBound) to \(range.upperBound)"
            throw SettingFailure(setting, "must be \(unit) \(bounds), not \"\(setting.value)\"")
        }
        return number
    }

    /// A rate without a burst unless it says otherwise: a burst on top of an even pace is more in the first second than
    /// the rate says, and upstream would refuse it.
    static func pace(_ setting: RawSetting) throws(SettingFailure) -> Rate {
        guard var rate = Rate(parsing: setting.value) else {
            throw SettingFailure(
                setting, "must be a rate such as 5/s, 60/min or 5/s burst 5, not \"\(setting.value)\"")
        }
        if !setting.value.contains("burst") { rate.burst = 1 }
        return rate
    }

    static func rootKey(_ setting: RawSetting) throws(SettingFailure) -> RootKey {
        guard let key = try? RootKey(text: setting.value) else {
            throw SettingFailure(setting, "must be 64 hex digits, as `e2b-gateway init` writes them")
        }
        return key
    }

    static func ledger(_ setting: RawSetting) throws(SettingFailure) -> LedgerLocation {
        do {
            return try LedgerLocation(setting.value)
        } catch {
            throw SettingFailure(setting, error.reason)
        }
    }

    static func receiverURL(_ setting: RawSetting, of messages: String) throws(SettingFailure) -> ReceiverURL {
        do {
            return try ReceiverURL(setting.value)
        } catch {
            // Not repeated: receivers like to put secrets into it.
            switch error {
            case .malformed:
                throw SettingFailure(setting, "must be https://HOST/PATH, without user, password or fragment")
            case .clear:
                throw SettingFailure(
                    setting,
                    "must begin with https://, unless it leads to this machine: \(messages) are not for all eyes")
            }
        }
    }

    static func syslogAddress(_ setting: RawSetting) throws(SettingFailure) -> SyslogAddress {
        guard let address = SyslogAddress(setting.value) else {
            throw SettingFailure(
                setting,
                "must be tcp://HOST:PORT, or unix:///PATH for a stream socket, not \"\(setting.value)\"; UDP is not offered, "
                    + "since it loses records without a word"
            )
        }
        return address
    }

    static func webhookSecrets(_ setting: RawSetting) throws(SettingFailure) -> [WebhookSecret] {
        let words = setting.value.split(separator: " ")
        guard (1...2).contains(words.count) else {
            throw SettingFailure(
                setting, "must be one secret, or two with a space between them while one replaces the other")
        }
        var secrets: [WebhookSecret] = []
        for word in words {
            guard let secret = try? WebhookSecret(text: String(word)) else {
                throw SettingFailure(setting, "must be whsec_ and the Base64 of 24 to 64 random bytes")
            }
            secrets.append(secret)
        }
        return secrets
    }

    static func address(_ setting: RawSetting) throws(SettingFailure) -> ListenAddress {
        guard let address = ListenAddress(setting.value) else {
            throw SettingFailure(setting, "must be HOST:PORT, such as 127.0.0.1:8080, not \"\(setting.value)\"")
        }
        return address
    }
}
