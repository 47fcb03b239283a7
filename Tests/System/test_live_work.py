"""What goes on, and how administrators end it: `/admin/v1/sandboxes`, `/admin/v1/executions`, `sandbox list|kill`."""

import concurrent.futures
import re
import time
from collections.abc import Iterator

import pytest

from conftest import NewGateway
from harness.client import Client
from harness.gateway import Gateway, LocalE2B, Tenant
from harness.keeping_e2b import KeepingE2B, Kept
from harness.sandboxes import Door
from harness.waiting import eventually

HOLD = "import time\nprint('on', flush=True)\ntime.sleep(25)"
LIVE = "/admin/v1/sandboxes"


@pytest.fixture
def admin(gateway: Gateway) -> Client:
    return Client(gateway.admin_url, gateway.admin_token, gateway.contract)


@pytest.fixture
def tenant(gateway: Gateway) -> Tenant:
    return gateway.tenant("--rate", "1000/s", "--burst", "1000", "--executions", "5")


@pytest.fixture
def running(tenant: Tenant) -> Iterator[tuple[str, Iterator[dict]]]:
    """An execution that holds a sandbox: its id, and what comes of it."""
    with tenant.client.stream(HOLD) as stream:
        events = iter(stream)
        execution = next(events)["id"]
        assert next(events)["type"] == "stdout"
        yield execution, events


def live(admin: Client, tenant: Tenant, query: str = "") -> list[dict]:
    reply = admin.get(f"{LIVE}?tenant={tenant.name}{query}")
    assert reply.status == 200, reply.body
    return reply.document


def records(gateway: Gateway, **wanted: str) -> list[dict]:
    words = [word for name, value in wanted.items() for word in (f"--{name}", value)]
    return [found["record"] for found in gateway.json_command("audit", "search", "--limit", "10000", *words)]


def test_an_execution_is_seen_and_ended(
    gateway: Gateway, admin: Client, tenant: Tenant, running: tuple, local_e2b: LocalE2B
) -> None:
    execution, events = running
    # That it has a sandbox is noted while it runs already.
    held = eventually(
        lambda: [work for work in live(admin, tenant) if work["state"] == "running"], within=5, what="it holds a sandbox"
    )
    [work] = held
    assert (work["id"], work["kind"], work["tenant"], work["key_id"]) == (execution, "execution", tenant.name, tenant.key_id)
    assert work["ends_at"] > work["started_at"]
    assert live(admin, tenant, "&kind=execution") and live(admin, tenant, "&kind=sandbox") == []

    began = time.time()
    assert admin.call("DELETE", f"{LIVE}/{execution}").status == 204
    *_, last = events
    assert last["at"] - began < 1
    assert (last["type"], last["outcome"]) == ("finished", "killed")
    assert "administrator" in last["error"]
    assert live(admin, tenant) == []
    local_e2b.assert_gone(execution)
    [killed] = records(gateway, execution=execution, action="execution.killed")
    assert (killed["actor"], killed["tenant"]) == ("admin:first", tenant.name)
    [finished] = records(gateway, execution=execution, action="execution.finished")
    assert (finished["outcome"], finished["reason"]) == ("killed", "killed_by_administrator")
    admin.call("DELETE", f"{LIVE}/{execution}").problem("not-found")
    assert tenant.client.usage()["executions"]["running"] == 0


def test_one_that_waits_for_a_sandbox_is_ended(new_gateway: NewGateway) -> None:
    gateway = new_gateway(GATEWAY_UPSTREAM_SANDBOXES="1", GATEWAY_QUEUE_SECONDS="60")
    admin, tenant = Client(gateway.admin_url, gateway.admin_token, gateway.contract), gateway.tenant()
    with tenant.client.stream(HOLD) as first, concurrent.futures.ThreadPoolExecutor() as pool:
        holding = next(iter(first))["id"]
        second = pool.submit(tenant.client.execute, "print(1)")
        [waiting] = eventually(
            lambda: [work for work in live(admin, tenant) if work["id"] != holding], within=5, what="one waits"
        )
        assert (waiting["state"], waiting["runtime_ms"]) == ("starting", 0)
        assert "ends_at" not in waiting
        gateway.command("sandbox", "kill", waiting["id"], "--yes")
        reply = second.result(timeout=5)
        assert (reply["outcome"], reply["runtime_ms"]) == ("killed", 0)
        gateway.command("sandbox", "kill", holding, "--yes")
        *_, last = first
        assert last["outcome"] == "killed"


