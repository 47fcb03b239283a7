"""Each subject of a tenant has a share of its own, so that one end user cannot use up the app's."""

import contextlib

import pytest

from harness.client import Client
from harness.gateway import Gateway, LocalE2B, Tenant
from harness.tokens import for_subject

HOLD = "import time\nprint('on', flush=True)\ntime.sleep(25)"


def speaking_for(tenant: Tenant, subject: str) -> Client:
    """A caller with the tenant's token, narrowed to one end user."""
    token = for_subject(tenant.token, subject)
    tenant.gateway.secrets.add(token)
    return tenant.client.with_token(token)


def share(client: Client) -> dict:
    return client.get("/v1/usage").document["subject"]


def test_one_subject_uses_up_its_runtime_and_another_is_served(gateway: Gateway) -> None:
    tenant = gateway.tenant("--runtime", "3600s/day", "--subject-runtime", "2s/day")
    alice, bob = speaking_for(tenant, "alice"), speaking_for(tenant, "bob")
    document = alice.execute("import time\ntime.sleep(9)")
    assert (document["outcome"], document["granted_timeout_ms"], document["timeout_lowered"]) == ("timed_out", 2000, True)

    reply = alice.post("print(1)")
    problem = reply.problem("runtime-exhausted")
    assert (problem["limit"], problem["used"], problem["reserved"]) == (2000, 2000, 0)
    assert "subject" in problem["detail"]
    assert reply.headers["should-retry"] == "false"
    assert 0 < problem["retry_after_ms"] <= 86_400_000

    assert bob.execute("print(1)")["granted_timeout_ms"] == 2000
    assert tenant.client.execute("print(1)")["granted_timeout_ms"] == 2000, "nor is a call without a subject concerned"
    [day] = tenant.client.usage()["runtime"]
    assert 2000 < day["used_ms"] < 3000 + 2000, "the tenant is charged for all of them"


def test_no_subject_counts_as_one(gateway: Gateway) -> None:
    tenant = gateway.tenant("--subject-runtime", "1s/day")
    tenant.client.execute("import time\ntime.sleep(9)")
    tenant.client.post("print(1)").problem("runtime-exhausted")
    assert share(tenant.client)["name"] is None
    assert share(tenant.client)["runtime"][0]["remaining_ms"] == 0
    speaking_for(tenant, "carol").execute("print(1)")


def test_a_subjects_executions_at_once(gateway: Gateway, local_e2b: LocalE2B) -> None:
    tenant = gateway.tenant("--executions", "5", "--subject-executions", "1")
    alice, bob = speaking_for(tenant, "alice"), speaking_for(tenant, "bob")
    with contextlib.ExitStack() as streams:
        execution_id = next(iter(streams.enter_context(alice.stream(HOLD))))["id"]
        problem = alice.post("print(1)").problem("concurrency-exceeded")
        assert (problem["limit"], problem["used"]) == (1, 1)
        assert share(alice)["executions"] == {"running": 1, "limit": 1}
        assert share(bob)["executions"] == {"running": 0, "limit": 1}
        assert bob.execute("print(1)")["output"] == "1\n"
    gateway.assert_settled(tenant, execution_id)
    local_e2b.assert_gone(execution_id)
    assert alice.execute("print(2)")["output"] == "2\n"


def test_a_subjects_rate(gateway: Gateway) -> None:
    tenant = gateway.tenant("--rate", "1000/s", "--burst", "1000", "--subject-rate", "1/min", "--subject-burst", "2")
    alice, bob = speaking_for(tenant, "alice"), speaking_for(tenant, "bob")
    replies = [alice.get("/v1/whoami") for _ in range(3)]
    assert [reply.status for reply in replies] == [200, 200, 429]
    assert '"subject";r=1' in replies[0].headers["ratelimit"]
    assert '"subject";q=2;w=120' in replies[0].headers["ratelimit-policy"]
    problem = replies[2].problem("rate-limited")
    assert 55_000 < problem["retry_after_ms"] <= 60_000
    assert bob.get("/v1/whoami").status == 200
    assert tenant.client.get("/v1/whoami").status == 200


def test_usage_tells_the_share_of_whoever_asks(gateway: Gateway) -> None:
    tenant = gateway.tenant("--subject-rate", "100/s", "--subject-burst", "200", "--subject-runtime", "60s/hour")
    alice = speaking_for(tenant, "alice")
    document = alice.execute("print(1)")
    told = share(alice)
    assert told["name"] == "alice"
    assert told["executions"] == {"running": 0}
    assert (told["rate"]["limit"], told["rate"]["burst"]) == (100, 200)
    assert told["runtime"][0]["used_ms"] == document["runtime_ms"]
    assert share(tenant.client)["runtime"][0]["used_ms"] == 0
    by_command = gateway.json_command("usage", tenant.name, "--subject", "alice")["subject"]
    assert by_command["runtime"] == told["runtime"]
    assert gateway.json_command("usage", tenant.name)["subject"]["name"] is None


def test_without_limits_for_subjects_there_is_no_share(tenant: Tenant) -> None:
    assert "subject" not in tenant.client.get("/v1/usage").document


def test_limits_of_subjects_are_set_and_lifted_one_by_one(gateway: Gateway) -> None:
    tenant = gateway.tenant("--subject-rate", "2/s", "--subject-burst", "4", "--subject-runtime", "60s/hour")

    def limits(*words: str) -> dict | None:
        gateway.command("quota", "set", tenant.name, *words)
        return gateway.json_command("quota", "get", tenant.name).get("subject")

    rate = {"permits": 2, "period_seconds": 1, "burst": 4}
    assert limits("--subject-executions", "3") == {"rate": rate, "executions": 3, "runtime_seconds": {"hour": 60}}
    assert limits("--subject-runtime", "none/hour", "--subject-runtime", "5s/day") == {
        "rate": rate, "executions": 3, "runtime_seconds": {"day": 5}
    }
    assert limits("--subject-executions", "none") == {"rate": rate, "runtime_seconds": {"day": 5}}
    assert limits("--subject-rate", "none") == {"runtime_seconds": {"day": 5}}
    assert "5s/day" in gateway.command("quota", "get", tenant.name)
    assert limits("--no-subject-limits") is None
    tenant.client.execute("print(1)")


@pytest.mark.parametrize("by", ["tenant", "key", None, "subject"])
def test_a_token_of_one_subject_sees_that_ones_consumption_alone(gateway: Gateway, by: str | None) -> None:
    tenant = gateway.tenant()
    alice = speaking_for(tenant, "alice")
    alice.execute("print(1)")
    speaking_for(tenant, "bob").execute("print(1)")
    reply = alice.get("/v1/consumption" + (f"?by={by}" if by else ""))
    if by in ("tenant", "key"):
        reply.problem("insufficient-scope")
    else:
        assert [row["subject"] for row in reply.document["rows"]] == ["alice"]
    rows = tenant.client.get("/v1/consumption?by=subject").document["rows"]
    assert sorted(row["subject"] for row in rows) == ["alice", "bob"], "the app itself sees all of them"
