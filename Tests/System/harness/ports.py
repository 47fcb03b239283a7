"""An upstream whose sandboxes' ports answer as a test tells them, and a caller of such ports through a gateway."""

import contextlib
import dataclasses
import json
import queue
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from urllib.parse import urlsplit

import httpx

from harness.client import KEEP_ALL
from harness.fake_e2b import SANDBOX
from harness.gateway import Tenant
from harness.leaks import WITNESS
from harness.scripted import ScriptedExchange, ScriptedServer

DAEMON, INTERPRETER = 49983, 49999

# Real tokens; found anywhere but between the gateway and this, they are a leak.
REAL_ENVD, REAL_TRAFFIC = "ab5e17" * 10 + "ab5e", "facade" * 10 + "faca"


@dataclasses.dataclass
class Arrival:
    """A call to a sandbox's port as it arrived upstream."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes = b""


class PortExchange(ScriptedExchange["Ports"]):
    """One call and the ways to answer it."""

    disable_nagle_algorithm = True  # or the end of an answer waits for the beginning's acknowledgement
    arrival: Arrival

    def handle_any(self) -> None:
        if self.owner.closed.is_set():  # a connection from before
            return self.break_off()
        path = urlsplit(self.path).path
        if path.startswith(("/sandboxes", "/v2/sandboxes")):
            return self._control(path)
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.arrival = Arrival(self.command, self.path, headers)
        self.owner.arrivals.append(self.arrival)
        self.owner.arrived.put(self.arrival)
        self._is_read = self.headers.get("Content-Length", "0") == "0" and "Transfer-Encoding" not in self.headers
        self.owner.answer(self)
        # What was not read of a body would be taken for the next request.
        self.close_connection = self.close_connection or not self._is_read

    do_GET = do_POST = do_PUT = do_DELETE = do_HEAD = do_PATCH = do_OPTIONS = handle_any

    def _control(self, path: str) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if self.command == "POST" and path.endswith("/sandboxes"):
            return self.whole(201, json.dumps(self.owner.make(json.loads(body))).encode())
        if self.command == "DELETE":
            return self.whole(204 if self.owner.living.pop(path.rsplit("/", 1)[-1], None) else 404, b"")
        self.whole(200 if self.command == "GET" else 204, json.dumps(list(self.owner.living.values())).encode())

    def read_body(self) -> bytes:
        """The request's body to its end."""
        self.arrival.body = b"".join(self.pieces())
        return self.arrival.body

    def pieces(self) -> Iterator[bytes]:
        """The request's body as it comes; a chunked one chunk by chunk."""
        if "chunked" not in self.headers.get("Transfer-Encoding", ""):
            left = int(self.headers.get("Content-Length", 0))
            while left and (piece := self.rfile.read1(min(left, 1 << 16))):
                left -= len(piece)
                yield piece
            self._is_read = left == 0
            return
        while size := int(self.rfile.readline(), 16):  # of what breaks off, no number
            yield self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        self._is_read = True

    def whole(self, status: int, body: bytes, **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        if status != 204:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def begin(self, status: int = 200, length: int | None = None, **headers: str) -> None:
        """The head of an answer that comes piece by piece."""
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header(*("Transfer-Encoding", "chunked") if length is None else ("Content-Length", str(length)))
        self.end_headers()

    def chunk(self, piece: bytes) -> None:
        self.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))

    def end(self) -> None:
        self.wfile.write(b"0\r\n\r\n")

    def break_off(self) -> None:
        self.close_connection = True
        self.wfile.flush()
        self.connection.shutdown(socket.SHUT_RDWR)

    def linger(self) -> None:
        """Closes as servers do: what still comes is read, or the kernel would throw the answer away with it."""
        self.close_connection = True
        self.connection.settimeout(20)
        with contextlib.suppress(OSError):
            while self.connection.recv(1 << 16):
                pass

    def wait_for_departure(self, within: float = 20) -> bool:
        """Whether the gateway closes the connection in time; nothing else may come."""
        self.close_connection = True
        self.connection.settimeout(within)
        try:
            return self.connection.recv(1) == b""
        except ConnectionError:
            return True
        except TimeoutError:
            return False


