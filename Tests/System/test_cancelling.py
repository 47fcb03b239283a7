"""Executions that somebody stops, or that nobody waits for any more."""

import concurrent.futures

import pytest

from harness import raw
from harness.client import NDJSON, SSE
from harness.gateway import Gateway, LocalE2B, Tenant
from harness.tokens import scoped
from harness.waiting import eventually

SLEEP = "import time\nprint('on', flush=True)\ntime.sleep(25)"


@pytest.mark.parametrize("accept", [NDJSON, SSE])
def test_delete_ends_a_stream(gateway: Gateway, local_e2b: LocalE2B, tenant: Tenant, accept: str) -> None:
    with tenant.client.stream(SLEEP, accept=accept) as stream:
        events = iter(stream)
        started = next(events)
        assert next(events)["type"] == "stdout"
        assert tenant.client.execution(started["id"])["state"] == "running"
        assert local_e2b.sandboxes_of(started["id"])

        reply = tenant.client.cancel(started["id"])
        assert reply.status == 202
        assert reply.document["id"] == started["id"]
        *_, finished = events
    assert finished["type"] == "finished"
    assert finished["outcome"] == "cancelled"
    assert finished["error"]
    assert finished["runtime_ms"] < 15_000
    record = gateway.assert_settled(tenant, started["id"])
    assert (record["outcome"], record["runtime_ms"]) == ("cancelled", finished["runtime_ms"])
    local_e2b.assert_gone(started["id"])


def test_delete_ends_a_document(gateway: Gateway, local_e2b: LocalE2B, tenant: Tenant) -> None:
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        reply = pool.submit(tenant.client.execute, SLEEP)
        [execution_id] = eventually(lambda: running_executions(local_e2b), within=10, what="the sandbox is held")
        assert tenant.client.cancel(execution_id).status == 202
        document = reply.result(10)
    assert document["outcome"] == "cancelled"
    assert document["error"]
    gateway.assert_settled(tenant, execution_id)
    local_e2b.assert_gone(execution_id)


def test_delete_of_what_is_over_tells_how_it_ended(tenant: Tenant) -> None:
    document = tenant.client.execute("print(1)")
    reply = tenant.client.cancel(document["id"])
    assert reply.status == 200
    assert reply.document["state"] == "finished"
    assert reply.document["outcome"] == "completed"


def test_delete_tells_no_more_than_the_state_to_whoever_may_not_read(gateway: Gateway, tenant: Tenant) -> None:
    token = scoped(tenant.token, execute=True, read=False)
    gateway.secrets.add(token)
    runner = gateway.client(token)
    document = tenant.client.execute("print(1)")
    runner.get(f"/v1/executions/{document['id']}").problem("insufficient-scope")
    reply = runner.cancel(document["id"])
    assert (reply.status, reply.document) == (200, {"id": document["id"], "state": "finished"})
    with tenant.client.stream(SLEEP) as stream:
        events = iter(stream)
        execution_id = next(events)["id"]
        reply = runner.cancel(execution_id)
        assert (reply.status, reply.document) == (202, {"id": execution_id, "state": "running"})
        list(events)
    assert runner.get("/v1/whoami").document["scopes"] == ["execute"], "what it is, a token may always know"


def test_delete_twice(tenant: Tenant) -> None:
    with tenant.client.stream(SLEEP) as stream:
        events = iter(stream)
        execution_id = next(events)["id"]
        assert tenant.client.cancel(execution_id).status == 202
        assert tenant.client.cancel(execution_id).status in (200, 202)
        *_, finished = events
    assert finished["outcome"] == "cancelled"


