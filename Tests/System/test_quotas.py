"""Every limit of a policy refuses, says why and until when, and costs nothing but its rate."""

import contextlib
import datetime

from harness.gateway import Gateway, LocalE2B, Tenant
from harness.tokens import with_timeout
from harness.waiting import eventually

HOLD = "import time\nprint('on', flush=True)\ntime.sleep(25)"


def test_rate(gateway: Gateway) -> None:
    client = gateway.tenant("--rate", "1/min", "--burst", "3").client
    replies = [client.get("/v1/whoami") for _ in range(4)]
    assert [reply.status for reply in replies] == [200, 200, 200, 429]
    assert [reply.headers["ratelimit"].split(";")[1] for reply in replies] == ["r=2", "r=1", "r=0", "r=0"]
    assert replies[0].headers["ratelimit-policy"].split(";")[1] == "q=3"
    problem = replies[3].problem("rate-limited")
    assert 55_000 < problem["retry_after_ms"] <= 60_000
    assert problem["limit"] == 1


def test_a_permit_is_back_when_retry_after_says(gateway: Gateway) -> None:
    client = gateway.tenant("--rate", "4/s", "--burst", "1").client
    eventually(lambda: client.get("/v1/whoami").status == 429, within=5, what="the rate is used up")
    reply = eventually(lambda: allowed(client), within=10, what="a permit is back")
    assert reply.status == 200


def allowed(client) -> object:
    reply = client.get("/v1/whoami")
    return reply if reply.status == 200 else None


def test_malformed_calls_cost_rate_and_nothing_else(gateway: Gateway) -> None:
    tenant = gateway.tenant("--rate", "1/min", "--burst", "4")
    for code in ("", " ", None):
        tenant.client.post(code).problem("invalid-request")
    usage = tenant.client.usage()
    assert usage["rate"]["remaining"] == 0
    assert usage["runtime"][0]["used_ms"] == 0
    tenant.client.post("print(1)").problem("rate-limited")


def test_a_wrong_token_costs_the_tenant_nothing(gateway: Gateway) -> None:
    tenant = gateway.tenant("--rate", "1/min", "--burst", "2")
    forged = tenant.token[:-1] + ("0" if tenant.token[-1] != "0" else "1")
    for _ in range(5):
        tenant.client.with_token(forged).get("/v1/whoami").problem("invalid-token")
    assert tenant.client.get("/v1/whoami").status == 200


def test_executions_at_once(gateway: Gateway, local_e2b: LocalE2B) -> None:
    tenant = gateway.tenant("--executions", "2")
    with contextlib.ExitStack() as streams:
        held = []
        for _ in range(2):
            events = iter(streams.enter_context(tenant.client.stream(HOLD)))
            held.append(next(events)["id"])
        reply = tenant.client.post("print(1)")
        problem = reply.problem("concurrency-exceeded")
        assert (problem["limit"], problem["used"]) == (2, 2)
        assert tenant.client.usage()["executions"] == {"running": 2, "limit": 2}
        assert gateway.tenant().client.execute("print(1)")["output"] == "1\n", "another tenant is not concerned"
        tenant.client.cancel(held[0])
        eventually(lambda: tenant.client.usage()["executions"]["running"] == 1, within=5, pause=0.2, what="one place is free")
        assert tenant.client.execute("print(1)")["output"] == "1\n"
    for execution_id in reversed(held):
        gateway.assert_settled(tenant, execution_id)
        local_e2b.assert_gone(execution_id)


def test_runtime_is_reserved_then_settled(gateway: Gateway) -> None:
    tenant = gateway.tenant("--runtime", "40s/day")
    with tenant.client.stream(HOLD) as stream:
        execution_id = next(iter(stream))["id"]
        [day] = tenant.client.usage()["runtime"]
        assert (day["limit_ms"], day["used_ms"], day["reserved_ms"], day["remaining_ms"]) == (40_000, 0, 30_000, 10_000)
    record = gateway.assert_settled(tenant, execution_id)
    [day] = tenant.client.usage()["runtime"]
    assert (day["used_ms"], day["reserved_ms"]) == (record["runtime_ms"], 0)
    assert day["remaining_ms"] == 40_000 - record["runtime_ms"]


def test_a_timeout_is_lowered_to_what_remains(gateway: Gateway) -> None:
    tenant = gateway.tenant("--runtime", "2s/day")
    document = tenant.client.execute("import time\ntime.sleep(0.3)")
    assert document["outcome"] == "completed"
    assert document["granted_timeout_ms"] == 2000

    remaining = tenant.client.usage()["runtime"][0]["remaining_ms"]
    document = tenant.client.execute("import time\ntime.sleep(20)")
    assert document["outcome"] == "timed_out"
    assert document["granted_timeout_ms"] == document["runtime_ms"] == remaining

    problem = tenant.client.post("print(1)").problem("runtime-exhausted")
    assert (problem["limit"], problem["used"], problem["reserved"]) == (2000, 2000, 0)
    resets_at = datetime.datetime.fromisoformat(problem["resets_at"])
    midnight = datetime.datetime.combine(
        datetime.datetime.now(datetime.UTC).date() + datetime.timedelta(days=1), datetime.time(), datetime.UTC
    )
    assert resets_at == midnight
    [day] = tenant.client.usage()["runtime"]
    assert day["remaining_ms"] == 0


def test_work_in_flight_cannot_overspend(gateway: Gateway) -> None:
    tenant = gateway.tenant("--runtime", "30s/day", "--timeout", "30s")
    with tenant.client.stream(HOLD) as stream:
        execution_id = next(iter(stream))["id"]
        problem = tenant.client.post("print(1)").problem("runtime-exhausted")
        assert (problem["used"], problem["reserved"]) == (0, 30_000)
    gateway.assert_settled(tenant, execution_id)
    assert tenant.client.execute("print(1)")["outcome"] == "completed"


