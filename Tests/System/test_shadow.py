"""A shadow policy judges, records what it would have refused or lowered, and refuses nothing."""

import concurrent.futures
import contextlib

from harness.gateway import Gateway, Tenant

HOLD = "import time\nprint('on', flush=True)\ntime.sleep(25)"


def judged(gateway: Gateway, tenant: Tenant) -> list[str | None]:
    """What the audit says the policy would have done, of each admission."""
    records = [
        record["record"]
        for record in gateway.json_command("audit", "search", "--tenant", tenant.name, "--limit", "1000")
    ]
    assert not [record for record in records if record["action"] == "execution.refused"]
    return [record.get("reason") for record in records if record["action"] == "execution.admitted"]


def test_it_refuses_no_rate(gateway: Gateway) -> None:
    tenant = gateway.tenant("--shadow", "--rate", "1/min", "--burst", "1")
    for _ in range(3):
        assert tenant.client.execute("print(1)")["outcome"] == "completed"
    assert judged(gateway, tenant) == [None, "shadow_rate", "shadow_rate"]
    assert tenant.client.get("/v1/whoami").headers["ratelimit"].startswith('"rate";r=0')


def test_it_refuses_no_execution_at_once(gateway: Gateway) -> None:
    tenant = gateway.tenant("--shadow", "--executions", "1")
    with contextlib.ExitStack() as streams:
        held = next(iter(streams.enter_context(tenant.client.stream(HOLD))))["id"]
        assert tenant.client.execute("print(1)")["outcome"] == "completed"
    gateway.assert_settled(tenant, held)
    assert judged(gateway, tenant) == [None, "shadow_executions"]


def test_it_refuses_and_lowers_no_runtime(gateway: Gateway) -> None:
    tenant = gateway.tenant("--shadow", "--runtime", "1s/day")
    documents = [tenant.client.execute("import time\ntime.sleep(1.2)") for _ in range(2)]
    assert [(document["outcome"], document["timeout_lowered"]) for document in documents] == [("completed", False)] * 2
    assert [document["granted_timeout_ms"] for document in documents] == [30_000] * 2
    assert judged(gateway, tenant) == ["shadow_lowered", "shadow_runtime_day"]
    [day] = tenant.client.usage()["runtime"]
    assert day["used_ms"] > 2000 > day["limit_ms"]
    assert day["remaining_ms"] == 0


def test_it_refuses_no_subject(gateway: Gateway) -> None:
    tenant = gateway.tenant("--shadow", "--subject-rate", "1/min", "--subject-runtime", "1s/day")
    tenant.client.execute("print(1)")
    tenant.client.execute("print(1)")
    assert judged(gateway, tenant) == ["shadow_lowered", "shadow_subject_rate"]


def test_consumption_counts_what_it_would_have_refused_or_lowered(gateway: Gateway) -> None:
    tenant = gateway.tenant("--shadow", "--runtime", "35s/day")
    with concurrent.futures.ThreadPoolExecutor() as pool:
        list(pool.map(lambda _: tenant.client.execute("import time\ntime.sleep(1)"), range(3)))
    assert sorted(filter(None, judged(gateway, tenant))) == ["shadow_lowered", "shadow_runtime_day"]
    [row] = tenant.client.get("/v1/consumption").document["rows"]
    assert (row["executions"], row["shadowed"]) == (3, 2)
    text = gateway.command("usage", tenant.name)
    assert "would have refused or lowered 2" in text.replace("\n", " ")


def test_out_of_the_shadow_it_holds_at_once_and_knows_what_was_used(gateway: Gateway) -> None:
    tenant = gateway.tenant("--shadow", "--runtime", "1s/day")
    tenant.client.execute("import time\ntime.sleep(1.2)")
    gateway.command("quota", "set", tenant.name, "--no-shadow")
    problem = tenant.client.post("print(1)").problem("runtime-exhausted")
    assert problem["used"] > problem["limit"] == 1000
    assert gateway.json_command("quota", "get", tenant.name)["shadow"] is False
