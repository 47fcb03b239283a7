"""A ledger as the first version of the gateway made it, written by hand."""

import calendar
import hashlib
import hmac
import json
import pathlib
import re
import secrets
import sqlite3
import time

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from harness.service import ROOT

RUNNING, FINISHED = "exe_" + "a" * 24, "exe_" + "b" * 24
_CHARGED, _GRANTED = 1500, 3000


class OldLedger:
    """One tenant with one key, one execution that ended and one that a kill left running."""

    tenant = "acme"

    def __init__(self, path: pathlib.Path, root_key: bytes):
        secret = secrets.token_bytes(32)
        self.key_id = secrets.token_hex(8)
        head = bytes.fromhex(self.key_id)
        tag = hmac.digest(secret, b"e2b-gateway/token/v1" + head, hashlib.sha256)
        self.token = "e2b_01" + (head + tag).hex()

        self._cipher = AESGCM(hmac.digest(root_key, b"e2b-gateway/seal/v1", hashlib.sha256))
        # A second after the full hour, so that nothing reaches into the next.
        self._now = (int(time.time()) // 3600 * 3600 + 1) * 10**9
        self._head = 0, bytes(32)
        path.touch(0o600)
        self._database = sqlite3.connect(path, isolation_level=None)
        self._database.execute("PRAGMA journal_mode = WAL")
        self._database.executescript(_first_schema())
        self._database.execute("BEGIN")
        self._fill(secret)
        self._database.execute("COMMIT")
        self._database.close()

    def _fill(self, secret: bytes) -> None:
        insert = self._database.execute
        insert("CREATE TABLE grdb_migrations (identifier TEXT NOT NULL PRIMARY KEY)")
        insert("INSERT INTO grdb_migrations VALUES ('1 first ledger')")
        insert("INSERT INTO fact VALUES ('epoch', 1)")
        for name, value in {"root-key-check": b"e2b-gateway ledger", "code-digest": secrets.token_bytes(32)}.items():
            insert("INSERT INTO own_key VALUES (?, ?)", (name, self._sealed(value, f"own_key/{name}")))
        insert("INSERT INTO tenant VALUES (1, ?, ?, NULL, '{}')", (self.tenant, self._now))
        sealed = self._sealed(secret, f"key/{self.key_id}")
        insert("INSERT INTO key VALUES (?, 1, ?, ?, NULL, NULL)", (self.key_id, sealed, self._now))
        self._admit(FINISHED)
        insert(
            "UPDATE execution SET finished_at = ?, outcome = 'completed', charged = ?, overrun = 0, output_bytes = 0",
            (self._now, _CHARGED),
        )
        self._audit("execution.finished", FINISHED, outcome="completed", runtime_ms=_CHARGED)
        self._admit(RUNNING)
        parts = [{"window": kind, "startsAt": at, "milliseconds": _GRANTED} for kind, at in self._windows()]
        grant = {"kind": "execution", "timeoutMilliseconds": _GRANTED, "wasLowered": False, "reservations": parts}
        insert("INSERT INTO lease VALUES (?, 1, 1, ?)", (RUNNING, json.dumps(grant)))
        windows = [
            {"window": kind, "startsAt": at, "usedMilliseconds": _CHARGED, "reservedMilliseconds": _GRANTED}
            for kind, at in self._windows()
        ]
        usage = {"executions": 1, "sandboxes": 0, "windows": windows}
        insert("INSERT INTO usage VALUES (1, ?, NULL)", (json.dumps(usage),))
        insert("INSERT INTO chain VALUES ('main', ?, ?, ?)", (*self._head, self._now))

    def _sealed(self, value: bytes, place: str) -> bytes:
        version, nonce = b"\x01", secrets.token_bytes(12)
        return version + nonce + self._cipher.encrypt(nonce, value, version + place.encode())

    def _admit(self, execution: str) -> None:
        self._database.execute(
            "INSERT INTO execution (id, tenant, key, request_id, source_address, template, language, code_digest,"
            " code_bytes, context_bytes, timeout_asked, timeout_granted, admitted_at)"
            " VALUES (?, 1, ?, 'r', '127.0.0.1', 'code-interpreter-v1', 'python', '00', 1, 0, ?, ?, ?)",
            (execution, self.key_id, _GRANTED, _GRANTED, self._now),
        )
        self._audit("execution.admitted", execution, timeout_granted_ms=_GRANTED)

    def _audit(self, action: str, execution: str, **said: object) -> None:
        sequence, previous = self._head[0] + 1, self._head[1]
        record = {"action": action, "at_ms": self._now // 10**6, "execution": execution, "sequence": sequence}
        record |= {"stream": "main", "tenant": self.tenant, "v": 1} | said
        text = json.dumps(record, sort_keys=True, separators=(",", ":"))
        self._head = sequence, hashlib.sha256(previous + text.encode()).digest()
        self._database.execute(
            "INSERT INTO audit VALUES (?, ?, ?, ?, ?)", (*self._head, text, self.tenant, execution)
        )

    def _windows(self) -> list[tuple[str, dict]]:
        """The kinds of windows, and how their starts are written."""
        now = time.gmtime(self._now // 10**9)
        starts = {"hour": (*now[:4], 0, 0), "day": (*now[:3], 0, 0, 0), "month": (*now[:2], 1, 0, 0, 0)}
        return [(kind, {"nanoseconds": calendar.timegm(start) * 10**9}) for kind, start in starts.items()]


def _first_schema() -> str:
    """The SQL of the first migration, which is never edited."""
    source = (ROOT / "Sources/Ledger/Store/Schema.swift").read_text()
    found = re.search(r'static let first = """\n(.*?)\n +"""', source, re.DOTALL)
    assert found
    return found[1]
