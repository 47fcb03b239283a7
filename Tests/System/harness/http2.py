"""An HTTP/2 connection on which a test decides about every frame."""

import json
import socket
import ssl
from collections.abc import Callable
from urllib.parse import urlsplit

import h2.config
import h2.connection
import h2.events
import h2.settings

Event = h2.events.Event

_GOAWAY = 0x7  # RFC 9113, 6.8


class HTTP2:
    """One connection. Reads only when asked to, and keeps every event it has seen, in order."""

    def __init__(self, url: str, context: ssl.SSLContext, *, at: str | None = None):
        """To the place of a URL; `at` is the address to connect to if the URL's host is only a name for it."""
        place = urlsplit(url)
        self.authority = place.netloc
        tcp = socket.create_connection((at or place.hostname, place.port), timeout=30)
        context.set_alpn_protocols(["h2"])
        self.socket = context.wrap_socket(tcp, server_hostname=place.hostname)
        assert self.socket.selected_alpn_protocol() == "h2"
        self.events: list[Event] = []
        self._unread = b""
        self._h2 = h2.connection.H2Connection(h2.config.H2Configuration(client_side=True, header_encoding="utf-8"))
        self._h2.initiate_connection()
        self._send()

    def __enter__(self) -> "HTTP2":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self.socket.close()

    def request(self, method: str, path: str, token: str | None = None, *, ends: bool = True, **fields: str) -> int:
        """Sends a request's head; the number of its stream."""
        stream = self._h2.get_next_available_stream_id()
        headers = [(":method", method), (":scheme", "https"), (":authority", self.authority), (":path", path)]
        headers += [("authorization", f"Bearer {token}")] if token else []
        headers += [(name.replace("_", "-"), value) for name, value in fields.items()]
        self._h2.send_headers(stream, headers, end_stream=ends)
        self._send()
        return stream

    def execute(self, token: str, code: str, accept: str = "application/x-ndjson", **order: object) -> int:
        """Asks for a streamed execution; the number of its stream."""
        body = json.dumps({"code": code} | order).encode()
        stream = self.request(
            "POST", "/v1/executions", token, ends=False, accept=accept, content_type="application/json"
        )
        self.send(stream, body, ends=True)
        return stream

    def send(self, stream: int, data: bytes, *, ends: bool = False) -> None:
        """Body bytes, as many as the window has room for."""
        self._h2.send_data(stream, data, end_stream=ends)
        self._send()

    def window(self, stream: int) -> int:
        """How many bytes may be sent on a stream now."""
        return self._h2.local_flow_control_window(stream)

    def reset(self, stream: int) -> None:
        """RST_STREAM: nobody wants the rest."""
        self._h2.reset_stream(stream, 0x8)
        self._send()

    def read(self, takes: bool = True) -> bool:
        """Whatever comes next; without taking, the data's window is not opened again. False at the connection's end."""
        try:
            data = self.socket.recv(65536)
        except ConnectionResetError:
            data = b""
        self._unread += data
        # Frame by frame, because `h2` takes GOAWAY for the end, and is offended by what streams that are open still get.
        while frame := self._frame():
            goes_away = frame[3] == _GOAWAY
            self._received([self._farewell(frame)] if goes_away else self._h2.receive_data(frame), takes)
        self._send()
        return bool(data)

    def _frame(self) -> bytes:
        """The next whole frame, or nothing."""
        length = 9 + int.from_bytes(self._unread[:3])
        if len(self._unread) < length:
            return b""
        frame, self._unread = self._unread[:length], self._unread[length:]
        return frame

    @staticmethod
    def _farewell(frame: bytes) -> Event:
        event = h2.events.ConnectionTerminated()
        event.last_stream_id, event.error_code = int.from_bytes(frame[9:13]), int.from_bytes(frame[13:17])
        return event

    def _received(self, events: list[Event], takes: bool) -> None:
        for event in events:
            if isinstance(event, h2.events.DataReceived) and takes:
                self._h2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
        self.events += events

    def until(self, condition: Callable[[], object], takes: bool = True) -> object:
        """Reads until the condition is truthy; fails when the connection ends before."""
        while not (value := condition()):
            assert self.read(takes), f"the connection ended: {self.events[-3:]}"
        return value

    def headers(self, stream: int) -> dict[str, str]:
        """The head of a response, which is waited for."""
        found = self.until(lambda: self._of(stream, h2.events.ResponseReceived))
        return dict(found[0].headers)

    def data(self, stream: int) -> bytes:
        """What has come of a body so far."""
        return b"".join(event.data for event in self._of(stream, h2.events.DataReceived))

    def lines(self, stream: int) -> list[dict]:
        """The whole lines of a body so far."""
        text = self.data(stream)
        return [json.loads(line) for line in text[: text.rfind(b"\n") + 1].splitlines()]

    def whole(self, stream: int) -> bytes:
        """A body to its end."""
        self.until(lambda: self._of(stream, h2.events.StreamEnded))
        return self.data(stream)

    def seen(self, kind: type) -> list[Event]:
        return [event for event in self.events if isinstance(event, kind)]

    @property
    def streams_allowed(self) -> float:
        """How many the server allows at once."""
        self.until(lambda: self.seen(h2.events.RemoteSettingsChanged))
        return self._h2.remote_settings.max_concurrent_streams

    def _of(self, stream: int, kind: type) -> list[Event]:
        return [event for event in self.seen(kind) if event.stream_id == stream]

    def _send(self) -> None:
        if data := self._h2.data_to_send():
            self.socket.sendall(data)