@pytest.mark.parametrize("method", ["GET", "DELETE"])
def test_another_tenants_execution_does_not_exist(gateway: Gateway, tenant: Tenant, method: str) -> None:
    document = tenant.client.execute("print(1)")
    stranger = gateway.tenant().client
    theirs = stranger.call(method, f"/v1/executions/{document['id']}").problem("not-found")
    nobodys = stranger.call(method, "/v1/executions/exe_000000000000000000000000").problem("not-found")
    assert theirs["title"] == nobodys["title"]
    assert theirs["detail"].replace(document["id"], "") == nobodys["detail"].replace("exe_" + "0" * 24, "")


def test_another_tenant_cannot_stop_a_running_execution(gateway: Gateway, tenant: Tenant) -> None:
    with tenant.client.stream("import time\ntime.sleep(1)\nprint('mine')") as stream:
        events = iter(stream)
        execution_id = next(events)["id"]
        gateway.tenant().client.cancel(execution_id).problem("not-found")
        *_, finished = events
    assert finished["outcome"] == "completed", finished


def test_a_caller_who_leaves_a_stream(gateway: Gateway, local_e2b: LocalE2B, tenant: Tenant) -> None:
    with tenant.client.stream(SLEEP) as stream:
        events = iter(stream)
        execution_id = next(events)["id"]
        assert next(events)["type"] == "stdout"
        assert local_e2b.sandboxes_of(execution_id)
    local_e2b.assert_gone(execution_id)
    record = gateway.assert_settled(tenant, execution_id)
    assert (record["outcome"], record["reason"]) == ("cancelled", "caller_left")
    assert 0 < record["runtime_ms"] < 15_000


def test_a_caller_who_leaves_while_the_code_is_silent(gateway: Gateway, local_e2b: LocalE2B, tenant: Tenant) -> None:
    """No event is on its way, so only the closed connection itself can tell."""
    with tenant.client.stream("import time\ntime.sleep(25)") as stream:
        execution_id = next(iter(stream))["id"]
        eventually(lambda: local_e2b.sandboxes_of(execution_id), within=5, what="the sandbox is held")
    local_e2b.assert_gone(execution_id)
    assert gateway.assert_settled(tenant, execution_id)["reason"] == "caller_left"


def test_a_caller_who_leaves_before_the_document(gateway: Gateway, local_e2b: LocalE2B, tenant: Tenant) -> None:
    with raw.post(gateway, tenant, SLEEP):
        [execution_id] = eventually(lambda: running_executions(local_e2b), within=10, what="the sandbox is held")
    local_e2b.assert_gone(execution_id)
    record = gateway.assert_settled(tenant, execution_id)
    assert (record["outcome"], record["reason"]) == ("cancelled", "caller_left")


def test_a_caller_who_leaves_at_once(gateway: Gateway, local_e2b: LocalE2B, tenant: Tenant) -> None:
    """Whether the gateway notices before, while or after the sandbox is made, nothing is left of it."""
    with raw.post(gateway, tenant, SLEEP):
        pass

    def admitted() -> list[str]:
        found = gateway.json_command("audit", "search", "--tenant", tenant.name)
        records = [record["record"] for record in found]
        return [record["execution"] for record in records if record["action"] == "execution.admitted"]

    [execution_id] = eventually(admitted, within=5, what="the execution is admitted")
    gateway.assert_settled(tenant, execution_id)
    local_e2b.assert_gone(execution_id)


def test_a_caller_who_leaves_in_the_middle_of_much_output(
    gateway: Gateway, local_e2b: LocalE2B, tenant: Tenant
) -> None:
    with tenant.client.stream("while True: print('x' * 10000)") as stream:
        events = iter(stream)
        execution_id = next(events)["id"]
        for _ in range(20):
            next(events)
    local_e2b.assert_gone(execution_id)
    gateway.assert_settled(tenant, execution_id)


def running_executions(local_e2b: LocalE2B) -> list[str]:
    """The executions that hold a sandbox now, by the mark the gateway put on it."""
    return [
        value
        for sandbox in local_e2b.sandboxes().values()
        for value in (sandbox.get("metadata") or {}).values()
        if value.startswith("exe_")
    ]
