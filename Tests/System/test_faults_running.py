"""The code runs, and something goes wrong between the gateway and its sandbox: the caller is told, what was held is charged and
no more, nothing is left."""

import itertools
import time

import pytest

from harness import raw
from harness.client import NDJSON, SSE
from harness.faults import conduct
from harness.faults.rules import Fault
from harness.faults.scene import EXECUTE, PROMPT, TIMEOUT, Scene
from harness.service import resident_bytes
from harness.waiting import eventually

CODE = "print('a' * 100)\nprint('b' * 100)"
HTML = b"<html><body>surprise</body></html>"
BROKEN, REFUSED, TIMED_OUT = (502, "upstream-broken"), (502, "upstream-refused"), (504, "upstream-timeout")

FAULTS: dict[str, tuple[Fault, tuple[int, str]]] = {
    "reset unheard": (conduct.reset_unheard, BROKEN),
    "reply lost": (conduct.reply_lost, BROKEN),
    "reset in the head": (conduct.broken_off(20), BROKEN),
    "reset at the first event": (conduct.broken_off(1, "body"), BROKEN),
    "reset later": (conduct.broken_off(150, "body"), BROKEN),
    "truncated": (conduct.broken_off(150, "body", orderly=True), BROKEN),
    "truncated JSON": (conduct.altered(lambda body: body[:-10]), BROKEN),
    "without its end": (conduct.altered(lambda body: b"".join(body.splitlines(True)[:-1])), BROKEN),
    "HTML": (conduct.altered(lambda _: HTML, content_type="text/html"), BROKEN),
    "chunks of nonsense": (conduct.rearranged(lambda body: body[:6] + b"zz\r\n" + body[6:], "body"), BROKEN),
    "bytes in another order": (conduct.shuffled(24), BROKEN),
    "bytes twice": (conduct.duplicated(10, 40, "body"), BROKEN),
    "400": (conduct.answered(400), REFUSED),
    "401": (conduct.answered(401), REFUSED),
    "429": (conduct.answered(429), REFUSED),
    "500": (conduct.answered(500, HTML, content_type="text/html"), REFUSED),
    "502": (conduct.answered(502, HTML, content_type="text/html"), REFUSED),
    "502 of one that is gone": (
        conduct.answered(502, {"sandboxId": "i", "message": "The sandbox was not found", "code": 502}), BROKEN,
    ),
    "503": (conduct.answered(503), REFUSED),
    "504": (conduct.answered(504), TIMED_OUT),
    "a refusal of 10 GB": (
        conduct.flooding(lambda: itertools.repeat(b"x" * 65536), status=500, length=10_000_000_000), REFUSED,
    ),
    "a head without end": (conduct.endless_head(), BROKEN),
}  # fmt: skip


@pytest.mark.parametrize("case", FAULTS)
def test_a_document_is_refused(scene: Scene, case: str) -> None:
    fault, (status, slug) = FAULTS[case]
    tenant = scene.tenant()
    rule = scene.proxy.fault(fault, EXECUTE)
    began = time.monotonic()
    reply = tenant.client.post(CODE)
    held = (time.monotonic() - began) * 1000
    scene.assert_refused(reply, status, slug)
    assert held < PROMPT * 1000
    assert "surprise" not in reply.body.decode()
    assert rule.met == 1
    assert len(scene.proxy.record.arrived(EXECUTE)) == 1, "what may have run is not run again"
    assert 0 <= scene.assert_free(tenant) <= min(held, TIMEOUT * 1000)
    scene.assert_outcome(reply.headers["execution-id"], "killed", slug)


@pytest.mark.parametrize("case", ["reset later", "truncated JSON", "500"])
@pytest.mark.parametrize("accept", [NDJSON, SSE])
def test_a_stream_ends_with_failed(scene: Scene, case: str, accept: str) -> None:
    fault, (status, slug) = FAULTS[case]
    tenant = scene.tenant()
    scene.proxy.fault(fault, EXECUTE)
    with tenant.client.stream(CODE, accept=accept) as stream:
        events = stream.all()
    assert (events[0]["type"], events[-1]["type"]) == ("started", "failed")
    problem = events[-1]["problem"]
    assert (problem["status"], problem["type"]) == (status, f"/problems/{slug}")
    assert scene.assert_free(tenant) <= TIMEOUT * 1000
    scene.assert_outcome(events[0]["id"], "killed", slug)


# Silence, and floods


def line(event: str) -> bytes:
    return event.encode() + b"\n"


def stdout(text: bytes) -> bytes:
    return b'{"type":"stdout","text":"' + text + b'"}\n'


