"""What callers see when the sandbox cloud fails: never a silent end, never a charge for nothing."""

from collections.abc import Callable, Iterator

import pytest

from conftest import NewGateway
from harness.client import NDJSON, SSE
from harness.fake_e2b import Exchange, FakeE2B, carried, unreachable_url
from harness.gateway import Gateway, Tenant
from harness.waiting import eventually


@pytest.fixture(scope="module")
def fake() -> Iterator[FakeE2B]:
    with FakeE2B() as fake:
        yield fake


@pytest.fixture(scope="module")
def gateway(session_gateway: NewGateway, fake: FakeE2B) -> Gateway:
    return session_gateway(fake.url)


@pytest.fixture(autouse=True)
def well_behaved(fake: FakeE2B) -> None:
    fake.behave()


def refuse(status: int, document: object, **headers: str) -> Callable[[Exchange], None]:
    return lambda exchange: exchange.answer(status, document, **headers)


def assert_nothing_charged(tenant: Tenant) -> None:
    usage = tenant.client.usage()
    assert usage["executions"]["running"] == 0
    assert [(window["used_ms"], window["reserved_ms"]) for window in usage["runtime"]] == [(0, 0)]


@pytest.mark.parametrize(
    ("answer", "slug"),
    [
        (refuse(401, {"code": 401, "message": "Invalid API key"}), "upstream-refused"),
        (refuse(403, {"code": 403, "message": "team is blocked"}), "upstream-refused"),
        (refuse(400, {"code": 400, "message": "bad template"}), "upstream-refused"),
        (refuse(429, {"code": 429, "message": "concurrency"}), "upstream-capacity"),
        (refuse(429, {"code": 429, "message": "rate"}, Retry_After="2"), "upstream-capacity"),
        (refuse(503, {"code": 503, "message": "no placement"}), "upstream-capacity"),
        (refuse(201, b"<html>surprise</html>"), "upstream-broken"),
        (refuse(201, {"sandboxID": 5}), "upstream-broken"),
        (refuse(201, b""), "upstream-broken"),
        (lambda exchange: exchange.break_off(), "upstream-broken"),
    ],
    ids=["401", "403", "400", "429", "429 with Retry-After", "503", "HTML", "wrong types", "empty", "broken off"],
)
def test_a_sandbox_that_cannot_be_made(
    gateway: Gateway, fake: FakeE2B, tenant: Tenant, answer: Callable[[Exchange], None], slug: str
) -> None:
    fake.create = answer
    reply = tenant.client.post("print(1)")
    problem = reply.problem(slug)
    assert "API key" not in problem["detail"] or "gateway" in problem["detail"]
    assert "<html>" not in reply.body.decode(), "upstream's private text stays inside"
    assert reply.status != 401, "the caller's credential is not at fault"
    if slug != "upstream-capacity":
        assert reply.headers.get("should-retry") != "true"
    assert_nothing_charged(tenant)


def test_retry_after_of_the_upstream_is_passed_on(fake: FakeE2B, tenant: Tenant) -> None:
    fake.create = refuse(429, {"code": 429, "message": "rate"}, Retry_After="2")
    reply = tenant.client.post("print(1)")
    assert reply.problem("upstream-capacity")["retry_after_ms"] == 2000
    assert reply.headers["retry-after"] == "2"


@pytest.mark.parametrize("accept", [NDJSON, SSE])
def test_a_refusal_before_the_first_event_is_a_plain_refusal(fake: FakeE2B, tenant: Tenant, accept: str) -> None:
    fake.create = refuse(429, {"code": 429, "message": "concurrency"})
    reply = tenant.client.post("print(1)", headers={"accept": accept})
    assert reply.headers["content-type"] == "application/problem+json"
    reply.problem("upstream-capacity")


def test_nobody_listens(new_gateway: NewGateway) -> None:
    with unreachable_url() as url:
        gateway = new_gateway(url)
        tenant = gateway.tenant()
        tenant.client.post("print(1)").problem("upstream-unreachable")
        assert_nothing_charged(tenant)
        readiness = gateway.client(None).get("/readyz")
        assert readiness.status == 503
        assert readiness.document["status"] == "unready"
        assert readiness.document["ledger"] == "ok"
        assert readiness.document["upstream"] != "ok"
        assert gateway.client(None).get("/healthz").status == 200


def started(exchange: Exchange) -> None:
    exchange.begin_events()
    exchange.event({"type": "number_of_executions", "execution_count": 1})
    exchange.event({"type": "stdout", "text": "on\n", "timestamp": "2026-11-22T22:00:00+00:00"})


def breaks_off(exchange: Exchange) -> None:
    started(exchange)
    exchange.break_off()


def ends_without_its_last_event(exchange: Exchange) -> None:
    started(exchange)
    exchange.end_events()


def talks_nonsense(exchange: Exchange) -> None:
    started(exchange)
    exchange.wfile.write(b"c\r\nnot json {{\n\r\n")
    exchange.end_events()


def is_gone(exchange: Exchange) -> None:
    exchange.answer(502, {"sandboxId": "i" + "0" * 20, "message": "The sandbox was not found", "code": 502})


def answers_html(exchange: Exchange) -> None:
    exchange.answer(200, b"<html>surprise</html>")