class Ports(ScriptedServer):
    """Every sandbox that is asked for is made; calls to its ports are answered by `answer`."""

    def __init__(self) -> None:
        self.answer: Callable[[PortExchange], None] = echo
        self.arrivals: list[Arrival] = []
        self.arrived: queue.Queue[Arrival] = queue.Queue()
        self.living: dict[str, dict] = {}
        self._made = 0
        self._lock = threading.Lock()
        super().__init__(PortExchange)

    def make(self, order: dict) -> dict:
        with self._lock:
            self._made += 1
            sandbox = f"i{self._made:020d}"
            self.living[sandbox] = {
                "sandboxID": sandbox, "templateID": order["templateID"], "state": "running", "metadata": order["metadata"]
            }
        return SANDBOX | {"sandboxID": sandbox, "envdAccessToken": REAL_ENVD, "trafficAccessToken": REAL_TRAFFIC}

    def behave(self) -> None:
        self.answer = echo
        self.arrivals.clear()
        with contextlib.suppress(queue.Empty):
            while True:
                self.arrived.get_nowait()


def echo(exchange: PortExchange) -> None:
    """Answers with the body it was sent, once that is whole."""
    exchange.whole(200, exchange.read_body(), Content_Type="application/octet-stream")


class OwnSandbox:
    """A sandbox that a tenant drives itself, by E2B's protocol, through its gateway."""

    def __init__(self, tenant: Tenant, token: str | None = None, **order: object):
        self.tenant = tenant
        self.api_token = token or tenant.token
        self.gateway = tenant.gateway
        reply = self._control(
            "POST", "/v2/sandboxes", json={"templateID": "code-interpreter-v1", "timeout": 300} | order)
        assert reply.status_code == 201, reply.text
        self.document = reply.json()
        self.id: str = self.document["sandboxID"]
        self.envd: str = self.document["envdAccessToken"]
        self.traffic: str = self.document["trafficAccessToken"]

    def _control(self, method: str, path: str, **sent: object) -> httpx.Response:
        with self._client() as client:
            return client.request(method, path, headers={"x-api-key": self.api_token}, **sent)

    def _client(self, **how: object) -> httpx.Client:
        authority = self.gateway.settings.get("SSL_CERT_FILE")
        verify = ssl.create_default_context(cafile=authority) if authority else True
        return httpx.Client(base_url=self.gateway.url, timeout=60, trust_env=False, verify=verify, limits=KEEP_ALL, **how)

    def kill(self) -> int:
        return self._control("DELETE", f"/sandboxes/{self.id}").status_code

    def headers(self, port: int = DAEMON, **more: str | None) -> dict[str, str]:
        """What an SDK sends with a call to a port; a header given as None is left out."""
        headers: dict[str, str | None] = {
            "e2b-sandbox-id": self.id,
            "e2b-sandbox-port": str(port),
            "x-access-token": self.envd if port in (DAEMON, INTERPRETER) else None,
            "e2b-traffic-access-token": self.traffic if port != DAEMON else None,
        }
        headers |= {name.replace("_", "-").lower(): value for name, value in more.items()}
        return {name: value for name, value in headers.items() if value is not None}

    def call(
        self, method: str, path: str, port: int = DAEMON, headers: dict | None = None, **sent: object
    ) -> httpx.Response:
        """Any call to a port, whole."""
        with self._client() as client:
            response = client.request(method, path, headers=self.headers(port, **(headers or {})), **sent)
        WITNESS.note(repr(response.headers).encode() + response.content)
        return response

    @contextlib.contextmanager
    def stream(
        self, method: str, path: str, port: int = DAEMON, headers: dict | None = None, **sent: object
    ) -> Iterator[httpx.Response]:
        """A call whose answer is read as it comes; leaving the block leaves the call."""
        with (
            self._client() as client,
            client.stream(method, path, headers=self.headers(port, **(headers or {})), **sent) as response,
        ):
            yield response

    def begin(self, method: str, path: str, framing: str, port: int = DAEMON) -> socket.socket:
        """A connection on which the head of a call has been sent, `framing` being how its body will come."""
        address = urlsplit(self.gateway.url)
        connection = socket.create_connection((address.hostname, address.port), timeout=30)
        lines = [f"{method} {path} HTTP/1.1", f"Host: {address.netloc}"]
        lines += [f"{name}: {value}" for name, value in self.headers(port).items()]
        connection.sendall("\r\n".join([*lines, framing, "", ""]).encode())
        return connection
