"""A caller of the gateway that holds every reply and every event against openapi.yaml."""

import contextlib
import ipaddress
import itertools
import json
import ssl
import time
from collections.abc import Iterator

import httpx

from harness.contract import Contract
from harness.leaks import WITNESS

NDJSON = "application/x-ndjson"
SSE = "text/event-stream"
# Beyond its limit of idle connections httpcore closes some that it has just given to another thread's call.
KEEP_ALL = httpx.Limits(max_connections=None, max_keepalive_connections=None)


class Reply:
    """A whole reply, already checked."""

    def __init__(self, response: httpx.Response, body: bytes):
        self.status = response.status_code
        self.headers = response.headers
        self.body = body

    @property
    def document(self) -> dict:
        return json.loads(self.body)

    def problem(self, slug: str) -> dict:
        """The problem document, which must be of this type."""
        assert self.status >= 400, f"expected {slug}, got {self.status}: {self.body[:1000]!r}"
        document = self.document
        assert document["type"] == f"/problems/{slug}", document
        return document


class EventStream:
    """The events of a streamed execution as they arrive. One pass: it can be left and gone on with."""

    def __init__(self, response: httpx.Response, contract: Contract):
        self.response = response
        self.comments: list[str] = []
        self._contract = contract
        self._is_sse = response.headers["content-type"].startswith(SSE)
        # Held here, because a generator that nobody holds closes the connection.
        self._events = self._checked()

    def __iter__(self) -> Iterator[dict]:
        return self._events

    def _checked(self) -> Iterator[dict]:
        """Yields each event as soon as it is there, with the instant of its arrival as `at`."""
        last = None
        for event in self._sse() if self._is_sse else self._lines():
            self._contract.check_event(event)
            last = event["type"]
            yield event | {"at": time.time()}
        assert last in ("finished", "failed"), f"the stream ended silently after {last}"

    def all(self) -> list[dict]:
        return list(self)

    def _lines(self) -> Iterator[dict]:
        for line in self._text_lines():
            yield json.loads(line)

    def _sse(self) -> Iterator[dict]:
        name, data = None, []
        for line in self._text_lines():
            if line.startswith(":"):
                self.comments.append(line[1:].strip())
            elif line.startswith("event: "):
                name = line.removeprefix("event: ")
            elif line.startswith("data: "):
                data.append(line.removeprefix("data: "))
            elif line:
                raise AssertionError(f"not a line of a server-sent event: {line!r}")
            elif data:
                event = json.loads("\n".join(data))
                assert event["type"] == name
                yield event
                name, data = None, []

    def _text_lines(self) -> Iterator[str]:
        rest = b""
        for chunk in self.response.iter_raw():
            WITNESS.note(chunk)
            assert chunk.isascii(), f"not ASCII: {chunk[:500]!r}"
            *lines, rest = (rest + chunk).split(b"\n")
            for line in lines:
                yield line.decode()
        assert rest == b"", f"the stream ended within a line: {rest[-500:]!r}"


class Client:
    """Calls one gateway with one token."""

    def __init__(
        self,
        url: str,
        token: str | None,
        contract: Contract,
        transport: httpx.BaseTransport | None = None,
        *,
        authority: str | None = None,
        http2: bool = True,
    ):
        """Over TLS by HTTP/2 unless told otherwise, trusting the `authority` alone, which is a PEM file."""
        self.url = url
        self.token = token
        self._contract = contract
        if authority:
            trusted = ssl.create_default_context(cafile=authority)
            transport = httpx.HTTPTransport(verify=trusted, http2=http2, trust_env=False, limits=KEEP_ALL)
        self._authority = authority
        self._http = httpx.Client(base_url=url, timeout=90, trust_env=False, transport=transport, limits=KEEP_ALL)

    def with_token(self, token: str | None) -> "Client":
        return Client(self.url, token, self._contract, authority=self._authority)

    def call(self, method: str, path: str, *, headers: dict[str, str] | None = None, **sent: object) -> Reply:
        """Any call: `json=…` or `content=…` is the body. The reply has been held against the contract."""
        response = self._http.request(method, path, headers=self._headers(headers), **sent)
        _witness(response, response.content)
        self._contract.check(method, path, response, response.content)
        return Reply(response, response.content)

    def get(self, path: str, **sent: object) -> Reply:
        return self.call("GET", path, **sent)

    def post(self, code: object, *, headers: dict[str, str] | None = None, **fields: object) -> Reply:
        """An execution as one document, whatever comes of it."""
        return self.call("POST", "/v1/executions", json={"code": code} | fields, headers=headers)

    def execute(self, code: str, **fields: object) -> dict:
        """An execution that must be admitted and come back, as its document."""
        reply = self.post(code, **fields)
        assert reply.status == 200, f"{reply.status}: {reply.body[:1000]!r}"
        document = reply.document
        assert reply.headers["execution-id"] == document["id"]
        check_error_rule(document)
        return document

    @contextlib.contextmanager
    def stream(
        self, code: str, *, accept: str = NDJSON, headers: dict[str, str] | None = None, **fields: object
    ) -> Iterator[EventStream]:
        """A streamed execution; leaving the block before its end is leaving the call."""
        request = {"code": code} | fields
        headers = self._headers({"accept": accept} | (headers or {}))
        with self._http.stream("POST", "/v1/executions", json=request, headers=headers) as response:
            if response.status_code != 200:
                raise AssertionError(f"{response.status_code}: {response.read()[:1000]!r}")
            _witness(response, b"")
            self._contract.check("POST", "/v1/executions", response, b"")
            # Held by the block, whatever its user holds: see EventStream.
            events = EventStream(response, self._contract)
            yield events

    def execution(self, execution_id: str) -> dict:
        reply = self.get(f"/v1/executions/{execution_id}")
        assert reply.status == 200, reply.body
        return reply.document

    def cancel(self, execution_id: str) -> Reply:
        return self.call("DELETE", f"/v1/executions/{execution_id}")

    def usage(self) -> dict:
        reply = self.get("/v1/usage")
        assert reply.status == 200, reply.body
        return reply.document["usage"]

    def _headers(self, headers: dict[str, str] | None) -> dict[str, str]:
        credential = {"authorization": f"Bearer {self.token}"} if self.token else {}
        return credential | {"x-forwarded-for": _another_address()} | (headers or {})


def _witness(response: httpx.Response, body: bytes) -> None:
    """A token is shown once, to whoever asked for it, and so is a cookie; nothing else may hold one."""
    shows_token = response.status_code in (200, 201) and (b'"token":"' in body or b'"envdAccessToken":"' in body)
    fields = [field for field in response.headers.multi_items() if field[0] != "set-cookie"]
    WITNESS.note(repr(fields).encode() + (b"" if shows_token else body))


_addresses = itertools.count(1)


def _another_address() -> str:
    """From an address of its own each call, since calls without a valid credential are limited by address."""
    return str(ipaddress.ip_address("198.18.0.0") + next(_addresses))


def check_error_rule(document: dict) -> None:
    """`error` never hides a failure: it is there whenever something was raised or the outcome is not `completed`."""
    assert ("exception" in document) <= ("error" in document)
    assert (document["outcome"] != "completed") <= ("error" in document), document
