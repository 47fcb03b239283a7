"""What a create may ask for, what becomes of one that fails, and of one that is repeated."""

import concurrent.futures
import contextlib
import json
import threading
from collections.abc import Iterator

import pytest

from conftest import NewGateway
from harness.fake_e2b import Exchange, unreachable_url
from harness.gateway import Gateway
from harness.keeping_e2b import KeepingE2B
from harness.raw import connect
from harness.sandboxes import TEMPLATE, Door, actions, life
from harness.tokens import for_subject, with_timeout
from harness.waiting import eventually

WIDE = ("--rate", "10000/s", "--burst", "10000", "--sandboxes", "50")


@pytest.fixture(scope="module")
def only() -> Iterator[KeepingE2B]:
    with KeepingE2B() as fake:
        yield fake


@pytest.fixture
def upstream(only: KeepingE2B) -> Iterator[KeepingE2B]:
    yield only
    only.create = lambda exchange: exchange.answer(201, only.make(exchange))


@pytest.fixture(scope="module")
def kept(session_gateway: NewGateway, only: KeepingE2B) -> Gateway:
    return session_gateway(only.url)


@pytest.fixture
def door(kept: Gateway, upstream: KeepingE2B) -> Door:
    return Door(kept.tenant(*WIDE))


# What may be asked for


def test_members_that_nobody_knows(door: Door) -> None:
    sandbox = door.made(
        timeout=60, secure=False, autoPause=None, network={"allowPublicTraffic": True, "new": 1}, future={"a": [1]}, mcp=None
    )
    assert door.connect(sandbox, memory=True, later=1).status == 200
    assert door.client.call("POST", f"/sandboxes/{sandbox}/pause", json={"memory": False, "later": 1}).status == 204


def test_bodies_may_be_left_out(door: Door) -> None:
    sandbox = door.made(timeout=60)
    assert door.client.call("POST", f"/sandboxes/{sandbox}/refreshes").status == 204
    assert door.noted(door.client.call("POST", f"/v2/sandboxes/{sandbox}/connect")).status == 200
    door.client.call("POST", f"/sandboxes/{sandbox}/connect").problem("invalid-request")
    door.client.call("POST", f"/sandboxes/{sandbox}/timeout").problem("invalid-request")
    assert door.client.call("POST", f"/sandboxes/{sandbox}/pause").status == 204


@pytest.mark.parametrize(
    "fields",
    [
        {"timeout": 0}, {"timeout": -1}, {"timeout": 86_401}, {"timeout": 1.5}, {"timeout": "60"}, {"templateID": 1},
        {"templateID": None}, {"metadata": {"a": 1}}, {"metadata": {"e2b-gateway-tenant": "x"}}, {"metadata": {"E2B-Gateway": ""}},
        {"envVars": {"A": 1}}, {"envVars": {"A": "\0"}}, {"envVars": []}, {"allow_internet_access": "no"},
        {"network": {"denyOut": "all"}},
    ],
    ids=str,
)  # fmt: skip
def test_an_order_that_cannot_be(door: Door, upstream: KeepingE2B, fields: dict) -> None:
    created = len(upstream.created)
    reply = door.create(**fields)
    assert reply.problem("invalid-request")["detail"]
    assert reply.headers["should-retry"] == "false"
    assert len(upstream.created) == created


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"{}", b"null", b'"x"', b"\xff"], ids=repr)
def test_a_body_that_is_no_order(door: Door, body: bytes) -> None:
    for path in ("/v2/sandboxes", "/sandboxes"):
        door.client.call("POST", path, content=body).problem("invalid-request")


def test_an_order_that_is_too_large(door: Door) -> None:
    for field in ("metadata", "envVars"):
        door.create(**{field: {"a": "x" * (64 << 10)}}).problem("payload-too-large")
    door.create(future="x" * (1 << 20)).problem("payload-too-large")
    sandbox = door.made(timeout=60)
    for call in ("connect", "timeout", "refreshes", "pause"):
        body = {"timeout": 60, "future": "x" * (1 << 20)}
        door.client.call("POST", f"/sandboxes/{sandbox}/{call}", json=body).problem("payload-too-large")


@pytest.mark.parametrize(
    "fields",
    [
        {"mcp": {}}, {"iam": {"tokens": {}}}, {"volumeMounts": [{"name": "a", "path": "/a"}]}, {"autoResume": {"enabled": True}},
        {"network": {"allowOut": ["1.1.1.1"]}}, {"network": {"rules": {"a.com": []}}}, {"network": {"dnsServers": ["1.1.1.1"]}},
        {"network": {"egressProxy": {"address": "a"}}},
    ],
    ids=str,
)  # fmt: skip
def test_what_is_not_offered(door: Door, upstream: KeepingE2B, fields: dict) -> None:
    created = len(upstream.created)
    reply = door.create(**fields)
    reply.problem("not-offered")
    assert reply.headers["should-retry"] == "false"
    assert len(upstream.created) == created


