"""Calls to sandboxes over TLS: HTTP/2 as the SDKs speak it, by the names under the gateway's domain."""

import queue
from collections.abc import Iterator

import h2.events
import pytest

from conftest import NewGateway
from harness.certificates import Certificates
from harness.gateway import Gateway
from harness.http2 import HTTP2
from harness.ports import DAEMON, INTERPRETER, REAL_ENVD, OwnSandbox, PortExchange, Ports
from harness.service import resident_bytes

MEGABYTE = 1 << 20
LARGE = 200 * MEGABYTE


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return Certificates(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(scope="module")
def upstream() -> Iterator[Ports]:
    with Ports() as ports:
        yield ports


@pytest.fixture(scope="module")
def gateway(upstream: Ports, session_gateway: NewGateway, certificates: Certificates) -> Gateway:
    return session_gateway(upstream.origin, **certificates.settings)


@pytest.fixture
def ports(upstream: Ports) -> Iterator[Ports]:
    upstream.behave()
    yield upstream
    upstream.behave()


@pytest.fixture(scope="module")
def sandbox(upstream: Ports, gateway: Gateway) -> OwnSandbox:
    return OwnSandbox(gateway.tenant("--sandboxes", "50", "--rate", "1000/s", "--burst", "1000"))


@pytest.fixture
def caller(gateway: Gateway, certificates: Certificates) -> Iterator[HTTP2]:
    with HTTP2(gateway.url, certificates.context()) as connection:
        yield connection


def call(caller: HTTP2, sandbox: OwnSandbox, method: str, path: str, *, ends: bool = True, port: int = DAEMON) -> int:
    """A call by the name of the sandbox's port, as an SDK with `E2B_DOMAIN` makes it."""
    caller.authority = f"{port}-{sandbox.id}.{sandbox.gateway.settings['GATEWAY_DOMAIN']}"
    headers = {name.replace("-", "_"): value for name, value in sandbox.headers(port).items()}
    return caller.request(method, path, ends=ends, **headers)


def test_both_forms_of_address(caller: HTTP2, ports: Ports, sandbox: OwnSandbox) -> None:
    stream = call(caller, sandbox, "GET", "/files?path=x")
    assert caller.headers(stream)[":status"] == "200"
    assert caller.whole(stream) == b""
    seen = ports.arrived.get(timeout=20)
    assert (seen.target, seen.headers["x-access-token"]) == ("/files?path=x", REAL_ENVD)
    assert "transfer-encoding" not in seen.headers, "a GET has no body, whatever the version"
    headed = caller.request("GET", "/health", **{n.replace("-", "_"): v for n, v in sandbox.headers().items()})
    assert caller.headers(headed)[":status"] == "200"


def test_several_calls_share_a_connection_and_flow_both_ways(
    caller: HTTP2, ports: Ports, sandbox: OwnSandbox
) -> None:
    def answer(exchange: PortExchange) -> None:
        exchange.begin()
        for piece in exchange.pieces():
            exchange.chunk(piece.upper())
        exchange.end()

    ports.answer = answer
    streams = [call(caller, sandbox, "POST", "/process.Process/StreamInput", ends=False) for _ in range(3)]
    for number, stream in enumerate(streams):
        assert caller.headers(stream)[":status"] == "200"
        caller.send(stream, b"one %d" % number)
        caller.until(lambda stream=stream, number=number: caller.data(stream) == b"ONE %d" % number)
    for stream in streams:
        caller.send(stream, b" last", ends=True)
        assert caller.whole(stream).endswith(b" LAST")


def test_a_whole_body_starts_code(caller: HTTP2, ports: Ports, sandbox: OwnSandbox) -> None:
    stream = call(caller, sandbox, "POST", "/execute", ends=False, port=INTERPRETER)
    caller.send(stream, b'{"code":"1"}', ends=True)
    assert caller.whole(stream) == b'{"code":"1"}'


@pytest.mark.parametrize("length", [None, 1000])
def test_an_answer_that_breaks_off_resets_the_stream(
    caller: HTTP2, ports: Ports, sandbox: OwnSandbox, length: int | None
) -> None:
    def answer(exchange: PortExchange) -> None:
        exchange.begin(length=length)
        exchange.wfile.write(b"some") if length else exchange.chunk(b"some")
        exchange.break_off()

    ports.answer = answer
    stream = call(caller, sandbox, "GET", "/files?path=x")
    caller.until(lambda: caller.seen(h2.events.StreamReset) or caller.seen(h2.events.StreamEnded))
    assert caller.data(stream) == b"some"
    assert [event.stream_id for event in caller.seen(h2.events.StreamReset)] == [stream]
    assert not caller.seen(h2.events.StreamEnded), "it was taken for whole"
    ports.behave()
    assert caller.headers(call(caller, sandbox, "GET", "/health"))[":status"] == "200", "its connection goes on"


def test_a_call_that_is_reset_is_missed_upstream_at_once(caller: HTTP2, ports: Ports, sandbox: OwnSandbox) -> None:
    seen: queue.Queue[bool] = queue.Queue()

    def answer(exchange: PortExchange) -> None:
        exchange.read_body()  # on HTTP/2 a POST that says no length comes in chunks, of which the last is one
        exchange.begin()
        exchange.chunk(b"on")
        seen.put(exchange.wait_for_departure())

    ports.answer = answer
    stream = call(caller, sandbox, "POST", "/process.Process/Connect", ends=True)
    caller.until(lambda: caller.data(stream) == b"on")
    caller.reset(stream)
    assert seen.get(timeout=20), "the gateway kept the connection"
    ports.behave()
    assert caller.headers(call(caller, sandbox, "GET", "/health"))[":status"] == "200"


def test_an_upload_that_is_reset_is_never_taken_for_whole(caller: HTTP2, ports: Ports, sandbox: OwnSandbox) -> None:
    ended: queue.Queue[str] = queue.Queue()

    def answer(exchange: PortExchange) -> None:
        exchange.close_connection = True
        try:
            exchange.read_body()
            ended.put("whole")
        except (ConnectionError, ValueError):
            ended.put("broken")

    ports.answer = answer
    stream = call(caller, sandbox, "POST", "/files?path=x", ends=False)
    caller.send(stream, b"some of it")
    ports.arrived.get(timeout=20)
    caller.reset(stream)
    assert ended.get(timeout=20) == "broken"


def test_a_large_download_to_a_slow_reader(
    caller: HTTP2, ports: Ports, gateway: Gateway, sandbox: OwnSandbox
) -> None:
    def answer(exchange: PortExchange) -> None:
        exchange.begin(length=LARGE)
        block = bytes(MEGABYTE)
        for _ in range(LARGE // MEGABYTE):
            exchange.wfile.write(block)

    ports.answer = answer
    before = resident_bytes(gateway.service.pid)
    stream = call(caller, sandbox, "GET", "/files?path=x")
    received = highest = 0
    while received < LARGE:
        assert caller.read()
        received += len(caller.data(stream))
        caller.events.clear()
        highest = max(highest, resident_bytes(gateway.service.pid))
    assert received == LARGE and highest - before < 96 * MEGABYTE


def test_what_ends_the_sandbox_resets_its_streams(
    caller: HTTP2, ports: Ports, gateway: Gateway, sandbox: OwnSandbox
) -> None:
    ports.answer = lambda exchange: (exchange.begin(), exchange.chunk(b"on"), exchange.wait_for_departure())
    mortal = OwnSandbox(sandbox.tenant)
    stream = call(caller, mortal, "POST", "/process.Process/Connect")
    caller.until(lambda: caller.data(stream) == b"on")
    assert mortal.kill() == 204
    caller.until(lambda: caller.seen(h2.events.StreamReset) or caller.seen(h2.events.StreamEnded))
    assert [event.stream_id for event in caller.seen(h2.events.StreamReset)] == [stream]
    ports.behave()
    assert caller.headers(call(caller, sandbox, "GET", "/health"))[":status"] == "200", "the others go on"
