"""Trace context: callers' traces are continued, others begun, and all that upstream is asked for a call is part of its trace."""

import collections
import re
from collections.abc import Iterator

import httpx
import pytest

from conftest import NewGateway
from harness.client import Client
from harness.counting_e2b import CountingE2B, Task
from harness.fake_e2b import Exchange
from harness.gateway import Gateway, Tenant
from harness.sandboxes import TEMPLATE, Door
from harness.waiting import eventually

TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
CALLERS = {"traceparent": f"00-{TRACE}-{SPAN}-01", "tracestate": "rojo=1,congo=t61rcWkgMzE"}
PARENT = re.compile("00-([0-9a-f]{32})-([0-9a-f]{16})-(0[01])")


class TracedE2B(CountingE2B):
    """Notes the trace headers of what it is asked for."""

    def behave(self) -> None:
        super().behave()
        self.traced: dict[str, list[tuple[str | None, str | None]]] = collections.defaultdict(list)
        for what in ("create", "execute", "destroy", "probe"):
            setattr(self, what, self._noting(what, getattr(self, what)))

    def _noting(self, what: str, answer):
        def noting(exchange: Exchange) -> None:
            self.traced[what].append((exchange.headers.get("traceparent"), exchange.headers.get("tracestate")))
            answer(exchange)

        return noting


@pytest.fixture(scope="module")
def traced() -> Iterator[TracedE2B]:
    with TracedE2B() as upstream:
        yield upstream


@pytest.fixture(scope="module")
def gateway(session_gateway: NewGateway, traced: TracedE2B) -> Gateway:
    return session_gateway(traced.url)


@pytest.fixture
def tenant(gateway: Gateway, traced: TracedE2B) -> Tenant:
    traced.traced.clear()
    return gateway.tenant("--rate", "1000/s", "--burst", "1000", "--sandboxes", "5")


def logged(gateway: Gateway, request: str) -> dict:
    """The line about a request."""
    return eventually(
        lambda: next(
            (line for line in gateway.service.log_lines()
             if line["message"] == "request answered" and line["request_id"] == request), None,
        ),
        within=5, what=f"a line about {request}",
    )  # fmt: skip


@pytest.mark.parametrize("form", ["document", "stream"])
def test_what_upstream_is_asked_for_a_call_is_part_of_its_trace(
    gateway: Gateway, tenant: Tenant, traced: TracedE2B, form: str
) -> None:
    if form == "document":
        reply = tenant.client.post(Task().code, headers=CALLERS)
        assert reply.status == 200
        request, execution = reply.headers["x-request-id"], reply.document["id"]
    else:
        with tenant.client.stream(Task().code, headers=CALLERS) as stream:
            request, execution = stream.response.headers["x-request-id"], stream.all()[0]["id"]
    line = logged(gateway, request)
    assert line["trace_id"] == TRACE and line["span_id"] != SPAN
    expected = (f"00-{TRACE}-{line['span_id']}-01", CALLERS["tracestate"])
    assert traced.traced["create"] == traced.traced["execute"] == [expected]
    records = gateway.json_command("audit", "search", "--execution", execution)
    assert {(record["record"]["trace_id"], record["record"]["span_id"]) for record in records} == {(TRACE, line["span_id"])}
    by_call = gateway.json_command("audit", "search", "--request", request, "--trace", TRACE)
    assert by_call == gateway.json_command("audit", "search", "--request", request) == records
    by_trace = gateway.json_command("audit", "search", "--trace", TRACE)
    assert {record["record"]["trace_id"] for record in by_trace} == {TRACE}
    assert {record["sequence"] for record in by_trace} >= {record["sequence"] for record in records}
    own = tenant.client.get(f"/v1/audit?request={request}&trace={TRACE}").document["records"]
    assert [record["sequence"] for record in own] == [record["sequence"] for record in records]


def test_a_call_without_a_trace_begins_one_that_nobody_need_record(gateway: Gateway, tenant: Tenant, traced: TracedE2B) -> None:
    replies = [tenant.client.post(Task().code, headers=headers) for headers in ({}, {"tracestate": "rojo=1"})]
    lines = [logged(gateway, reply.headers["x-request-id"]) for reply in replies]
    assert len({line["trace_id"] for line in lines}) == 2
    sent = [(f"00-{line['trace_id']}-{line['span_id']}-00", None) for line in lines]
    assert traced.traced["create"] == traced.traced["execute"] == sent


