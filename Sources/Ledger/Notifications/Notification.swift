public import Quota

/// What somebody is to be told, as it waits on disk until it was delivered.
public struct Notification: Sendable, Hashable {
    /// Its name, the same at every attempt: whoever is told twice can see it.
    public let id: String
    /// The tenant it concerns, by its handle.
    public let tenant: String
    /// What is sent, as JSON.
    public let document: String
    /// How often it was tried in vain.
    public let attempts: Int
    /// When it came up.
    public let createdAt: Moment

    /// How long it is tried; later it would be no news.
    public static let lifetime = Duration.seconds(86_400)
}
