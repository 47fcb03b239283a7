extension Invariant {
    /// Every idempotency key of an administrator's holds for a time, and one under which a key was made is of a key that
    /// there is.
    static let adminRequests = Invariant(
        "administrators' requests", of: "admin_request",
        sql: { _ in
            """
            SELECT 'admin_request/' || admin_request.key AS row,
                CASE WHEN expires_at <= created_at THEN 'ends before it begins'
                    ELSE 'is of a key that does not exist' END AS problem
            FROM admin_request
            WHERE expires_at <= created_at
                OR (minted_key IS NOT NULL
                    AND NOT EXISTS (SELECT 1 FROM key AS made WHERE made.id = minted_key)
                    AND NOT EXISTS (SELECT 1 FROM admin_key AS made WHERE made.id = minted_key))
            """
        })
}