@pytest.mark.parametrize(
    "headers",
    [
        {"traceparent": "nonsense", "tracestate": "rojo=1"}, {"traceparent": f"ff-{TRACE}-{SPAN}-01"},
        {"traceparent": f"00-{TRACE.upper()}-{SPAN}-01"}, {"traceparent": f"00-{'0' * 32}-{SPAN}-01"},
    ],
)  # fmt: skip
def test_what_is_no_trace_gives_way_to_one(
    gateway: Gateway, tenant: Tenant, traced: TracedE2B, headers: dict[str, str]
) -> None:
    reply = tenant.client.post(Task().code, headers=headers)
    [(parent, state)] = traced.traced["execute"]
    match = PARENT.fullmatch(parent)
    assert match and match[1] not in (TRACE, "0" * 32) and state is None
    assert logged(gateway, reply.headers["x-request-id"])["trace_id"] == match[1]


def test_a_state_that_is_none_is_dropped_and_the_trace_kept(tenant: Tenant, traced: TracedE2B) -> None:
    tenant.client.post(Task().code, headers=CALLERS | {"tracestate": "rojo=1,rojo=2"})
    [(parent, state)] = traced.traced["execute"]
    assert parent.startswith(f"00-{TRACE}-") and state is None


def test_a_share_of_the_traces_that_begin_here_is_marked(new_gateway: NewGateway, traced: TracedE2B) -> None:
    gateway = new_gateway(traced.url, GATEWAY_TRACE_SAMPLING="1")
    traced.traced.clear()
    tenant = gateway.tenant()
    tenant.client.post(Task().code)
    tenant.client.post(Task().code, headers={"traceparent": f"00-{TRACE}-{SPAN}-00"})
    assert [PARENT.fullmatch(parent)[3] for parent, _ in traced.traced["execute"]] == ["01", "00"]


def test_sandboxes_and_calls_to_them_are_part_of_it(gateway: Gateway, tenant: Tenant, traced: TracedE2B) -> None:
    door = Door(tenant)
    made = tenant.client.call("POST", "/v2/sandboxes", json={"templateID": TEMPLATE}, headers=CALLERS)
    sandbox = door.noted(made).document
    line = logged(gateway, made.headers["x-request-id"])
    assert traced.traced["create"] == [(f"00-{TRACE}-{line['span_id']}-01", CALLERS["tracestate"])]
    path = f"/sandboxes/{sandbox['sandboxID']}/timeout"
    changed = tenant.client.call("POST", path, json={"timeout": 100}, headers=CALLERS)
    line = logged(gateway, changed.headers["x-request-id"])
    assert (f"00-{TRACE}-{line['span_id']}-01", CALLERS["tracestate"]) in traced.traced["probe"]
    headers = {
        "e2b-sandbox-id": sandbox["sandboxID"], "e2b-sandbox-port": "49999",
        "x-access-token": sandbox["envdAccessToken"], "content-type": "application/json",
    }  # fmt: skip
    reply = httpx.post(f"{gateway.url}/execute", json={"code": Task().code}, headers=headers | CALLERS, trust_env=False)
    line = logged(gateway, reply.raise_for_status().headers["x-request-id"])
    assert traced.traced["execute"] == [(f"00-{TRACE}-{line['span_id']}-01", CALLERS["tracestate"])]


def test_administrators_are_traced_too(gateway: Gateway) -> None:
    administrator = Client(gateway.admin_url, gateway.admin_token, gateway.contract)
    name = "traced-tenant"
    reply = administrator.call("POST", "/admin/v1/tenants", json={"name": name}, headers=CALLERS)
    assert reply.status == 201
    span = logged(gateway, reply.headers["x-request-id"])["span_id"]
    [record] = gateway.json_command("audit", "search", "--tenant", name, "--action", "tenant.created")
    assert (record["record"]["trace_id"], record["record"]["span_id"]) == (TRACE, span)


def test_what_belongs_to_no_call_carries_no_trace(gateway: Gateway, tenant: Tenant, traced: TracedE2B) -> None:
    tenant.client.post(Task().code, headers=CALLERS)
    eventually(lambda: traced.traced["destroy"], within=20, what="it is destroyed")
    assert all(parent is None for parent, _ in traced.traced["destroy"] + traced.traced["probe"])
