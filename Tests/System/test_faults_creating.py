"""A sandbox is to be made, and something goes wrong on the way: nothing runs, nothing is charged, nothing is left."""

import asyncio
import itertools
import threading
import time
from collections.abc import Iterator

import pytest

from conftest import NewGateway
from harness import raw
from harness.client import NDJSON
from harness.faults import conduct
from harness.faults.exchange import Exchange
from harness.faults.rules import Fault
from harness.faults.scene import CREATE, DESTROY, EXECUTE, PROMPT, Scene
from harness.sandboxes import Door
from harness.waiting import eventually

HTML = b"<html><body>surprise</body></html>"
BROKEN, REFUSED, TIMED_OUT = (502, "upstream-broken"), (502, "upstream-refused"), (504, "upstream-timeout")

@pytest.fixture(autouse=True)
def well_again(scene: Scene) -> Iterator[None]:
    """After each fault the next create is as it should be, which also keeps the breaker closed."""
    yield
    scene.proxy.lift()
    scene.assert_well()


def spaces(length: int | None, status: int) -> Fault:
    return conduct.flooding(lambda: itertools.repeat(b" " * 65536), status=status, length=length)


# What befalls every attempt, and what the caller is told. Upstream never hears of these …
UNHEARD: dict[str, tuple[Fault, tuple[int, str]]] = {
    "reset": (conduct.reset_unheard, BROKEN),
    "closed": (conduct.closed_unheard, BROKEN),
    "307": (conduct.answered(307, location="http://127.0.0.1:1/"), REFUSED),
    "400": (conduct.answered(400), REFUSED),
    "401": (conduct.answered(401), REFUSED),
    "404": (conduct.answered(404), REFUSED),
    "409": (conduct.answered(409), REFUSED),
    "500": (conduct.answered(500, HTML, content_type="text/html"), REFUSED),
    "502": (conduct.answered(502, HTML, content_type="text/html"), REFUSED),
    "504": (conduct.answered(504, HTML, content_type="text/html"), TIMED_OUT),
    "an answer of 10 GB": (spaces(10_000_000_000, 201), BROKEN),
    "an answer without end": (spaces(None, 201), BROKEN),
    "a refusal of 10 GB": (spaces(10_000_000_000, 400), REFUSED),
    "a head without end": (conduct.endless_head(), BROKEN),
}

# … and does these.
DONE: dict[str, tuple[Fault, tuple[int, str]]] = {
    "reply lost": (conduct.reply_lost, BROKEN),
    "reset after a byte": (conduct.broken_off(1), BROKEN),
    "reset in the body": (conduct.broken_off(10, "body"), BROKEN),
    "truncated in the body": (conduct.broken_off(10, "body", orderly=True), BROKEN),
    "truncated JSON": (conduct.altered(lambda body: body[:-10]), BROKEN),
    "HTML": (conduct.altered(lambda _: HTML, content_type="text/html"), BROKEN),
    "no object": (conduct.altered(lambda body: b"[" + body + b"]"), BROKEN),
    "an id that is a path": (conduct.altered(lambda _: b'{"sandboxID":"../teams","clientID":""}'), BROKEN),
    "not HTTP": (conduct.rearranged(lambda _: b"SSH-2.0-OpenSSH_9.2\r\n"), BROKEN),
    "beginning twice": (conduct.duplicated(0, 9), BROKEN),
    "bytes twice": (conduct.duplicated(0, 20, "body"), BROKEN),
    "another order": (conduct.shuffled(16), BROKEN),
    "502 though made": (conduct.answered(502, forwarding=True), REFUSED),
    "504 though made": (conduct.answered(504, forwarding=True), TIMED_OUT),
}


@pytest.mark.parametrize("case", [*UNHEARD, *DONE])
def test_no_answer_that_makes_sense(scene: Scene, case: str) -> None:
    fault, (status, slug) = UNHEARD.get(case) or DONE[case]
    tenant = scene.tenant()
    scene.proxy.fault(fault, CREATE)
    began = time.monotonic()
    reply = tenant.client.post("print(1)")
    problem = scene.assert_refused(reply, status, slug)
    assert time.monotonic() - began < PROMPT
    assert "surprise" not in reply.body.decode(), "upstream's private text stays inside"
    assert "nothing was run" in problem["detail"]
    assert scene.assert_free(tenant) == 0
    scene.assert_outcome(reply.headers["execution-id"], "killed", slug)
    assert not scene.proxy.record.arrived(EXECUTE)
    creates = scene.proxy.record.arrived(CREATE)
    assert bool(scene.proxy.record.forwarded(CREATE)) == (case in DONE)
    assert sum(passage.sent_bytes for passage in creates) < 64 << 20, "a flood is not read to its end"


def test_nobody_listens(scene: Scene) -> None:
    tenant = scene.tenant()
    with scene.proxy.refusing():
        reply = tenant.client.post("print(1)")
    problem = scene.assert_refused(reply, 502, "upstream-unreachable", may_retry=True)
    assert problem["retry_after_ms"] >= 1000
    assert scene.assert_free(tenant) == 0
    scene.assert_outcome(reply.headers["execution-id"], "killed", "upstream-unreachable")