# An order that fails


def answers(status: int, **headers: str):
    return lambda exchange: exchange.answer(status, {"code": status, "message": "upstream's own words"}, **headers)


FAILURES = {
    "500": (answers(500), "upstream-refused"),
    "400": (answers(400), "upstream-refused"),
    "429": (answers(429, Retry_After="7"), "upstream-capacity"),
    "401": (answers(401), "upstream-refused"),
    "403": (answers(403), "upstream-refused"),
    "504": (answers(504), "upstream-timeout"),
    "no sandbox": (lambda exchange: exchange.answer(201, {"what": "ever"}), "upstream-broken"),
    "no JSON": (lambda exchange: exchange.answer(201, b"<html>"), "upstream-broken"),
    "cut": (lambda exchange: exchange.break_off(), "upstream-broken"),
}


@pytest.mark.parametrize("fault", FAILURES)
def test_a_create_that_fails_costs_nothing(kept: Gateway, upstream: KeepingE2B, door: Door, fault: str) -> None:
    upstream.create, problem = FAILURES[fault]
    reply = door.create(timeout=60)
    detail = reply.problem(problem)["detail"]
    assert "upstream's own words" not in detail
    if problem == "upstream-capacity":
        assert reply.headers["retry-after"] == "7"
    else:
        assert reply.headers["should-retry"] == "false", "one call of an SDK must not make four sandboxes"
    door.assert_nothing_held()
    assert door.day()["used_ms"] == 0
    assert door.ids() == []
    records = kept.json_command("audit", "search", "--tenant", door.tenant.name)
    told = [line["record"] for line in records if line["record"]["action"].startswith("sandbox.")]
    assert actions(told) == ["sandbox.admitted", "sandbox.ended"]
    assert told[1]["runtime_ms"] == 0 and told[1]["reason"]


def test_what_a_create_made_whose_answer_was_lost_is_destroyed(new_gateway: NewGateway) -> None:
    with KeepingE2B() as upstream:
        gateway = new_gateway(upstream.url)
        door = Door(gateway.tenant())

        def make_and_break_off(exchange: Exchange) -> None:
            upstream.make(exchange)
            exchange.break_off()

        upstream.create = make_and_break_off
        door.create(timeout=600).problem("upstream-broken")
        assert upstream.kept
        assert len(set(upstream.keys)) == 1, "upstream that honours keys makes one, however often it is asked"
        door.assert_nothing_held()
        eventually(lambda: not upstream.kept, within=60, what="all are found by their label, and destroyed")
        gateway.stop()


def test_an_upstream_that_is_not_there(new_gateway: NewGateway) -> None:
    with unreachable_url() as url:
        gateway = new_gateway(url)
        door = Door(gateway.tenant())
        reply = door.create(timeout=60)
        reply.problem("upstream-unreachable")
        assert reply.headers["retry-after"] == "1"
        door.assert_nothing_held()
        gateway.stop()


def begin_create(gateway: Gateway, token: str):
    """A connection on which a create was sent."""
    body = json.dumps({"templateID": TEMPLATE, "timeout": 60}).encode()
    connection = connect(gateway)
    head = f"POST /v2/sandboxes HTTP/1.1\r\nHost: gateway\r\nX-API-Key: {token}\r\nContent-Length: {len(body)}\r\n\r\n"
    connection.sendall(head.encode() + body)
    return connection


def test_a_caller_who_leaves_while_it_is_being_made(kept: Gateway, upstream: KeepingE2B, door: Door) -> None:
    begun, go_on = threading.Event(), threading.Event()

    def slowly(exchange: Exchange) -> None:
        begun.set()
        go_on.wait(30)
        exchange.answer(201, upstream.make(exchange))

    upstream.create = slowly
    destroyed = len(upstream.destroyed)
    with begin_create(kept, door.tenant.token):
        assert begun.wait(20)
        assert door.client.usage()["sandboxes"]["running"] == 1
    eventually(lambda: door.client.usage()["sandboxes"]["running"] == 0, within=10, what="it is given up")
    go_on.set()
    eventually(lambda: len(upstream.destroyed) > destroyed, within=10, what="what was made all the same is destroyed")
    door.assert_nothing_held()
    assert door.day()["used_ms"] == 0
    assert door.ids() == []


# An order that is repeated


