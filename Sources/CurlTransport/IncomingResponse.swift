public import HTTPTypes

/// A response whose head has arrived and whose body may still be on its way.
public struct IncomingResponse: Sendable {
    /// The status code, 200…999.
    public let status: Int
    /// The header fields in the order they came; lines that are not valid fields are left out.
    public let headers: HTTPFields
    /// The body, to be read at the reader's own pace.
    public let body: ResponseBody
    /// How the connection was made, where the request asked for that.
    public let connection: ConnectionReport?
}