def test_every_window_is_judged(gateway: Gateway) -> None:
    tenant = gateway.tenant("--runtime", "3600s/day", "--runtime", "1s/hour")
    assert tenant.client.execute("import time\ntime.sleep(9)")["granted_timeout_ms"] <= 1000
    windows = {window["window"]: window for window in tenant.client.usage()["runtime"]}
    assert windows["hour"]["used_ms"] == windows["day"]["used_ms"] > 0


def test_the_policys_timeout_is_default_and_maximum(gateway: Gateway) -> None:
    tenant = gateway.tenant("--timeout", "2s")
    assert tenant.client.execute("print(1)")["granted_timeout_ms"] == 2000
    problem = tenant.client.post("print(1)", timeout_seconds=2.001).problem("invalid-request")
    assert "timeout_seconds" in problem["detail"]
    assert tenant.client.execute("print(1)", timeout_seconds=0.9)["granted_timeout_ms"] == 900


def test_a_narrowed_token_shortens_the_timeout(tenant: Tenant) -> None:
    client = tenant.client.with_token(with_timeout(tenant.token, 1500))
    assert client.execute("print(1)")["granted_timeout_ms"] == 1500
    client.post("print(1)", timeout_seconds=2).problem("invalid-request")


def test_a_changed_quota_holds_at_once(gateway: Gateway, tenant: Tenant) -> None:
    assert tenant.client.execute("print(1)")["granted_timeout_ms"] == 30_000
    gateway.command("quota", "set", tenant.name, "--timeout", "3s")
    assert tenant.client.execute("print(1)")["granted_timeout_ms"] == 3000
    assert gateway.json_command("quota", "get", tenant.name)["timeout_seconds"] == 3
    report = tenant.client.get("/v1/usage").document
    assert report["policy"]["timeout_seconds"] == 3
    assert report["tenant"] == tenant.name


def test_a_lowered_timeout_is_said_in_the_reply_and_its_head(gateway: Gateway) -> None:
    tenant = gateway.tenant("--runtime", "40s/day", "--executions", "2")
    reply = tenant.client.post("print(1)")
    assert (reply.document["granted_timeout_ms"], reply.document["timeout_lowered"]) == (30_000, False)
    assert reply.headers["granted-timeout-ms"] == "30000"
    with tenant.client.stream(HOLD) as held:
        assert next(iter(held))["timeout_lowered"] is False
        assert held.response.headers["granted-timeout-ms"] == "30000"
        left = tenant.client.usage()["runtime"][0]["remaining_ms"]
        assert left <= 10_000
        for accept in ("application/x-ndjson", "text/event-stream"):
            with tenant.client.stream("print(1)", accept=accept) as stream:
                started, *_, finished = stream.all()
                assert stream.response.headers["granted-timeout-ms"] == str(started["granted_timeout_ms"])
            assert started["granted_timeout_ms"] <= left
            assert started["timeout_lowered"] is finished["timeout_lowered"] is True
        reply = tenant.client.post("print(1)")
        assert reply.document["timeout_lowered"] is True
        assert int(reply.headers["granted-timeout-ms"]) == reply.document["granted_timeout_ms"] < left


def test_a_shorter_wish_is_not_lowered(gateway: Gateway) -> None:
    tenant = gateway.tenant("--runtime", "10s/day")
    assert tenant.client.execute("print(1)", timeout_seconds=5)["timeout_lowered"] is False
    assert tenant.client.execute("print(1)", timeout_seconds=20)["timeout_lowered"] is True


def test_lower_limits_strand_nothing_that_runs(gateway: Gateway, local_e2b: LocalE2B) -> None:
    """What was granted holds; the new limits are for whoever comes next; and all of it is settled."""
    tenant = gateway.tenant("--executions", "3", "--runtime", "3600s/day")
    code = "import time\nprint('on', flush=True)\ntime.sleep(10)\nprint('done')"
    with contextlib.ExitStack() as streams:
        held = [iter(streams.enter_context(tenant.client.stream(code))) for _ in range(3)]
        started = [next(events) for events in held]
        gateway.command("quota", "set", tenant.name, "--executions", "1", "--runtime", "1s/day", "--timeout", "1s")
        tenant.client.post("print(1)").problem("concurrency-exceeded")
        gateway.command("quota", "set", tenant.name, "--executions", "9", "--subject-executions", "0")
        tenant.client.post("print(1)").problem("runtime-exhausted")
        finished = [list(events)[-1] for events in held]
    assert [event["outcome"] for event in finished] == ["completed"] * 3
    assert all(event["runtime_ms"] > 9500 for event in finished)
    for event in started:
        gateway.assert_settled(tenant, event["id"])
        local_e2b.assert_gone(event["id"])
    usage = tenant.client.usage()
    assert usage["executions"]["running"] == 0
    [day] = usage["runtime"]
    assert (day["used_ms"], day["reserved_ms"]) == (sum(event["runtime_ms"] for event in finished), 0)
    gateway.command("quota", "set", tenant.name, "--runtime", "3600s/day", "--no-subject-limits")
    assert tenant.client.execute("print(1)")["outcome"] == "completed"


def test_a_denial_by_runtime_tells_the_wait_and_not_to_wait_by_itself(gateway: Gateway) -> None:
    tenant = gateway.tenant("--runtime", "0s/hour")
    reply = tenant.client.post("print(1)")
    problem = reply.problem("runtime-exhausted")
    assert reply.headers["should-retry"] == "false"
    until = datetime.datetime.fromisoformat(problem["resets_at"]) - datetime.datetime.now(datetime.UTC)
    assert abs(problem["retry_after_ms"] / 1000 - until.total_seconds()) < 5
