#!/usr/bin/env python3
"""How many executions a second gateways admit and settle that share one PostgreSQL on this machine, and what the database
does for each of them.

    make bench-shared     # builds for production, then runs this

Gateways, callers and the database share the machine's processors, so that more gateways cannot be faster here than the
processors allow: what is looked for is what turns cost, and what each execution takes. Nothing is asserted.
"""

import argparse
import json
import os
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "Tests/System"))

from harness.postgresql import PostgreSQL  # noqa: E402

BENCH = ROOT / ".build/release/ledger-bench"


class Counters:
    """What the server has done so far."""

    def __init__(self, server: PostgreSQL, database: str):
        [[statements, rows]] = server.query(
            "SELECT sum(calls), sum(rows) FROM pg_stat_statements JOIN pg_database ON dbid = pg_database.oid "
            f"WHERE datname = '{database}'", database)
        [[commits, inserted, updated, deleted]] = server.query(
            "SELECT xact_commit, tup_inserted, tup_updated, tup_deleted FROM pg_stat_database "
            f"WHERE datname = '{database}'")
        self.values = {
            "statements": int(statements or 0), "commits": int(commits), "inserted": int(inserted),
            "updated": int(updated), "deleted": int(deleted),
            "wal": int(server.value("SELECT pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')::bigint")),
        }

    def since(self, before: "Counters") -> dict[str, int]:
        return {name: value - before.values[name] for name, value in self.values.items()}


def measure(server: PostgreSQL, gateways: int, tenants: int, callers: int, seconds: int) -> None:
    address = server.make_database()
    database = address.rsplit("/", 1)[-1]
    server.query("CREATE EXTENSION pg_stat_statements", database)
    before = Counters(server, database)
    said = subprocess.run(
        [BENCH, "--postgres", address, "--gateways", str(gateways), "--tenants", str(tenants), "--callers", str(callers),
         "--seconds", str(seconds)],
        check=True, capture_output=True, text=True,
    ).stdout
    result = json.loads(said)
    did = Counters(server, database).since(before)
    # The counters include the two seconds of warming up, the figures do not: of an execution they tell the same.
    executions = int(server.value("SELECT count(*) FROM execution", database))
    print(
        f"{gateways} gateways, {tenants:2} tenants, {callers:3} callers: {result['per_second']:6} executions/s, "
        f"{3 * result['executions'] / max(1, result['commits']):5.1f} writes a commit\n"
        f"    admission {result['admission']}\n"
        f"    of each: {did['statements'] / executions:.1f} statements, {did['wal'] / executions:.0f} bytes of WAL, "
        f"{did['inserted'] / executions:.2f} rows inserted, {did['updated'] / executions:.2f} updated, "
        f"{did['deleted'] / executions:.2f} deleted",
        flush=True)
    server.query(f"DROP DATABASE {database}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--seconds", type=int, default=5)
    arguments = parser.parse_args()
    load = os.getloadavg()[0]
    print(f"{os.cpu_count()} cores, load {load:.1f}; PostgreSQL on the same machine, synced commits")
    server = PostgreSQL("shared_preload_libraries=pg_stat_statements", "shared_buffers=256MB", "max_wal_size=2GB")
    try:
        for tenants in (1, 64):
            for gateways in (1, 2, 4):
                for callers in (1, 64, 256):
                    measure(server, gateways, tenants, callers, arguments.seconds)
    finally:
        server.remove()


if __name__ == "__main__":
    main()
