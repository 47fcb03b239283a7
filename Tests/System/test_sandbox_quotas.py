"""Every limit of a policy holds for sandboxes of a tenant's own, and costs what it says."""

from collections.abc import Iterator

import pytest

from conftest import NewGateway
from harness.gateway import Gateway
from harness.keeping_e2b import KeepingE2B
from harness.sandboxes import Door, actions, granted, instant, life
from harness.tokens import for_subject
from harness.waiting import eventually


@pytest.fixture(scope="module")
def upstream() -> Iterator[KeepingE2B]:
    with KeepingE2B() as fake:
        yield fake


@pytest.fixture(scope="module")
def kept(session_gateway: NewGateway, upstream: KeepingE2B) -> Gateway:
    return session_gateway(upstream.url)


def test_sandboxes_at_once(kept: Gateway) -> None:
    door = Door(kept.tenant("--sandboxes", "1", "--executions", "1"))
    sandbox = door.made(timeout=60)
    problem = door.create(timeout=60).problem("concurrency-exceeded")
    assert (problem["limit"], problem["used"]) == (1, 1)
    assert "sandboxes" in problem["detail"]
    assert door.client.post("print(1)").status == 200, "an execution is not one"
    assert Door(kept.tenant()).create(timeout=60).status == 201, "another tenant is not concerned"

    door.pause(sandbox)
    second = door.made(timeout=60)
    door.connect(sandbox).problem("concurrency-exceeded")
    door.kill(second)
    assert door.connect(sandbox).status == 201


def test_rate(kept: Gateway) -> None:
    door = Door(kept.tenant("--rate", "1/min", "--burst", "2"))
    reply = door.create(timeout=60)
    assert reply.headers["ratelimit"].split(";")[1] == "r=1"
    assert door.listed().status == 200
    problem = door.create(timeout=60).problem("rate-limited")
    assert 50_000 < problem["retry_after_ms"] <= 60_000


def test_its_whole_life_is_reserved_and_what_is_left_comes_back(kept: Gateway) -> None:
    door = Door(kept.tenant("--runtime", "100s/day"))
    sandbox = door.made(timeout=70)
    day = door.day()
    assert (day["limit_ms"], day["reserved_ms"] + day["used_ms"]) == (100_000, 70_000)
    reply = door.create(timeout=70)
    assert granted(reply) <= 30_000, "lowered to what remains"
    other = reply.document["sandboxID"]
    detail = door.detail(other)
    assert instant(detail["endAt"]) - instant(detail["startedAt"]) == pytest.approx(30, abs=0.1)
    admitted = life(kept, other)[0]
    assert (admitted["timeout_asked_ms"], admitted["timeout_granted_ms"]) == (70_000, 30_000)

    problem = door.create(timeout=1).problem("runtime-exhausted")
    assert problem["limit"] == 100_000
    assert problem["reserved"] + problem["used"] == 100_000
    door.client.post("print(1)").problem("runtime-exhausted")

    door.kill(sandbox)
    door.kill(other)
    day = door.day()
    assert day["reserved_ms"] == 0
    assert 0 <= day["used_ms"] < 60_000
    assert day["remaining_ms"] == 100_000 - day["used_ms"]


def test_more_time_passes_admission(kept: Gateway, upstream: KeepingE2B) -> None:
    tenant = kept.tenant("--runtime", "100s/day")
    door = Door(tenant)
    sandbox = door.made(timeout=60)
    reply = door.set_timeout(sandbox, 600)
    assert reply.status == 204
    assert 90_000 < granted(reply) <= 100_000, "as much as is left"
    ends_at = door.detail(sandbox)["endAt"]
    changes = len(upstream.changes_of(sandbox, "timeout"))

    again = door.set_timeout(sandbox, 600)
    assert granted(again) <= granted(reply), "nothing is left, so that nothing changes"
    assert instant(door.detail(sandbox)["endAt"]) == pytest.approx(instant(ends_at), abs=1)

    kept.command("quota", "set", tenant.name, "--runtime", "0s/day")
    problem = door.set_timeout(sandbox, 600).problem("runtime-exhausted")
    assert problem["limit"] == 0
    door.refresh(sandbox, duration=600).problem("runtime-exhausted")
    door.connect(sandbox, timeout=600).problem("runtime-exhausted")
    assert instant(door.detail(sandbox)["endAt"]) == pytest.approx(instant(ends_at), abs=1), "it keeps its end"
    assert len(upstream.changes_of(sandbox, "timeout")) <= changes + 1
    assert actions(life(kept, sandbox))[-1] == "sandbox.refused"

    assert granted(door.set_timeout(sandbox, 20)) <= 20_000, "less is never refused"
    assert door.kill(sandbox).status == 204
    door.assert_nothing_held()


