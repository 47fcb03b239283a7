import Auth

/// A token from the settings, looked at before it is sent anywhere.
enum PresentedToken {
    /// The text, if it may be a token of a gateway's; also of one that knows more caveats than this program.
    ///
    /// - Parameter setting: where it came from, for whoever gave something else. What was given is never repeated.
    static func checked(_ text: String, from setting: String) throws(CommandFailure) -> String {
        do {
            _ = try Token(parsing: text)
        } catch .unknownCaveat {
        } catch {
            // Both begin alike.
            let mistaken = "If it is an E2B API key: that belongs to the gateway alone, in E2B_API_KEY. "
            throw CommandFailure(
                "\(setting) is not a token of this gateway (\(error)) and was not sent. "
                    + (text.wholeMatch(of: /e2b_[0-9a-fA-F]+/) != nil ? mistaken : "")
                    + "An administrator makes tokens: e2b-gateway key issue, e2b-gateway admin-token issue"
            )
        }
        return text
    }
}
