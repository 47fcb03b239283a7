"""The proxy that the tests of faults believe: it changes nothing but what it is told, and does what it is told."""

import concurrent.futures
import contextlib
import hashlib
import itertools
import socket
import threading
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest

from harness.faults import conduct
from harness.faults.proxy import FaultProxy
from harness.faults.rules import Fault
from harness.scripted import ScriptedExchange, ScriptedServer
from harness.waiting import eventually

GET = b"GET /one HTTP/1.1\r\nHost: e2b\r\nX-Secret: s3cret\r\n\r\n"
ONE = b"HTTP/1.1 200 OK\r\nX-ID: 7\r\nContent-Length: 10\r\n\r\n0123456789"


class Upstream(ScriptedServer):
    """Answers `/one` with `ONE`, `/chunks` in chunks, `/until-the-end` without a length, `/digest` with that of the body, and
    tells nothing else."""

    def __init__(self) -> None:
        super().__init__(_Answers)
        self.asked: list[str] = []
        self.was_left = threading.Event()


class _Answers(ScriptedExchange[Upstream]):
    def do_any(self) -> None:
        self.owner.asked.append(self.path)
        match self.path:
            case "/one":
                self.wfile.write(ONE)
            case "/chunks":
                self.wfile.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n4;x=y\r\ndefg\r\n0\r\n\r\n")
            case "/until-the-end":
                self.wfile.write(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nto the end")
                self.close_connection = True
            case "/digest":
                digest = hashlib.sha256(self._body()).hexdigest().encode()
                self.wfile.write(b"HTTP/1.1 201 Made\r\nContent-Length: 64\r\n\r\n" + digest)
            case "/hangs":
                self.hang()
                self.owner.was_left.set()

    def _body(self) -> bytes:
        if "Content-Length" in self.headers:
            return self.rfile.read(int(self.headers["Content-Length"]))
        body = b""
        while size := int(self.rfile.readline(), 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return body

    do_GET = do_POST = do_any


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    with Upstream() as upstream:
        yield upstream


@pytest.fixture
def proxy(upstream: Upstream) -> Iterator[FaultProxy]:
    with FaultProxy(upstream.origin) as proxy:
        yield proxy


def connected(proxy: FaultProxy) -> socket.socket:
    address = urlsplit(proxy.url)
    return socket.create_connection((address.hostname, address.port), timeout=20)


def read_all(connection: socket.socket) -> tuple[bytes, bool]:
    """What comes until the end, and whether that was a reset."""
    received = b""
    while True:
        try:
            piece = connection.recv(65536)
        except ConnectionResetError:
            return received, True
        if not piece:
            return received, False
        received += piece


def read(connection: socket.socket, length: int) -> bytes:
    """So many bytes."""
    received = b""
    while len(received) < length:
        piece = connection.recv(length - len(received))
        assert piece, f"it ended after {received!r}"
        received += piece
    return received


def exchanged(proxy: FaultProxy, request: bytes, length: int) -> bytes:
    """So many bytes of an answer, on a connection of its own that stays open till then."""
    with connected(proxy) as connection:
        connection.sendall(request)
        return read(connection, length)


# Without faults


@pytest.mark.parametrize(
    ("path", "answer"),
    [
        ("/one", ONE),
        ("/chunks", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n4;x=y\r\ndefg\r\n0\r\n\r\n"),
        ("/until-the-end", b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nto the end"),
    ],
)
def test_answers_pass_byte_for_byte(proxy: FaultProxy, path: str, answer: bytes) -> None:
    assert exchanged(proxy, GET.replace(b"/one", path.encode()), len(answer)) == answer


def test_many_requests_on_one_connection(proxy: FaultProxy, upstream: Upstream) -> None:
    with connected(proxy) as connection:
        for _ in range(3):
            connection.sendall(GET)
            assert read(connection, len(ONE)) == ONE
    assert upstream.asked == ["/one"] * 3


@pytest.mark.parametrize("is_chunked", [False, True])
def test_bodies_pass_byte_for_byte(proxy: FaultProxy, is_chunked: bool) -> None:
    body = bytes(range(256)) * 20_000
    framing, sent = b"Content-Length: %d" % len(body), body
    if is_chunked:
        pieces = (body[start : start + 70_000] for start in range(0, len(body), 70_000))
        framing = b"Transfer-Encoding: chunked"
        sent = b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"
    answer = b"HTTP/1.1 201 Made\r\nContent-Length: 64\r\n\r\n" + hashlib.sha256(body).hexdigest().encode()
    request = b"POST /digest HTTP/1.1\r\nHost: e2b\r\n" + framing + b"\r\n\r\n" + sent
    assert exchanged(proxy, request, len(answer)) == answer


def test_it_records_what_passed_and_no_secret(proxy: FaultProxy) -> None:
    exchanged(proxy, GET, len(ONE))
    [passage] = eventually(lambda: proxy.record.arrived("^GET /one$"), within=5, what="it is recorded")
    eventually(lambda: passage.is_over, within=5, what="it is over")
    assert (passage.was_forwarded, passage.was_faulted, passage.status) == (True, False, 200)
    assert passage.header_names == {"host", "x-secret"}
    assert passage.sent_bytes == len(ONE)
    assert "s3cret" not in repr(passage)


def test_a_caller_who_leaves_is_gone_upstream_as_well(proxy: FaultProxy, upstream: Upstream) -> None:
    with connected(proxy) as connection:
        connection.sendall(GET.replace(b"/one", b"/hangs"))
        eventually(lambda: upstream.asked, within=5, what="upstream is asked")
    assert upstream.was_left.wait(5)
    [passage] = proxy.record.arrived("/hangs")
    assert eventually(lambda: passage.is_over, within=5, what="it is over") and passage.was_left


def test_an_upstream_that_is_down_is_a_reset(upstream: Upstream) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        with FaultProxy(f"http://127.0.0.1:{taken.getsockname()[1]}") as proxy, connected(proxy) as connection:
            connection.sendall(GET)
            assert read_all(connection) == (b"", True)


# Faults


BODY_AT = ONE.index(b"0123")

ENDINGS: dict[str, tuple[Fault, bytes, bool, bool]] = {
    "reset unheard": (conduct.reset_unheard, b"", True, False),
    "closed unheard": (conduct.closed_unheard, b"", False, False),
    "reply lost": (conduct.reply_lost, b"", True, True),
    "reset at a byte": (conduct.broken_off(20), ONE[:20], True, True),
    "truncated": (conduct.broken_off(20, orderly=True), ONE[:20], False, True),
    "reset in the body": (conduct.broken_off(4, "body"), ONE[: BODY_AT + 4], True, True),
    "truncated in the body": (conduct.broken_off(4, "body", orderly=True), ONE[: BODY_AT + 4], False, True),
}


@pytest.mark.parametrize("ending", ENDINGS)
def test_connections_end_as_told(proxy: FaultProxy, upstream: Upstream, ending: str) -> None:
    fault, sent, is_reset, is_forwarded = ENDINGS[ending]
    proxy.fault(fault, "GET /one")
    with connected(proxy) as connection:
        connection.sendall(GET)
        assert read_all(connection) == (sent, is_reset)
    assert upstream.asked == ["/one"] * is_forwarded
    assert [passage.was_forwarded for passage in proxy.record.arrived("")] == [is_forwarded]


BYTES: dict[str, tuple[Fault, bytes]] = {
    "late": (conduct.delayed(0.05), ONE),
    "answered late": (conduct.answered_late(0.05), ONE),
    "slowly": (conduct.slowly(0.001, 7), ONE),
    "the body twice": (conduct.duplicated(part="body"), ONE + b"0123456789"),
    "the reply twice": (conduct.duplicated(), ONE + ONE),
    "some bytes twice": (conduct.duplicated(2, 5, "body"), ONE[:BODY_AT] + b"01234" + b"234" + b"56789"),
    "altered": (
        conduct.altered(lambda body: body[:3]),
        b"HTTP/1.1 200 As told\r\ncontent-type: application/json\r\ncontent-length: 3\r\n\r\n012",
    ),
    "answered": (
        conduct.answered(429, b"no", content_type="text/plain", Retry_After="2"),
        b"HTTP/1.1 429 As told\r\ncontent-type: text/plain\r\nRetry-After: 2\r\ncontent-length: 2\r\n\r\nno",
    ),
    "flooded": (
        conduct.flooding(lambda: [b"ab", b"c"]),
        b"HTTP/1.1 200 As told\r\ntransfer-encoding: chunked\r\n\r\n2\r\nab\r\n1\r\nc\r\n0\r\n\r\n",
    ),
}


@pytest.mark.parametrize("case", BYTES)
def test_bytes_come_as_told(proxy: FaultProxy, case: str) -> None:
    fault, sent = BYTES[case]
    proxy.fault(fault, "GET /one")
    assert exchanged(proxy, GET, len(sent)) == sent


def test_shuffled_bytes_are_the_same_in_another_order(proxy: FaultProxy) -> None:
    proxy.fault(conduct.shuffled(3), "GET /one")
    body = exchanged(proxy, GET, len(ONE))[BODY_AT:]
    assert body != b"0123456789"
    assert sorted(body) == sorted(b"0123456789")


def test_what_is_answered_need_not_be_what_upstream_said(proxy: FaultProxy, upstream: Upstream) -> None:
    proxy.fault(conduct.answered(500, forwarding=True), "GET /one", times=1)
    proxy.fault(conduct.answered(502), "GET /one")
    for status in (500, 502):
        head, _, body = exchanged(proxy, GET, 100).partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 %d " % status)
        assert body.startswith(b"{\"code\": %d" % status)
    assert upstream.asked == ["/one"], "the first time only"
    assert [passage.status for passage in proxy.record.arrived("")] == [200, None]


def test_a_black_hole_swallows_and_lasts_until_the_caller_leaves(proxy: FaultProxy, upstream: Upstream) -> None:
    proxy.fault(conduct.unanswered, "GET /one")
    with connected(proxy) as connection:
        connection.sendall(GET)
        [passage] = eventually(lambda: proxy.record.under_way(), within=5, what="it has arrived")
    eventually(lambda: passage.is_over, within=5, what="it is over")
    assert passage.was_left and not upstream.asked


def test_what_is_held_goes_on_when_the_gate_opens(proxy: FaultProxy, upstream: Upstream) -> None:
    gate = threading.Event()
    rule = proxy.fault(conduct.held(gate), "GET /one")
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        call = pool.submit(exchanged, proxy, GET, len(ONE))
        eventually(lambda: rule.met, within=5, what="it has arrived")
        assert not upstream.asked
        gate.set()
        assert call.result(10) == ONE


def test_a_flood_is_no_faster_than_who_takes_it(proxy: FaultProxy) -> None:
    proxy.fault(conduct.flooding(lambda: itertools.repeat(b"x" * 65536), length=1 << 40), "GET /one")
    with connected(proxy) as connection:
        connection.sendall(GET)
        assert len(read(connection, 1 << 20)) == 1 << 20
        [passage] = proxy.record.arrived("")
        assert passage.sent_bytes < 1 << 25, "it waits"
    eventually(lambda: passage.is_over, within=5, what="it is over")
    assert passage.was_left


def test_an_endless_head(proxy: FaultProxy) -> None:
    proxy.fault(conduct.endless_head(), "GET /one")
    with connected(proxy) as connection:
        connection.sendall(GET)
        assert b"\r\n\r\n" not in read(connection, 1 << 20)


def test_nobody_listens(proxy: FaultProxy) -> None:
    with contextlib.ExitStack() as stack:
        before = stack.enter_context(connected(proxy))
        before.sendall(GET)
        assert read(before, len(ONE)) == ONE
        with proxy.refusing():
            assert read_all(before)[0] == b""
            with pytest.raises(ConnectionRefusedError):
                connected(proxy)
    assert exchanged(proxy, GET, len(ONE)) == ONE, "as before"


# Rules


def statuses(proxy: FaultProxy, number: int) -> list[int]:
    return [int(exchanged(proxy, GET, 12)[9:]) for _ in range(number)]


def test_rules_choose_by_number_and_times(proxy: FaultProxy) -> None:
    rule = proxy.fault(conduct.answered(502), "GET /one", nth=2)
    proxy.fault(conduct.answered(503), "GET /one", times=2)
    proxy.fault(conduct.answered(504), "^POST ")
    assert statuses(proxy, 5) == [503, 502, 503, 200, 200]
    assert (rule.seen, rule.met) == (5, 1)


def test_rules_choose_by_headers(proxy: FaultProxy) -> None:
    proxy.fault(conduct.answered(401), "", where=lambda headers: headers.get("x-secret") == "s3cret")
    assert statuses(proxy, 1) == [401]
    assert exchanged(proxy, GET.replace(b"s3cret", b"other"), len(ONE)) == ONE


def test_rules_choose_by_the_dice_and_are_lifted(proxy: FaultProxy) -> None:
    def drawn(seed: int) -> list[int]:
        rule = proxy.fault(conduct.answered(502), "GET /one", share=0.5, seed=seed)
        found = statuses(proxy, 30)
        proxy.lift(rule)
        return found

    first = drawn(1)
    assert set(first) == {200, 502}
    assert drawn(1) == first, "the same again"
    assert drawn(2) != first
    assert statuses(proxy, 3) == [200] * 3
