"""A gateway that is told to stop, that is killed, and that is started again."""

import concurrent.futures

import httpx
import pytest

from conftest import NewGateway
from harness.gateway import LocalE2B
from harness.waiting import eventually


def test_sigterm_lets_a_running_execution_finish(new_gateway: NewGateway) -> None:
    gateway = new_gateway()
    tenant = gateway.tenant()
    with tenant.client.stream("import time\ntime.sleep(3)\nprint('to its end')") as stream:
        events = iter(stream)
        execution_id = next(events)["id"]
        gateway.service.terminate()

        eventually(lambda: is_draining(gateway.url), within=5, what="it says that it is draining")
        refuses_new_executions(tenant.client)
        assert gateway.service.is_alive
        rest = list(events)
    assert [event["type"] for event in rest] == ["stdout", "finished"]
    assert rest[0]["text"] == "to its end\n"
    assert rest[-1]["outcome"] == "completed"
    assert gateway.service.wait(within=20) == 0
    assert not (gateway.folder / "gateway.db.socket").exists()

    gateway.start()
    assert gateway.assert_settled(tenant, execution_id)["outcome"] == "completed"


def is_draining(url: str) -> bool:
    """Ready no more, or no longer listening."""
    try:
        return httpx.get(f"{url}/readyz", trust_env=False).json()["status"] == "draining"
    except httpx.TransportError:
        return True


def refuses_new_executions(client) -> None:
    try:
        reply = client.post("print(1)")
    except httpx.TransportError:
        return
    problem = reply.problem("draining")
    assert problem["retry_after_ms"] > 0


def test_the_drain_has_a_deadline(new_gateway: NewGateway) -> None:
    gateway = new_gateway(GATEWAY_DRAIN_SECONDS="1")
    tenant = gateway.tenant()
    with tenant.client.stream("import time\ntime.sleep(25)") as stream:
        events = iter(stream)
        execution_id = next(events)["id"]
        gateway.service.terminate()
        *_, finished = events
    assert (finished["type"], finished["outcome"]) == ("finished", "killed")
    assert finished["error"]
    assert gateway.service.wait(within=20) == 0
    gateway.start()
    record = gateway.assert_settled(tenant, execution_id)
    assert record["outcome"] == "killed"


def test_sigterm_without_work_is_quick(new_gateway: NewGateway) -> None:
    gateway = new_gateway()
    gateway.service.terminate()
    assert gateway.service.wait(within=5) == 0


def test_a_killed_gateway_leaves_nothing_behind(new_gateway: NewGateway, local_e2b: LocalE2B) -> None:
    gateway = new_gateway()
    tenant = gateway.tenant()
    with tenant.client.stream("import time\nprint('on', flush=True)\ntime.sleep(60)", timeout_seconds=20) as stream:
        events = iter(stream)
        execution_id = next(events)["id"]
        assert next(events)["type"] == "stdout"
        assert local_e2b.sandboxes_of(execution_id)
        gateway.service.kill()
        with pytest.raises((httpx.TransportError, AssertionError)):
            list(events)

    gateway.start()
    local_e2b.assert_gone(execution_id, within=10)
    record = gateway.assert_settled(tenant, execution_id)
    assert (record["outcome"], record["reason"]) == ("killed", "gateway_restarted")
    assert record["runtime_ms"] == 20_000, "unknown, so the ceiling"
    [day] = tenant.client.usage()["runtime"]
    assert (day["used_ms"], day["reserved_ms"]) == (20_000, 0)
    assert tenant.client.execute("print('again')")["output"] == "again\n"


def test_a_gateway_killed_under_load_never_loses_a_lease(new_gateway: NewGateway, local_e2b: LocalE2B) -> None:
    """Whatever the kill interrupts, after a restart every admitted execution is settled and audited twice."""
    gateway = new_gateway()
    tenant = gateway.tenant("--rate", "1000/s", "--burst", "1000", "--executions", "8", "--runtime", "86400s/day")

    def call(_: int) -> None:
        try:
            tenant.client.post("print(1)", timeout_seconds=10)
        except httpx.TransportError:
            pass

    with concurrent.futures.ThreadPoolExecutor(6) as pool:
        calls = [pool.submit(call, number) for number in range(24)]
        eventually(lambda: sum(done.done() for done in calls) >= 6, within=60, what="some executions are over")
        gateway.service.kill()
        for done in calls:
            done.result()

    gateway.start()
    usage = tenant.client.usage()
    assert usage["executions"]["running"] == 0
    assert [window["reserved_ms"] for window in usage["runtime"]] == [0]
    admitted, finished = gateway.executions_in_audit()
    assert len(admitted) >= 6
    assert sorted(admitted) == sorted(finished), "each has one intent and one outcome"
    eventually(
        lambda: not any(local_e2b.sandboxes_of(execution) for execution in admitted),
        within=15,
        what="all sandboxes are gone",
    )


def test_usage_survives_a_restart(new_gateway: NewGateway) -> None:
    gateway = new_gateway()
    tenant = gateway.tenant()
    charged = tenant.client.execute("print(1)")["runtime_ms"]
    gateway.stop()
    gateway.start()
    assert tenant.client.usage()["runtime"][0]["used_ms"] == charged


def test_two_gateways_cannot_share_an_embedded_ledger(new_gateway: NewGateway) -> None:
    gateway = new_gateway()
    second = gateway.run("serve", "--output", "json")
    assert second.returncode != 0
    assert "in use" in second.stderr.lower() or "another" in second.stderr.lower(), second.stderr
    assert gateway.tenant().client.execute("print(1)")["output"] == "1\n"
