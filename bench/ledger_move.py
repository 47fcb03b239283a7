"""How long `ledger migrate` takes: a ledger with a past that nobody lived through moves into a PostgreSQL of its own.

usage: PYTHONPATH=Tests/System python bench/ledger_move.py [--executions 1000000]

Each execution has its record of intent and of outcome, chained as the gateway chains them, and all of it is sound.
"""

import argparse
import hashlib
import json
import os
import pathlib
import sqlite3
import subprocess
import tempfile
import time

from harness.postgresql import PASSWORD, PostgreSQL

BINARY = pathlib.Path(os.environ.get("GATEWAY_BINARY", ".build/release/e2b-gateway")).absolute()
TENANTS, SUBJECTS, DAY = 50, 1_000, 86_400 * 10**9
DIGEST = "5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03"


def command(folder: pathlib.Path, *words: str) -> dict:
    done = subprocess.run(
        [str(BINARY), *words, "--output", "json"], cwd=folder, capture_output=True, text=True,
        env={"PATH": os.environ["PATH"], "PGPASSWORD": PASSWORD, "GATEWAY_LEDGER": "sqlite:gateway.db"})
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr
    return json.loads(done.stdout)


def fill(folder: pathlib.Path, executions: int) -> None:
    """Executions of sixty days, the last of them forty days ago, so that no window that still runs holds any."""
    command(folder, "init")
    keys = []
    for number in range(TENANTS):
        command(folder, "tenant", "create", f"tenant-{number}")
        keys.append(command(folder, "key", "issue", f"tenant-{number}")["key_id"])
    ledger = sqlite3.connect(folder / "gateway.db", isolation_level=None)
    ledger.execute("PRAGMA synchronous = OFF")
    ledger.execute("BEGIN")
    [[sequence, head]] = ledger.execute("SELECT sequence, hash FROM chain")
    tenants = dict(ledger.execute("SELECT name, id FROM tenant"))
    start = (time.time_ns() - 100 * DAY) // DAY * DAY
    records: list[tuple] = []

    def record(tenant: str, execution: str, at: int, **members: object) -> None:
        nonlocal sequence, head
        sequence += 1
        said = members | {
            "at_ms": at // 10**6, "sequence": sequence, "stream": "main", "v": 1, "tenant": tenant, "execution": execution,
            "request_id": "0123456789abcdef"}
        text = json.dumps(said, sort_keys=True, separators=(",", ":"))
        head = hashlib.sha256(head + text.encode()).digest()
        records.append((sequence, head, text, tenant, execution))

    rows = []
    for number in range(executions):
        tenant, subject = f"tenant-{number % TENANTS}", f"user-{number // TENANTS % SUBJECTS}"
        key, execution = keys[number % TENANTS], f"exe_{hashlib.sha256(b'%d' % number).hexdigest()[:24]}"
        at = start + number * 60 * DAY // executions
        of = {"key_id": key, "subject": subject}
        record(tenant, execution, at, action="execution.admitted", code_digest=DIGEST, code_bytes=1024, context_bytes=0,
               language="python", template="code-interpreter-v1", timeout_asked_ms=30_000, timeout_granted_ms=30_000,
               source_address="192.0.2.1", **of)
        record(tenant, execution, at + 120 * 10**6, action="execution.finished", outcome="completed", runtime_ms=120,
               overrun_ms=0, output_bytes=40, sandbox="i0123456789abcdefghij", timeout_granted_ms=30_000, **of)
        rows.append((execution, tenants[tenant], key, subject, at, at + 120 * 10**6))
        if len(rows) == 10_000 or number == executions - 1:
            ledger.executemany("INSERT INTO audit VALUES (?, ?, ?, ?, ?)", records)
            ledger.executemany(
                f"""INSERT INTO execution (id, tenant, key, subject, admitted_at, finished_at, request_id, source_address,
                template, language, code_digest, code_bytes, context_bytes, timeout_asked, timeout_granted, outcome, charged,
                credit, overrun, output_bytes) VALUES (?, ?, ?, ?, ?, ?, '0123456789abcdef', '192.0.2.1',
                'code-interpreter-v1', 'python', '{DIGEST}', 1024, 0, 30000, 30000, 'completed', 120, 0, 0, 40)""", rows)
            rows.clear()
            records.clear()
    for table, column in (("consumption", "key"), ("subject_consumption", "subject")):
        ledger.execute(
            f"""INSERT INTO {table} (tenant, day, {column}, executions, charged, credit, overrun, output_bytes, shadowed)
            SELECT tenant, admitted_at / {DAY} AS day, {column}, count(*), sum(charged), 0, 0, sum(output_bytes), 0
            FROM execution GROUP BY tenant, day, {column}""")
    ledger.execute("UPDATE chain SET sequence = ?, hash = ?", (sequence, head))
    ledger.execute("COMMIT")
    ledger.close()


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--executions", type=int, default=1_000_000)
    executions = parser.parse_args().executions
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        fill(folder, executions)
        size = (folder / "gateway.db").stat().st_size
        server = PostgreSQL("shared_buffers=128MB", "max_wal_size=1GB")
        try:
            address = server.make_database()
            started = time.monotonic()
            moved = command(
                folder, "ledger", "migrate", "--from", "sqlite:gateway.db", "--to", address.replace(f":{PASSWORD}@", "@"))
            took = time.monotonic() - started
            bytes_there = int(server.value("SELECT pg_database_size(current_database())", address))
        finally:
            server.remove()
    print(f"{executions} executions, {moved['rows']} rows, {size >> 20} MB in SQLite, {bytes_there >> 20} MB in PostgreSQL: "
          f"{took:.0f} s, {moved['rows'] / took:.0f} rows a second")


if __name__ == "__main__":
    main()
