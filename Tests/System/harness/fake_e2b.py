"""An upstream that misbehaves as it is told."""

import contextlib
import http.server
import json
import socket
import threading
from collections.abc import Callable, Iterator

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


class Exchange(http.server.BaseHTTPRequestHandler):
    """One request to the fake and the ways to answer it."""

    protocol_version = "HTTP/1.1"
    server: "_Server"
    # What was asked for, where it is a document.
    order: dict

    def answer(self, status: int, document: object, **headers: str) -> None:
        body = document if isinstance(document, bytes) else json.dumps(document).encode()
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

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

    def hang(self) -> None:
        """Answers nothing until the caller gives up or the fake is closed."""
        self.connection.settimeout(0.2)
        while not self.server.fake.closed.is_set():
            with contextlib.suppress(TimeoutError):
                if not self.connection.recv(1):
                    break
        self.close_connection = True

    def handle_one(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        fake = self.server.fake
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
            # The gateway's own setup comes first and names the context data it sets.
            if "context_data" in self.order["code"]:
                fake.set_up(self)
            else:
                fake.received.append(self.order)
                fake.execute(self)
        else:
            fake.probe(self)

    do_GET = do_POST = do_DELETE = handle_one

    def log_message(self, *_: object) -> None:
        pass


class _Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128
    fake: "FakeE2B"

    def handle_error(self, *_: object) -> None:
        pass  # a caller that leaves is none of the fake's business


class FakeE2B:
    """Speaks just enough of E2B's protocol; each part of it can be replaced, until it is told to behave again."""

    TOKENS = (_ENVD_TOKEN, _TRAFFIC_TOKEN)

    create: Callable[[Exchange], None]
    set_up: Callable[[Exchange], None]
    execute: Callable[[Exchange], None]
    destroy: Callable[[Exchange], None]
    probe: Callable[[Exchange], None]

    def __init__(self) -> None:
        self.behave()
        self.closed = threading.Event()
        self._server = _Server(("127.0.0.1", 0), Exchange)
        self._server.fake = self
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def behave(self) -> None:
        """Answers everything as E2B does, and forgets what it has seen."""
        self.create = lambda exchange: exchange.answer(201, SANDBOX)
        self.set_up = _nothing
        self.execute = _nothing
        self.destroy = lambda exchange: exchange.answer(204, b"")
        self.probe = lambda exchange: exchange.answer(200, [])
        self.created: list[dict] = []
        self.received: list[dict] = []
        self.destroyed: list[str] = []

    def __enter__(self) -> "FakeE2B":
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.closed.set()
        self._server.shutdown()
        self._server.server_close()


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