def test_a_sandbox_of_a_day_under_an_hourly_limit(kept: Gateway) -> None:
    """It reserves in each hour that it touches what overlaps with it."""
    door = Door(kept.tenant("--runtime", "none/day", "--runtime", "3600s/hour"))
    reply = door.create(timeout=86_400)
    assert granted(reply) == pytest.approx(86_400_000, abs=3000)
    second = door.create(timeout=86_400)
    if second.status == 201:  # unless an hour has just begun
        sandbox = second.document["sandboxID"]
        elapsed = instant(door.detail(sandbox)["startedAt"]) % 3600
        assert granted(second) / 1000 == pytest.approx(min(elapsed, 3600 - elapsed), abs=10), "what is left of this hour"
        door.kill(sandbox)
    else:
        second.problem("runtime-exhausted")
    door.kill(reply.document["sandboxID"])
    assert granted(door.create(timeout=3600)) > 3_500_000

    short = Door(kept.tenant("--runtime", "none/day", "--runtime", "10s/hour"))
    assert granted(short.create(timeout=86_400)) <= 20_000, "the end of one hour and the beginning of the next"


def test_credits_carry_what_a_window_has_not(kept: Gateway) -> None:
    tenant = kept.tenant("--runtime", "1s/day")
    kept.command("quota", "grant", tenant.name, "60s", "--for", "1h")
    door = Door(tenant)
    reply = door.create(timeout=30)
    assert granted(reply) == pytest.approx(30_000, abs=2000)
    [credit] = door.client.get("/v1/usage").document["credits"]
    assert credit["reserved_ms"] == 29_000
    door.kill(reply.document["sandboxID"])
    [credit] = door.client.get("/v1/usage").document["credits"]
    assert credit["reserved_ms"] == 0


def test_a_subjects_share(kept: Gateway) -> None:
    tenant = kept.tenant("--subject-runtime", "20s/day")
    alice, bob = (Door(tenant, for_subject(tenant.token, name)) for name in ("alice", "bob"))
    sandbox = alice.create(timeout=60)
    assert granted(sandbox) <= 20_000
    assert "subject" in alice.create(timeout=60).problem("runtime-exhausted")["detail"]
    assert granted(bob.create(timeout=60)) <= 20_000
    assert alice.kill(sandbox.document["sandboxID"]).status == 204
    rows = {row["subject"]: row["sandboxes"] for row in kept.json_command("usage", tenant.name, "--by", "subject")["rows"]}
    assert rows == {"alice": 1}, "bob's is not settled yet"


def test_a_subject_reaches_its_own_alone(kept: Gateway) -> None:
    tenant = kept.tenant()
    alice, bob, app = Door(tenant, for_subject(tenant.token, "alice")), Door(tenant, for_subject(tenant.token, "bob")), Door(tenant)
    hers, his = alice.made(timeout=60), bob.made(timeout=60)
    assert (alice.ids(), bob.ids()) == ([hers], [his])
    alice.get(his).problem("not-found")
    alice.kill(his).problem("not-found")
    assert sorted(app.ids()) == sorted([hers, his]), "the app sees them all"
    assert app.kill(his).status == 204
    assert {record["subject"] for record in life(kept, hers)} == {"alice"}


def test_shadow_refuses_and_lowers_nothing(kept: Gateway) -> None:
    door = Door(kept.tenant("--shadow", "--sandboxes", "0", "--runtime", "1s/day"))
    reply = door.create(timeout=60)
    assert granted(reply) == pytest.approx(60_000, abs=3000)
    sandbox = reply.document["sandboxID"]
    assert life(kept, sandbox)[0]["reason"].startswith("shadow_")
    assert granted(door.set_timeout(sandbox, 120)) == pytest.approx(120_000, abs=3000)
    door.kill(sandbox)
    [row] = door.client.get("/v1/consumption").document["rows"]
    assert row["shadowed"] >= 1