def test_a_sandbox_is_seen_and_ended(gateway: Gateway, admin: Client, tenant: Tenant, local_e2b: LocalE2B) -> None:
    door = Door(tenant)
    sandbox = door.made(timeout=60)
    [work] = live(admin, tenant)
    assert (work["id"], work["kind"], work["state"], work["tenant"]) == (sandbox, "sandbox", "running", tenant.name)
    assert door.pause(sandbox).status == 204
    [work] = live(admin, tenant)
    assert work["state"] == "paused" and "ends_at" not in work
    assert door.connect(sandbox, timeout=60).status == 201

    assert admin.call("DELETE", f"{LIVE}/{sandbox}").status == 204
    assert live(admin, tenant) == []
    assert door.get(sandbox).status == 404
    eventually(lambda: sandbox not in local_e2b.sandboxes(), within=5, what="it is destroyed upstream")
    [ended] = records(gateway, tenant=tenant.name, action="sandbox.ended")
    assert (ended["actor"], ended["reason"]) == ("admin:first", "killed_by_administrator")
    assert (ended["sandbox"], ended["key_id"]) == (sandbox, tenant.key_id)
    assert ended["runtime_ms"] > 0
    door.assert_nothing_held()
    admin.call("DELETE", f"{LIVE}/{sandbox}").problem("not-found")


def test_a_renamed_tenants_work_is_told_by_its_present_name(admin: Client, tenant: Tenant, running: tuple) -> None:
    execution, events = running
    sandbox = Door(tenant).made(timeout=60)
    name = f"{tenant.name}-renamed"
    assert admin.call("PATCH", f"/admin/v1/tenants/{tenant.name}", json={"name": name}).status == 200
    work = admin.get(f"{LIVE}?tenant={name}").document
    assert [(each["id"], each["tenant"]) for each in work] == [(execution, name), (sandbox, name)]
    admin.get(f"{LIVE}?tenant={tenant.name}").problem("not-found")
    [told] = admin.get(f"/admin/v1/executions?tenant={name}").document
    assert (told["id"], told["tenant"]) == (execution, name)
    [usage] = admin.get(f"/admin/v1/usage?tenant={name}").document
    assert usage["tenant"] == name
    for each in work:
        assert admin.call("DELETE", f"{LIVE}/{each['id']}").status == 204
    *_, last = events
    assert last["outcome"] == "killed"


def test_what_is_asked_wrongly_is_refused(admin: Client, tenant: Tenant) -> None:
    admin.get(f"{LIVE}?tenant=nobody").problem("not-found")
    admin.get(f"{LIVE}?kind=unicorn").problem("invalid-request")
    admin.get(f"{LIVE}?limit=0").problem("invalid-request")
    admin.call("DELETE", f"{LIVE}/exe_000000000000000000000000").problem("not-found")
    admin.call("DELETE", f"{LIVE}/sbx_000000000000000000000000").problem("not-found")
    admin.call("DELETE", f"{LIVE}/unheard").problem("not-found")


def test_the_list_comes_page_by_page(admin: Client, tenant: Tenant) -> None:
    door = Door(tenant)
    made = sorted(door.made(timeout=60) for _ in range(3))
    told, path, pages = [], f"{LIVE}?tenant={tenant.name}&limit=2", 0
    while path:
        reply = admin.get(path)
        told += [work["id"] for work in reply.document]
        link = reply.headers.get("link")
        path = re.fullmatch(r'<(/[^>]+)>; rel="next"', link).group(1) if link else None
        pages += 1
    assert (told, pages) == (made, 2)
    for sandbox in made:
        assert door.kill(sandbox).status == 204


def test_the_commands(gateway: Gateway, tenant: Tenant, running: tuple) -> None:
    execution, events = running
    listed = gateway.json_command("sandbox", "list", "--tenant", tenant.name, "--kind", "execution")
    assert [work["id"] for work in listed] == [execution]
    table = gateway.command("sandbox", "list", "--tenant", tenant.name)
    assert execution in table and tenant.name in table
    refused = gateway.run("sandbox", "kill", execution)
    assert refused.returncode != 0 and "--yes" in refused.stderr
    assert gateway.json_command("sandbox", "list", "--tenant", tenant.name), "nobody said yes"
    assert execution in gateway.command("sandbox", "kill", execution, "--yes")
    *_, last = events
    assert last["outcome"] == "killed"
    again = gateway.run("sandbox", "kill", execution, "--yes")
    assert again.returncode != 0 and "may be over" in again.stderr
    assert gateway.command("sandbox", "list", "--tenant", tenant.name).strip() == "Nothing runs."


