public import E2BUpstream

extension Settings {
    /// Where upstream is.
    ///
    /// - Throws: ``SettingFailure`` if that makes no sense.
    public func upstreamEndpoints() throws(SettingFailure) -> UpstreamEndpoints {
        do {
            return try UpstreamEndpoints(
                apiURL: upstreamAPIURL, sandboxURL: upstreamSandboxURL, domain: upstreamDomain)
        } catch {
            throw SettingFailure("\(error)")
        }
    }
}
