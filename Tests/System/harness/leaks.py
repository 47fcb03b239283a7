"""What must never be seen, and all that was seen."""

import base64
import contextlib
import hashlib
import hmac
import json
import pathlib
import sqlite3
import tempfile
import threading
from collections.abc import Iterable, Iterator

import ahocorasick
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from harness.service import command_lines

# A leak stands in a problem or a header, not deep in a program's output.
_KEPT_BYTES = 64 * 1024

_SEALED_COLUMNS = [
    ("own_key", "name", "sealed"),
    ("key", "id", "sealed_secret"),
    ("admin_key", "id", "sealed_secret"),
    ("sandbox_access", "handle", "sealed"),
    ("upstream_key", "id", "sealed_secret"),
]

# By which a root key is recognised; its text is the name of a command.
_NO_SECRET = "root-key-check"


class Witness:
    """Keeps what came out of the gateways: replies, what commands printed, and every process's arguments."""

    def __init__(self) -> None:
        self._file = tempfile.TemporaryFile()
        self._lock = threading.Lock()
        self._command_lines: set[bytes] = set()
        self._is_over = threading.Event()

    def note(self, data: bytes) -> None:
        with self._lock:
            self._file.write(data[:_KEPT_BYTES] + b"\n")

    def seen(self) -> bytes:
        with self._lock:
            self._file.seek(0)
            return self._file.read()

    def command_lines(self) -> bytes:
        return b"\n".join(self._command_lines)

    @contextlib.contextmanager
    def watching_command_lines(self) -> Iterator[None]:
        """Looks at all processes again and again, until the block ends."""
        watcher = threading.Thread(target=self._watch, daemon=True)
        watcher.start()
        yield
        self._is_over.set()
        watcher.join()

    def _watch(self) -> None:
        while not self._is_over.wait(0.25):
            self._command_lines.update(command_lines())


WITNESS = Witness()


class Needles:
    """Secrets to look for: all in one pass over a text, since there are thousands and the texts are long."""

    def __init__(self, secrets: Iterable[bytes]) -> None:
        self._automaton = ahocorasick.Automaton()
        for secret in secrets:
            # Latin-1 has a character for every byte.
            self._automaton.add_word(secret.decode("latin-1"), secret)
        self._automaton.make_automaton()

    def found_in(self, text: bytes) -> set[bytes]:
        """The beginnings of what was found, lest the test itself tells secrets."""
        return {secret[:6] for _, secret in self._automaton.iter(text.decode("latin-1"))}


def sealed_and_opened(ledger: pathlib.Path, root_key: bytes) -> tuple[list[bytes], list[bytes]]:
    """Every sealed value of a ledger, and what is in it: AES-256-GCM, opened here as `Sealer` documents it."""
    cipher = AESGCM(hmac.digest(root_key, b"e2b-gateway/seal/v1", hashlib.sha256))
    database = sqlite3.connect(f"file:{ledger}?mode=ro", uri=True)
    sealed, opened = [], []
    for table, name, column in _SEALED_COLUMNS:
        for row, value in database.execute(f"SELECT {name}, {column} FROM {table}"):
            sealed.append(value)
            secret = cipher.decrypt(value[1:13], value[13:], value[:1] + f"{table}/{row}".encode())
            if table == "sandbox_access":
                opened += [value.encode() for name, value in json.loads(secret).items() if name.endswith("Token") and value]
            elif row != _NO_SECRET:
                opened.append(secret)
    database.close()
    return sealed, opened


def spellings(secret: bytes) -> list[bytes]:
    """The ways in which bytes are usually written."""
    # Without the last letters, which depend on what follows.
    encoded = base64.b64encode(secret).rstrip(b"=")[:-1]
    return [secret, secret.hex().encode(), secret.hex().upper().encode(), encoded, encoded.translate(_URL_SAFE)]


_URL_SAFE = bytes.maketrans(b"+/", b"-_")