def test_without_a_gateway_a_sandbox_is_ended_in_the_ledger(new_gateway: NewGateway, local_e2b: LocalE2B) -> None:
    """It is destroyed by the next that starts."""
    gateway = new_gateway()
    tenant = gateway.tenant()
    sandbox = Door(tenant).made(timeout=60)
    gateway.stop()
    [work] = gateway.json_command("sandbox", "list")
    assert work["id"] == sandbox
    gateway.command("sandbox", "kill", sandbox, "--yes")
    assert gateway.json_command("sandbox", "list") == []
    assert sandbox in local_e2b.sandboxes()
    gateway.start()
    eventually(lambda: sandbox not in local_e2b.sandboxes(), within=5, what="it is destroyed")


def test_what_upstream_has_and_nobody_holds_is_told(new_gateway: NewGateway) -> None:
    with KeepingE2B() as upstream:
        gateway = new_gateway(upstream.url)
        admin, tenant = Client(gateway.admin_url, gateway.admin_token, gateway.contract), gateway.tenant()
        door = Door(tenant)
        sandbox = door.made(timeout=60)
        kept: Kept = upstream.kept[sandbox]
        assert door.kill(sandbox).status == 204
        eventually(lambda: sandbox not in upstream.kept, within=5, what="it is destroyed")
        destroy = upstream.destroy
        upstream.destroy = lambda exchange: exchange.answer(503, {"code": 503, "message": "not now"})
        upstream.kept["istray"] = kept
        [stray] = eventually(lambda: admin.get(LIVE).document, within=30, pause=0.2, what="the stray is found")
        assert (stray["id"], stray["kind"], stray["state"], stray["tenant"]) == ("istray", "stray", "ending", tenant.name)
        assert admin.get(f"{LIVE}?kind=stray").document and live(admin, tenant, "&kind=stray")
        assert admin.get(f"{LIVE}?kind=sandbox").document == []
        upstream.destroy = destroy
        eventually(lambda: admin.get(LIVE).document == [], within=10, what="it is gone, and told no more")


# What became of executions


def test_executions_are_told_the_newest_first(gateway: Gateway, admin: Client, tenant: Tenant) -> None:
    other = gateway.tenant()
    ids = [tenant.client.execute(code)["id"] for code in ("print('secret-output')", "1 / 0", "print(3)")]
    other.client.execute("print(4)")

    def told(query: str = "") -> list[dict]:
        reply = admin.get(f"/admin/v1/executions?tenant={tenant.name}{query}")
        assert b"secret-output" not in reply.body
        return reply.document

    everything = told()
    assert [execution["id"] for execution in everything] == ids[::-1]
    failed = everything[1]
    assert (failed["outcome"], failed["exception"], failed["state"]) == ("failed", "ZeroDivisionError", "finished")
    assert failed["code_bytes"] == len("1 / 0") and failed["output_bytes"] >= 0
    assert failed["finished_at"] >= failed["created_at"]
    assert [execution["id"] for execution in told("&outcome=failed")] == [ids[1]]
    assert told("&state=running") == []
    assert told(f"&from={everything[1]['created_at']}&to={everything[0]['created_at']}") == [failed]

    reply = admin.get(f"/admin/v1/executions?tenant={tenant.name}&limit=2")
    assert [execution["id"] for execution in reply.document] == ids[:0:-1]
    after = re.fullmatch(r'<(/[^>]+)>; rel="next"', reply.headers["link"]).group(1)
    rest = admin.get(after)
    assert [execution["id"] for execution in rest.document] == ids[:1] and "link" not in rest.headers

    admin.get("/admin/v1/executions?tenant=nobody").problem("not-found")
    for wrong in ("outcome=unheard", "state=odd", "from=yesterday", "limit=1001", "after=exe_000000000000000000000000"):
        admin.get(f"/admin/v1/executions?{wrong}").problem("invalid-request")