ENDLESS: dict[str, Fault] = {
    "black hole": conduct.unanswered,
    "done and never told": conduct.silenced,
    "slow-loris": conduct.slowly(0.2),
    "slow-loris of events": conduct.slowly(0.2, 1, "body"),
    "keepalives": conduct.flooding(lambda: itertools.repeat(line('{"type":"keepalive"}')), pause=0.01),
    "blank lines": conduct.flooding(lambda: itertools.repeat(b"\n"), pause=0.01),
    "unknown events": conduct.flooding(lambda: itertools.repeat(line('{"type":"news"}'))),
    "events": conduct.flooding(lambda: itertools.repeat(stdout(b"x" * 1000))),
}


@pytest.mark.parametrize("case", ENDLESS)
def test_what_does_not_end_is_ended_by_the_timeout(scene: Scene, case: str) -> None:
    tenant = scene.tenant()
    scene.proxy.fault(ENDLESS[case], EXECUTE)
    before = resident_bytes(scene.gateway.service.pid)
    began = time.monotonic()
    document = tenant.client.execute(CODE, timeout_seconds=1)
    assert time.monotonic() - began < PROMPT
    assert (document["outcome"], document["runtime_ms"]) == ("timed_out", 1000)
    assert document["error"]
    assert resident_bytes(scene.gateway.service.pid) - before < 200 << 20
    assert scene.assert_free(tenant) == 1000
    scene.assert_outcome(document["id"], "timed_out", "timeout")


def a_line_of(size: int) -> Fault:
    def pieces():
        yield b'{"type":"stdout","text":"'
        yield from itertools.repeat(b"x" * 65536, size // 65536)
        yield b'"}\n{"type":"end_of_execution"}\n'

    return conduct.flooding(pieces)


def test_an_event_line_of_100_MB(scene: Scene) -> None:
    tenant = scene.gateway.tenant("--timeout", "60s")
    scene.proxy.fault(a_line_of(100_000_000), EXECUTE)
    before = resident_bytes(scene.gateway.service.pid)
    reply = tenant.client.post(CODE)
    scene.assert_refused(reply, *BROKEN)
    [passage] = [passage for passage in scene.proxy.record.arrived(EXECUTE) if passage.was_faulted]
    eventually(lambda: passage.is_over, within=5, what="the flood is over")
    assert passage.was_left and passage.sent_bytes < 60 << 20, "it is not read to its end"
    assert resident_bytes(scene.gateway.service.pid) - before < 200 << 20
    assert scene.assert_free(tenant) <= 60_000
    scene.assert_outcome(reply.headers["execution-id"], "killed", "upstream-broken")


def test_a_line_that_comes_twice_says_its_thing_twice(scene: Scene) -> None:
    """Nobody can tell that from code that prints it twice; it does no harm but to the output."""
    scene.proxy.fault(conduct.altered(lambda body: body.splitlines(True)[1] + body), EXECUTE)
    tenant = scene.tenant()
    document = tenant.client.execute("print('once')")
    assert (document["outcome"], document["output"]) == ("completed", "once\nonce\n")
    assert scene.assert_free(tenant) == document["runtime_ms"]


def test_what_follows_the_end_is_not_read(scene: Scene) -> None:
    scene.proxy.fault(conduct.flooding(_endless_after_the_end), EXECUTE)
    tenant = scene.tenant()
    document = tenant.client.execute(CODE)
    assert (document["outcome"], document["output"]) == ("completed", "on\n")
    [passage] = [passage for passage in scene.proxy.record.arrived(EXECUTE) if passage.was_faulted]
    eventually(lambda: passage.is_over, within=5, what="the connection is closed")
    assert passage.sent_bytes < 16 << 20


def _endless_after_the_end():
    yield stdout(b"on\\n")
    yield line('{"type":"end_of_execution"}')
    yield from itertools.repeat(stdout(b"x" * 65536))


# Callers who leave


@pytest.mark.parametrize("case", ["black hole", "events"])
def test_a_caller_who_leaves_meanwhile(scene: Scene, case: str) -> None:
    tenant = scene.gateway.tenant("--timeout", "60s")
    rule = scene.proxy.fault(ENDLESS[case], EXECUTE)
    with raw.post(scene.gateway, tenant, CODE):
        eventually(lambda: rule.met, within=10, what="the code is on its way")
        [execution] = scene.executions(tenant)
    scene.e2b.assert_gone(execution)
    eventually(lambda: tenant.client.usage()["executions"]["running"] == 0, within=10, what="it is settled")
    assert scene.assert_free(tenant) < 30_000
    scene.assert_outcome(execution, "cancelled", "caller-left")
    [passage] = [passage for passage in scene.proxy.record.arrived(EXECUTE) if passage.was_faulted]
    assert eventually(lambda: passage.is_over, within=10, what="its connection is closed") and passage.was_left