@pytest.mark.parametrize("quota", [["--sandboxes", "0"], ["--runtime", "0s/day"]], ids=" ".join)
def test_a_refusal_costs_nothing_and_is_audited(kept: Gateway, upstream: KeepingE2B, quota: list[str]) -> None:
    door = Door(kept.tenant(*quota))
    created = len(upstream.created)
    reply = door.create(timeout=60, metadata={"a": "b"})
    assert reply.status == 429
    door.assert_nothing_held()
    assert len(upstream.created) == created
    records = kept.json_command("audit", "search", "--tenant", door.tenant.name, "--action", "sandbox.refused")
    [record] = [line["record"] for line in records]
    assert (record["outcome"], record["timeout_asked_ms"]) == ("refused", 60_000)
    assert record["reason"] in ("sandboxes", "runtime_day")


def test_what_sandboxes_may_reach(kept: Gateway, upstream: KeepingE2B) -> None:
    tenant = kept.tenant()
    door = Door(tenant)

    def order(**fields: object) -> dict:
        made = upstream.kept[door.made(timeout=60, **fields)].order
        return {"internet": made["allow_internet_access"], "denied": made["network"]["denyOut"]}

    closed = {"internet": False, "denied": ["0.0.0.0/0"]}
    assert order(allow_internet_access=True) == closed, "the policy decides"
    changed = kept.json_command("quota", "set", tenant.name, "--egress", "--user-ports", "3000,8080")
    assert (changed["egress"], changed["user_ports"]) == (True, [3000, 8080])
    assert order() == {"internet": True, "denied": []}
    assert order(network={"denyOut": ["10.0.0.0/8"]}) == {"internet": True, "denied": ["10.0.0.0/8"]}
    assert order(allow_internet_access=False) == closed
    assert door.client.get("/v1/usage").document["policy"]["user_ports"] == [3000, 8080]
    shown = kept.command("quota", "get", tenant.name)
    assert "3000, 8080" in shown
    changed = kept.json_command("quota", "set", tenant.name, "--no-egress", "--user-ports", "")
    assert (changed["egress"], changed["user_ports"]) == (False, [])
    assert kept.json_command("quota", "set", tenant.name, "--user-ports", "none")["user_ports"] == []


@pytest.mark.parametrize("ports", ["0", "65536", "80,x", "80,,81", ",".join(map(str, range(1, 34)))], ids=lambda text: text[:8])
def test_ports_that_cannot_be(kept: Gateway, ports: str) -> None:
    done = kept.run("quota", "set", kept.tenant().name, "--user-ports", ports)
    assert done.returncode != 0
    assert "user" in done.stderr and "ports" in done.stderr, done.stderr


def test_consumption_counts_sandboxes(kept: Gateway) -> None:
    tenant = kept.tenant()
    door = Door(tenant)
    for _ in range(2):
        door.kill(door.made(timeout=60))
    door.client.execute("print(1)")
    [row] = [row for row in kept.json_command("usage", "--by", "key")["rows"] if row["tenant"] == tenant.name]
    assert (row["executions"], row["sandboxes"]) == (1, 2)
    heading, line = kept.command("usage", tenant.name, "--by", "tenant").splitlines()
    assert heading.split()[1:3] == ["EXECUTIONS", "SANDBOXES"]
    assert line.split()[1:3] == ["1", "2"]
    assert "SANDBOXES" in kept.command("usage").splitlines()[0]
    assert "sandboxes " in kept.command("usage", tenant.name)


def test_upstreams_room_is_shared(new_gateway: NewGateway) -> None:
    """A sandbox that lives holds one of upstream's slots, and gives it back."""
    with KeepingE2B() as upstream:
        gateway = new_gateway(
            upstream.url, GATEWAY_UPSTREAM_SANDBOXES="1", GATEWAY_QUEUE_LENGTH="0"
        )
        door = Door(gateway.tenant())
        sandbox = door.made(timeout=600)
        door.create(timeout=60).problem("upstream-capacity")
        assert door.client.usage()["sandboxes"]["running"] == 1
        door.kill(sandbox)
        eventually(lambda: door.create(timeout=60).status == 201, within=10, pause=0.3, what="its slot is free again")
        gateway.stop()
