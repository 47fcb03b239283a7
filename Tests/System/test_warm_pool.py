"""Warm sandboxes: calls find them ready, use each once, and notice nothing of it; nobody else loses room by them."""

import concurrent.futures
import re
import sqlite3

import httpx
import pytest

from harness.client import Client
from harness.gateway import Gateway, LocalE2B, UPSTREAM_KEY
from harness.waiting import eventually


def standing(gateway: Gateway) -> dict:
    return gateway.json_command("usage", "--upstream")


def pool(gateway: Gateway) -> dict:
    return standing(gateway)["pool"]


def when_ready(gateway: Gateway, count: int = 1) -> None:
    eventually(lambda: pool(gateway)["ready"] >= count, within=60, what=f"{count} warm sandboxes")


def spares(e2b: LocalE2B, gateway: Gateway) -> set[str]:
    """The warm sandboxes of a gateway, by their ids upstream."""
    name = sqlite3.connect(gateway.ledger).execute("SELECT name FROM installation").fetchone()[0]
    labels = {sandbox: told.get("metadata") or {} for sandbox, told in e2b.sandboxes().items()}
    wanted = {"e2b-gateway": "spare", "e2b-gateway-installation": name}
    return {sandbox for sandbox, own in labels.items() if wanted.items() <= own.items()}


@pytest.fixture(scope="module")
def warm(session_gateway):
    """A gateway that keeps two sandboxes ready, for this module: at the end none may be left."""
    gateway = session_gateway(GATEWAY_POOL_MINIMUM="2", GATEWAY_POOL_MAXIMUM="4")
    yield gateway
    gateway.stop()


@pytest.fixture(scope="module")
def tenant(warm: Gateway):
    return warm.tenant("--executions", "6", "--rate", "100/s", "--burst", "100")


def test_a_call_finds_a_sandbox_ready_and_another_takes_its_place(warm, tenant):
    when_ready(warm, 2)
    before = pool(warm)
    reply = tenant.client.execute("print(6 * 7)")
    assert reply["output"] == "42\n"
    after = pool(warm)
    assert after["hits"] == before["hits"] + 1
    assert after["misses"] == before["misses"]
    when_ready(warm, 2)
    assert pool(warm)["made"] >= before["made"] + 1


def test_each_is_used_once(warm, tenant):
    seen = set()
    for _ in range(3):
        when_ready(warm)
        reply = tenant.client.execute("import os; print(os.path.exists('mark'), open('mark', 'w').write('x'))")
        seen.add(reply["output"])
    assert seen == {"False 1\n"}


def test_the_code_is_the_first_cell_and_its_context_its_own(warm, tenant):
    when_ready(warm)
    code = "import sys\nprint(context_data, In[1:], [name for name in dir() if 'warm' in name], 'numpy' in sys.modules)\n1/0"
    reply = tenant.client.execute(code, context_data="of this call", env_vars={"A": "b"})
    assert reply["output"].startswith("of this call [\"import sys")
    assert reply["output"].endswith("[] True\n")
    assert re.search(r"Cell In\[1\], line 3", reply["exception"]["traceback"])


def test_more_calls_than_are_ready_are_served_all_the_same(warm, tenant):
    with concurrent.futures.ThreadPoolExecutor(6) as threads:
        replies = list(threads.map(lambda n: tenant.client.execute(f"print({n})")["output"], range(6)))
    assert sorted(replies) == [f"{n}\n" for n in range(6)]


def test_metrics_and_usage_tell_hits_misses_and_what_waiting_costs(warm, tenant):
    when_ready(warm)
    tenant.client.execute("1")
    reply = Client(warm.admin_url, None, warm.contract).get("/metrics")
    assert reply.headers["content-type"].startswith("text/plain; version=0.0.4")
    text = reply.body.decode()
    samples = dict(re.findall(r"^(\S+) (\S+)$", text, re.M))
    shown = pool(warm)
    assert int(samples['e2b_gateway_pool_calls_total{result="hit"}']) == shown["hits"] > 0
    assert int(samples['e2b_gateway_pool_calls_total{result="miss"}']) == shown["misses"]
    assert float(samples["e2b_gateway_pool_idle_seconds_total"]) > 0
    assert samples['e2b_gateway_upstream_circuit{state="closed"}'] == "1"
    assert "# TYPE e2b_gateway_pool_calls_total counter" in text
    printed = warm.command("usage")
    assert re.search(r"Warm pool: \d+ ready, \d+ being made, at most 4; \d+ of \d+ calls found one", printed)
    assert "no tenant pays" in printed


def test_a_warm_sandbox_that_died_is_replaced_and_the_caller_notices_nothing(warm, tenant, local_e2b):
    when_ready(warm, 2)
    with httpx.Client(base_url=local_e2b.url, headers={"x-api-key": UPSTREAM_KEY}, trust_env=False) as upstream:
        for sandbox in spares(local_e2b, warm):
            upstream.delete(f"/sandboxes/{sandbox}").raise_for_status()
    reply = tenant.client.execute("print('alive')")
    assert (reply["outcome"], reply["output"]) == ("completed", "alive\n")


def test_with_room_for_one_a_spare_makes_room_for_whoever_needs_it(new_gateway, local_e2b):
    gateway = new_gateway(GATEWAY_POOL_MINIMUM="1", GATEWAY_POOL_MAXIMUM="1", GATEWAY_UPSTREAM_SANDBOXES="1")
    tenant = gateway.tenant()
    when_ready(gateway)
    # A sandbox of one's own is never taken from the pool: its labels and its environment are its own.
    made = tenant.client.call("POST", "/v2/sandboxes", json={"templateID": "code-interpreter-v1", "timeout": 30})
    assert made.status == 201
    assert pool(gateway)["given_up"] == 1
    assert pool(gateway)["ready"] == 0
    tenant.client.call("DELETE", f"/sandboxes/{made.document['sandboxID']}")
    when_ready(gateway)


def test_nothing_warm_is_left_when_the_gateway_stops(new_gateway, local_e2b):
    gateway = new_gateway(GATEWAY_POOL_MINIMUM="2", GATEWAY_POOL_MAXIMUM="2")
    when_ready(gateway, 2)
    ours = spares(local_e2b, gateway)
    assert len(ours) == 2
    gateway.stop()
    assert not ours & set(local_e2b.sandboxes())


def test_what_a_killed_gateway_kept_warm_is_found_by_the_next(new_gateway, local_e2b):
    gateway = new_gateway(GATEWAY_POOL_MINIMUM="2", GATEWAY_POOL_MAXIMUM="2")
    when_ready(gateway, 2)
    ours = spares(local_e2b, gateway)
    gateway.service.kill()
    gateway.start()
    eventually(lambda: not ours & set(local_e2b.sandboxes()), within=30, what="the dead gateway's spares are gone")
    assert standing(gateway)["reconciliation"]["strays"] >= 2