def test_a_repeated_order_gets_the_same_sandbox(kept: Gateway, upstream: KeepingE2B, door: Door) -> None:
    first = door.create(key="order-1", timeout=60)
    created = len(upstream.created)
    again = door.create(key="order-1", timeout=60)
    assert (again.status, again.document) == (201, first.document)
    assert len(upstream.created) == created
    assert door.client.usage()["sandboxes"]["running"] == 1
    assert door.day()["reserved_ms"] <= 60_000

    reply = door.create(key="order-1", timeout=61)
    reply.problem("idempotency-mismatch")
    assert reply.headers["should-retry"] == "false"
    assert door.create(key="order-2", timeout=60).document["sandboxID"] != first.document["sandboxID"]
    assert door.made(timeout=60) != door.made(timeout=60), "without a key each is new"
    assert door.made(version="v1", key="order-1", timeout=60) != first.document["sandboxID"], "version 1 knows no keys"


def test_a_key_is_the_tenants_own(kept: Gateway, upstream: KeepingE2B, door: Door) -> None:
    stranger = Door(kept.tenant(*WIDE))
    alice = Door(door.tenant, for_subject(door.tenant.token, "alice"))
    sandboxes = [one.made(key="the-same", timeout=60) for one in (door, stranger, alice)]
    keys = [upstream.kept[sandbox].idempotency_key for sandbox in sandboxes]
    assert len(set(sandboxes)) == len(set(keys)) == 3
    assert all(key and key.isalnum() and key.islower() and len(key) <= 255 and "same" not in key for key in keys)


def test_a_repeated_order_of_a_sandbox_that_is_over(door: Door) -> None:
    door.kill(door.made(key="k", timeout=60))
    door.create(key="k", timeout=60).problem("conflict")


def test_a_narrower_token_does_not_repeat_an_order(door: Door) -> None:
    door.made(key="k", timeout=60)
    narrower = Door(door.tenant, with_timeout(door.tenant.token, 60_000))
    narrower.create(key="k", timeout=60).problem("insufficient-scope")


def test_an_order_is_repeated_while_it_is_under_way(kept: Gateway, upstream: KeepingE2B, door: Door) -> None:
    begun, go_on = threading.Event(), threading.Event()

    def slowly(exchange: Exchange) -> None:
        begun.set()
        go_on.wait(30)
        exchange.answer(201, upstream.make(exchange))

    upstream.create = slowly
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        first = pool.submit(door.create, key="k", timeout=60)
        with contextlib.ExitStack() as at_last:
            at_last.callback(go_on.set)
            assert begun.wait(20)
            problem = door.create(key="k", timeout=60).problem("idempotency-in-progress")
            assert problem["retry_after_ms"] == 1000
        assert door.create(key="k", timeout=60).status in (201, 409)
        assert door.create(key="k", timeout=60).status in (201, 409)
        sandbox = first.result().document["sandboxID"]
    assert door.made(key="k", timeout=60) == sandbox


def test_after_an_order_that_failed_its_key_is_as_new(upstream: KeepingE2B, door: Door) -> None:
    """Also upstream, which would repeat its own refusal."""
    keys: list[str] = []

    def refuse(exchange: Exchange) -> None:
        keys.append(exchange.headers["Idempotency-Key"])
        exchange.answer(500, {"code": 500, "message": "no"})

    upstream.create = refuse
    door.create(key="k", timeout=60).problem("upstream-refused")
    upstream.create = lambda exchange: exchange.answer(201, upstream.make(exchange))
    sandbox = door.made(key="k", timeout=60)
    assert upstream.kept[sandbox].idempotency_key != keys[0]


def test_after_an_order_whose_outcome_nobody_knows(upstream: KeepingE2B, door: Door) -> None:
    upstream.create = lambda exchange: exchange.break_off()
    door.create(key="k", timeout=60).problem("upstream-broken")
    upstream.create = lambda exchange: exchange.answer(201, upstream.make(exchange))
    created = len(upstream.created)
    reply = door.create(key="k", timeout=60)
    assert reply.status == 422
    reply.problem("idempotency-outcome-unknown")
    assert reply.headers["should-retry"] == "false"
    assert len(upstream.created) == created
    assert door.create(key="another", timeout=60).status == 201


@pytest.mark.parametrize("key", ["", "x" * 256], ids=len)
def test_a_key_that_cannot_be(door: Door, key: str) -> None:
    assert "Idempotency-Key" in door.create(key=key, timeout=60).problem("invalid-request")["detail"]


def test_many_at_once_with_one_key(kept: Gateway, upstream: KeepingE2B, door: Door) -> None:
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        replies = [done.result() for done in [pool.submit(door.create, key="k", timeout=60) for _ in range(8)]]
    assert {reply.status for reply in replies} <= {201, 409}
    [sandbox] = {reply.document["sandboxID"] for reply in replies if reply.status == 201}
    assert door.ids() == [sandbox]
    assert life(kept, sandbox)[0]["action"] == "sandbox.admitted"