def test_a_stream_is_refused_as_plainly(scene: Scene) -> None:
    scene.proxy.fault(conduct.reply_lost, CREATE)
    tenant = scene.tenant()
    scene.assert_refused(tenant.client.post("print(1)", headers={"accept": NDJSON}), *BROKEN)
    assert scene.assert_free(tenant) == 0


@pytest.mark.parametrize(
    "fault",
    [conduct.delayed(0.5), conduct.answered_late(0.5), conduct.slowly(0.005, 10), conduct.slowly(0.02, 10, "body")],
    ids=["heard late", "answered late", "slowly", "body slowly"],
)
def test_what_is_slow_is_waited_for_and_costs_nothing(scene: Scene, fault: Fault) -> None:
    rule = scene.proxy.fault(fault, CREATE)
    tenant = scene.tenant()
    document = tenant.client.execute("print(1)")
    assert (document["outcome"], document["output"], rule.met) == ("completed", "1\n", 1)
    assert scene.assert_free(tenant) == document["runtime_ms"]
    assert document["queued_ms"] >= 500 or "slowly" in fault.__qualname__, "the time before there was a sandbox"


@pytest.mark.parametrize("fault", [conduct.unanswered, conduct.silenced], ids=["black hole", "made and never told"])
def test_a_caller_who_leaves_a_create_that_hangs(scene: Scene, fault: Fault) -> None:
    """It is over at once; when the create ends, at last, its sandbox is taken care of."""
    tenant = scene.tenant()
    rule = scene.proxy.fault(fault, CREATE)
    with raw.post(scene.gateway, tenant, "print(1)"):
        eventually(lambda: rule.met, within=10, what="upstream is asked")
    eventually(lambda: tenant.client.usage()["executions"]["running"] == 0, within=10, what="it is settled")
    assert scene.assert_free(tenant) == 0
    [execution] = scene.executions(tenant)
    scene.assert_outcome(execution, "cancelled", "caller-left")
    scene.proxy.lift()
    scene.proxy.cut_off()
    scene.e2b.assert_gone(execution, within=10)


def test_a_caller_who_leaves_before_the_sandbox_comes(scene: Scene) -> None:
    tenant, gate = scene.tenant(), threading.Event()
    rule = scene.proxy.fault(conduct.held(gate), CREATE)
    with raw.post(scene.gateway, tenant, "print(1)"):
        eventually(lambda: rule.met, within=10, what="upstream is asked")
    eventually(lambda: tenant.client.usage()["executions"]["running"] == 0, within=10, what="it is settled")
    gate.set()
    [execution] = scene.executions(tenant)
    eventually(lambda: scene.proxy.record.forwarded(DESTROY), within=20, what="its sandbox is destroyed")
    scene.e2b.assert_gone(execution)
    assert scene.assert_free(tenant) == 0
    assert not scene.proxy.record.arrived(EXECUTE)


async def followed_by_another(exchange: Exchange) -> None:
    """The head, then the rest and the whole answer once more: whoever reads by the length told leaves that unread."""
    await exchange.forward()
    head, *body = [piece async for piece in exchange.reply()]
    await exchange.send(head)
    await asyncio.sleep(0.02)
    await exchange.send(b"".join([*body, head, *body]))


@pytest.mark.parametrize("fault", [conduct.duplicated(), followed_by_another], ids=["at once", "read apart"])
def test_an_answer_that_comes_twice_is_nobody_elses(
    new_gateway: NewGateway, scene: Scene, fault: Fault
) -> None:
    """What lies on a connection after an answer must not be taken for the answer to another tenant's create."""
    # Its sandboxes are reached beside the proxy, so that its connections carry creates and little else.
    gateway = new_gateway(scene.proxy.url, E2B_SANDBOX_URL=scene.e2b.url, GATEWAY_POOL_MAXIMUM="0")
    rule = scene.proxy.fault(fault, CREATE)
    made = []
    for number in range(1, 4):
        door = Door(gateway.tenant())
        made.append((door, door.made(timeout=60)))
        assert rule.met == number
    assert len({sandbox for _, sandbox in made}) == 3, "to each its own"
    scene.proxy.lift()
    for door, sandbox in made:
        assert door.kill(sandbox).status == 204
    scene.assert_nothing_left()


# Last: a full upstream is left alone for a while.


@pytest.mark.parametrize(("headers", "wait"), [({}, None), ({"Retry_After": "1"}, 1000)], ids=["", "Retry-After"])
@pytest.mark.parametrize("status", [429, 503])
def test_no_room(scene: Scene, status: int, headers: dict[str, str], wait: int | None) -> None:
    tenant = scene.tenant()
    rule = scene.proxy.fault(conduct.answered(status, **headers), CREATE)
    reply = tenant.client.post("print(1)")
    problem = scene.assert_refused(reply, 503, "upstream-capacity", may_retry=True)
    assert problem["retry_after_ms"] == (wait or problem["retry_after_ms"])
    assert rule.met == 1, "whoever has no room is not asked again at once"
    assert scene.assert_free(tenant) == 0
    scene.assert_outcome(reply.headers["execution-id"], "killed", "upstream-capacity")
