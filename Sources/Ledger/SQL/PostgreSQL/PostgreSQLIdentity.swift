/// Which server answers, and since when without a break.
struct PostgreSQLIdentity: Equatable {
    /// It and its timeline. Others, and itself once it was promoted or restored, may give a transaction's number to another.
    let history: String
    /// What is another one after every start and every crash. A crash loses what was not on disk, also that a number was given.
    let life: String

    init(history: String, life: String) {
        self.history = history
        self.life = life
    }

    init(_ row: SQLRow) {
        self.init(history: row["history"], life: row["life"])
    }

    /// Fails where the role may not ask for it, and on a standby.
    static let query = """
        SELECT system_identifier || ' ' || left(pg_walfile_name(pg_current_wal_insert_lsn()), 8) AS history,
            extract(epoch FROM pg_postmaster_start_time()) || ' '
            || coalesce(extract(epoch FROM (SELECT stats_reset FROM pg_stat_bgwriter))::text, '') AS life
        FROM pg_control_system()
        """
}