FAILING = [breaks_off, ends_without_its_last_event, talks_nonsense, is_gone, answers_html]


@pytest.mark.parametrize("execute", FAILING)
def test_a_document_is_refused_when_the_execution_breaks(
    gateway: Gateway, fake: FakeE2B, tenant: Tenant, execute: Callable[[Exchange], None]
) -> None:
    fake.execute = execute
    reply = tenant.client.post("print(1)")
    reply.problem("upstream-broken")
    assert reply.headers["should-retry"] == "false", "code may have run"
    assert "<html>" not in reply.body.decode()
    eventually(lambda: fake.destroyed, within=5, what="the sandbox is destroyed all the same")


@pytest.mark.parametrize("accept", [NDJSON, SSE])
@pytest.mark.parametrize("execute", FAILING)
def test_a_stream_ends_with_failed(
    gateway: Gateway, fake: FakeE2B, tenant: Tenant, execute: Callable[[Exchange], None], accept: str
) -> None:
    fake.execute = execute
    with tenant.client.stream("print(1)", accept=accept) as stream:
        events = stream.all()
        request_id = stream.response.headers["x-request-id"]
    assert events[0]["type"] == "started"
    assert events[-1]["type"] == "failed"
    problem = events[-1]["problem"]
    assert problem["status"] == problem["code"] == 502
    assert problem["request_id"] == request_id
    assert "<html>" not in str(problem)
    record = gateway.assert_settled(tenant, events[0]["id"])
    assert record["outcome"] == "killed"
    assert record["reason"]
    eventually(lambda: fake.destroyed, within=5, what="the sandbox is destroyed all the same")


def test_a_sandbox_is_destroyed_however_often_that_fails(gateway: Gateway, fake: FakeE2B, tenant: Tenant) -> None:
    refusals = iter([500, 503, 429])

    def destroy(exchange: Exchange) -> None:
        status = next(refusals, None)
        exchange.answer(status or 404, {"code": status or 404, "message": "no"})

    fake.destroy = destroy
    assert tenant.client.execute("print(1)")["outcome"] == "completed"
    eventually(lambda: len(fake.destroyed) >= 4, within=15, what="it was tried until it was gone")


def test_a_hanging_execution_times_out(gateway: Gateway, fake: FakeE2B, tenant: Tenant) -> None:
    fake.execute = lambda exchange: exchange.hang()
    document = tenant.client.execute("print(1)", timeout_seconds=1)
    assert document["outcome"] == "timed_out"
    gateway.assert_settled(tenant, document["id"])


def test_a_kernel_that_cannot_be_prepared(gateway: Gateway, fake: FakeE2B, tenant: Tenant) -> None:
    def execute(exchange: Exchange) -> None:
        exchange.begin_events()
        exchange.event({"type": "number_of_executions", "execution_count": 1})
        exchange.event({"type": "error", "name": "GatewaySetupFailure", "value": "OSError", "traceback": "private"})
        exchange.event({"type": "end_of_execution"})
        exchange.end_events()

    fake.execute = execute
    reply = tenant.client.post("print(1)")
    reply.problem("upstream-broken")
    assert "private" not in reply.body.decode()
    eventually(lambda: fake.destroyed, within=5, what="the sandbox is destroyed all the same")


@pytest.mark.long
@pytest.mark.timeout(300)
def test_a_create_that_hangs(fake: FakeE2B, tenant: Tenant) -> None:
    fake.create = lambda exchange: exchange.hang()
    reply = tenant.client.post("print(1)")
    reply.problem("upstream-timeout")
    assert reply.headers["should-retry"] == "false", "a sandbox may have been made"
    assert_nothing_charged(tenant)


def test_the_code_arrives_unchanged(fake: FakeE2B, tenant: Tenant) -> None:
    code = "print('é\u2028😀\\n\\0')  # '''\n\n\n"
    tenant.client.execute(code)
    (order,) = fake.received
    assert carried(order["code"])["code"] == code
    assert order.get("env_vars") is None


def test_every_sandbox_is_closed_to_the_network(fake: FakeE2B, tenant: Tenant) -> None:
    tenant.client.execute("print(1)", timeout_seconds=3)
    order = fake.created[-1]
    assert order["allow_internet_access"] is False
    assert order["network"]["allowPublicTraffic"] is False
    assert order["network"]["denyOut"] == ["0.0.0.0/0"]
    assert "allowOut" not in order["network"]
    assert 3 < order["timeout"] <= 3 + 60, "it outlives the execution by little"
    assert not order.get("envVars"), "what belongs to a call is given only to the code"


def test_keepalives_and_unknown_events_of_the_upstream(fake: FakeE2B, tenant: Tenant) -> None:
    def execute(exchange: Exchange) -> None:
        started(exchange)
        for event in ({"type": "keepalive"}, {"type": "brand_new", "x": 1}, {"type": "end_of_execution"}):
            exchange.event(event)
        exchange.end_events()

    fake.execute = execute
    with tenant.client.stream("print(1)") as stream:
        kinds = [event["type"] for event in stream]
    assert [kind for kind in kinds if kind != "keepalive"] == ["started", "stdout", "finished"]
