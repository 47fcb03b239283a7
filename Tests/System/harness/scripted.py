"""An HTTP server that behaves as a test tells it, while a block lasts."""

import contextlib
import http.server
import threading
from typing import Generic, Self, TypeVar

Owner = TypeVar("Owner", bound="ScriptedServer")


class ScriptedExchange(http.server.BaseHTTPRequestHandler, Generic[Owner]):
    """One request and the ways to answer it."""

    protocol_version = "HTTP/1.1"
    server: "_Server"

    @property
    def owner(self) -> Owner:
        return self.server.owner

    def hang(self) -> None:
        """Answers nothing until the caller gives up or the server is closed."""
        self.connection.settimeout(0.2)
        while not self.owner.closed.is_set():
            with contextlib.suppress(TimeoutError):
                if not self.connection.recv(1):
                    break
        self.close_connection = True

    def log_message(self, *_: object) -> None:
        pass


class _Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128
    owner: "ScriptedServer"

    def handle_error(self, *_: object) -> None:
        pass  # a caller that leaves is none of the server's business


class ScriptedServer:
    """Listens while the block lasts."""

    def __init__(self, exchange: type[ScriptedExchange], port: int = 0):
        self.closed = threading.Event()
        self._server = _Server(("127.0.0.1", port), exchange)
        self._server.owner = self
        self.origin = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.closed.set()
        self._server.shutdown()
        self._server.server_close()
