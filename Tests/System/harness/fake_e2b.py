"""An upstream that misbehaves as it is told."""

import base64
import contextlib
import json
import re
import socket
import time
from collections.abc import Callable, Iterator

from harness.scripted import ScriptedExchange, ScriptedServer

# Real sandbox tokens; found anywhere but between the gateway and this, they are a leak.
_ENVD_TOKEN, _TRAFFIC_TOKEN = "5a9dbe" * 10 + "5a9d", "c0ffe3" * 10 + "c0ff"
SANDBOX = {
    "templateID": "code-interpreter-v1",
    "sandboxID": "i" + "0" * 20,
    "clientID": "6532622b",
    "envdVersion": "0.6.13",
    "envdAccessToken": _ENVD_TOKEN,
    "trafficAccessToken": _TRAFFIC_TOKEN,
    "domain": None,
}
_END = {"type": "end_of_execution"}


def carried(cell: str) -> dict:
    """What a cell of the gateway's carries: `code`, `environment` and, if there is one, `context_data`."""
    return json.loads(base64.b64decode(re.search(r"'payload': '([^']*)'", cell)[1]))


class Exchange(ScriptedExchange["FakeE2B"]):
    """One request to the fake and the ways to answer it."""

    # What was asked for, where it is a document.
    order: dict
    body: bytes

    def answer(self, status: int, document: object, **headers: str) -> None:
        body = document if isinstance(document, bytes) else json.dumps(document).encode()
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def date_time_string(self, timestamp: float | None = None) -> str:
        return super().date_time_string((timestamp or time.time()) + self.owner.seconds_ahead)

    def begin_events(self) -> None:
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()

    def event(self, event: dict) -> None:
        line = json.dumps(event).encode() + b"\n"
        self.wfile.write(b"%x\r\n%s\r\n" % (len(line), line))

    def end_events(self) -> None:
        self.wfile.write(b"0\r\n\r\n")

    def break_off(self) -> None:
        self.close_connection = True
        self.wfile.flush()
        self.connection.close()

    def handle_one(self) -> None:
        body = self.body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        fake = self.owner
        if self.command == "POST" and self.path.endswith("/sandboxes"):
            self.order = json.loads(body)
            fake.created.append(self.order)
            fake.create(self)
        elif self.command == "DELETE":
            self.order = {"sandboxID": self.path.rsplit("/", 1)[-1]}
            fake.destroyed.append(self.order["sandboxID"])
            fake.destroy(self)
        elif self.path == "/execute":
            self.order = json.loads(body)
            fake.received.append(self.order)
            fake.execute(self)
        else:
            fake.probe(self)

    do_GET = do_POST = do_DELETE = handle_one


class FakeE2B(ScriptedServer):
    """Speaks just enough of E2B's protocol; each part of it can be replaced, until it is told to behave again."""

    TOKENS = (_ENVD_TOKEN, _TRAFFIC_TOKEN)

    create: Callable[[Exchange], None]
    execute: Callable[[Exchange], None]
    destroy: Callable[[Exchange], None]
    probe: Callable[[Exchange], None]
    # How far its clock is ahead of this machine's.
    seconds_ahead: float

    def __init__(self) -> None:
        self.behave()
        super().__init__(Exchange)
        self.url = self.origin

    def behave(self) -> None:
        """Answers everything as E2B does, and forgets what it has seen."""
        self.create = lambda exchange: exchange.answer(201, SANDBOX)
        self.execute = _nothing
        self.destroy = lambda exchange: exchange.answer(204, b"")
        self.probe = lambda exchange: exchange.answer(200, [])
        self.seconds_ahead = 0
        self.created: list[dict] = []
        self.received: list[dict] = []
        self.destroyed: list[str] = []


def _nothing(exchange: Exchange) -> None:
    exchange.begin_events()
    exchange.event(_END)
    exchange.end_events()


@contextlib.contextmanager
def unreachable_url() -> Iterator[str]:
    """The URL of a port that is taken and at which nobody listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{taken.getsockname()[1]}"
