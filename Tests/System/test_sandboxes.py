"""Sandboxes of a tenant's own, from their create to their end."""

import time
from collections.abc import Iterator

import pytest

from conftest import NewGateway
from harness.gateway import Gateway, LocalE2B, Tenant
from harness.keeping_e2b import KeepingE2B
from harness.sandboxes import Door, actions, granted, instant, life, metadata_filter
from harness.waiting import eventually

WIDE = ("--rate", "10000/s", "--burst", "10000", "--sandboxes", "50", "--runtime", "none/day")


@pytest.fixture(scope="module")
def upstream() -> Iterator[KeepingE2B]:
    with KeepingE2B() as fake:
        yield fake


@pytest.fixture(scope="module")
def kept(session_gateway: NewGateway, upstream: KeepingE2B) -> Gateway:
    """A gateway in front of an upstream that tells what it was asked."""
    return session_gateway(upstream.url)


@pytest.fixture
def door(kept: Gateway) -> Door:
    return Door(kept.tenant(*WIDE))


# A life


@pytest.mark.parametrize("version", ["v1", "v2"])
def test_from_create_to_kill(gateway: Gateway, local_e2b: LocalE2B, version: str) -> None:
    door = Door(gateway.tenant())
    reply = door.create(version=version, timeout=60, metadata={"purpose": "é"}, envVars={"A": "1"})
    assert reply.status == 201
    document = reply.document
    sandbox = document["sandboxID"]
    assert sandbox in local_e2b.sandboxes()
    assert document["templateID"] == "code-interpreter-v1"
    assert {document["envdAccessToken"], document["trafficAccessToken"]}.isdisjoint(local_e2b.access_tokens())
    assert granted(reply) == pytest.approx(60_000, abs=5000)
    assert door.client.usage()["sandboxes"] == {"running": 1, "limit": 5}
    assert 0 < door.day()["reserved_ms"] <= 60_000

    detail = door.detail(sandbox)
    assert (detail["state"], detail["metadata"]) == ("running", {"purpose": "é"})
    assert detail["allowInternetAccess"] is False
    assert instant(detail["endAt"]) - instant(detail["startedAt"]) == pytest.approx(60, abs=0.1)
    assert detail["memoryMB"] > 0
    assert door.ids() == [sandbox]

    assert door.kill(sandbox).status == 204
    for call in (door.get, door.kill, door.connect, door.pause, door.refresh):
        call(sandbox).problem("not-found")
    assert door.ids() == []
    door.assert_nothing_held()
    assert 0 < door.day()["used_ms"] < 60_000
    eventually(lambda: sandbox not in local_e2b.sandboxes(), within=10, what="it is destroyed")
    [row] = door.client.get("/v1/consumption").document["rows"]
    assert (row["executions"], row["sandboxes"], row["charged_ms"]) == (0, 1, door.day()["used_ms"])


def test_the_audit_tells_of_each_step(kept: Gateway, door: Door) -> None:
    sandbox = door.made(timeout=100)
    assert door.set_timeout(sandbox, 200).status == 204
    assert door.pause(sandbox).status == 204
    assert door.connect(sandbox, timeout=50).status == 201
    assert door.kill(sandbox).status == 204
    records = life(kept, sandbox)
    assert actions(records) == [
        "sandbox.admitted", "sandbox.started", "sandbox.prolonged", "sandbox.paused", "sandbox.resumed", "sandbox.ended",
    ]  # fmt: skip
    admitted, started, prolonged, paused, resumed, ended = records
    assert (admitted["timeout_asked_ms"], admitted["timeout_granted_ms"]) == (100_000, 100_000)
    assert (prolonged["timeout_asked_ms"], resumed["timeout_asked_ms"]) == (200_000, 50_000)
    assert (paused["reason"], ended["reason"]) == ("asked", "killed")
    assert {record["template"] for record in (admitted, started)} == {"code-interpreter-v1"}
    for record in records:
        assert (record["tenant"], record["key_id"]) == (door.tenant.name, door.tenant.key_id)
        assert record["request_id"] and record["source_address"]
    charged = sum(record.get("runtime_ms", 0) for record in records)
    [row] = door.client.get("/v1/consumption").document["rows"]
    assert (row["sandboxes"], row["charged_ms"]) == (1, charged), "one sandbox, however many parts its time had"


def test_upstream_is_told_no_more_than_it_must(kept: Gateway, upstream: KeepingE2B, door: Door) -> None:
    sandbox = door.made(timeout=120, metadata={"user": "alice"}, envVars={"A": "1"})
    order = upstream.kept[sandbox].order
    assert order["envVars"] == {"A": "1"}
    assert sorted(order["metadata"]) == [
        "e2b-gateway", "e2b-gateway-installation", "e2b-gateway-sandbox", "e2b-gateway-tenant"
    ]
    assert order["metadata"]["e2b-gateway-sandbox"] == life(kept, sandbox)[0]["sandbox_handle"]
    assert 120 <= order["timeout"] <= 126, "so that the gateway ends it, and upstream if the gateway is dead"
    assert order["allow_internet_access"] is False
    assert order["network"] == {"allowPublicTraffic": False, "denyOut": ["0.0.0.0/0"]}


def test_its_tokens_stay_the_same(door: Door) -> None:
    made = door.create(timeout=60).document
    for version in ("v1", "v2"):
        assert door.connect(made["sandboxID"], version=version, timeout=60).document == made
    assert door.connect(made["sandboxID"] + "-6532622b").document == made, "in the older form of its name"
    assert len({made["envdAccessToken"], made["trafficAccessToken"]}) == 2
    other = door.create(timeout=60).document
    assert {made["envdAccessToken"], made["trafficAccessToken"]}.isdisjoint(other.values())


def test_where_its_ports_are_reached(gateway: Gateway) -> None:
    """Without a domain of its own: at the gateway itself, as the caller knows it."""
    door = Door(gateway.tenant())
    sandbox = door.create(timeout=15).document
    assert sandbox["domain"] == gateway.url.removeprefix("http://")
    assert door.detail(sandbox["sandboxID"])["domain"] == sandbox["domain"]
    door.kill(sandbox["sandboxID"])


# Its time


def test_a_time_that_is_not_said(door: Door) -> None:
    assert granted(door.create()) == pytest.approx(300_000, abs=3000)
    assert granted(door.create(version="v1")) == pytest.approx(15_000, abs=3000)


def test_a_new_end(gateway: Gateway, local_e2b: LocalE2B) -> None:
    door = Door(gateway.tenant())
    sandbox = door.made(timeout=60)

    longer = door.set_timeout(sandbox, 300)
    assert granted(longer) == pytest.approx(300_000, abs=3000)
    assert 290_000 < door.day()["reserved_ms"] <= 300_000
    assert instant(local_e2b.sandboxes()[sandbox]["endAt"]) > time.time() + 290

    shorter = door.set_timeout(sandbox, 30)
    assert granted(shorter) == pytest.approx(30_000, abs=3000)
    assert door.day()["reserved_ms"] <= 30_000
    assert door.day()["used_ms"] > 0, "the first parts of its time are settled"
    ends_at = door.detail(sandbox)["endAt"]

    for reply in (door.connect(sandbox, timeout=5), door.refresh(sandbox, duration=3), door.refresh(sandbox)):
        assert granted(reply) > 15_000, "neither shortens"
    assert door.detail(sandbox)["endAt"] == ends_at
    assert granted(door.refresh(sandbox, duration=90)) == pytest.approx(90_000, abs=3000)
    assert granted(door.connect(sandbox)) == pytest.approx(300_000, abs=3000)

    assert door.set_timeout(sandbox, 0).status == 204
    door.get(sandbox).problem("not-found")
    door.assert_nothing_held()
    eventually(lambda: sandbox not in local_e2b.sandboxes(), within=10, what="it is destroyed")


def test_a_refresh_is_of_15_seconds_at_least(door: Door) -> None:
    sandbox = door.made(timeout=2)
    assert granted(door.refresh(sandbox)) == pytest.approx(15_000, abs=3000)


def test_when_its_time_is_over(kept: Gateway, upstream: KeepingE2B, door: Door) -> None:
    sandbox = door.made(timeout=1)
    door.wait_until_gone(sandbox)
    eventually(lambda: sandbox in upstream.destroyed, within=10, what="upstream is told to destroy it")
    door.assert_nothing_held()
    ended = life(kept, sandbox)[-1]
    assert (ended["action"], ended["actor"], ended["reason"]) == ("sandbox.ended", "gateway", "expired")
    assert (ended["runtime_ms"], ended["overrun_ms"]) == (1000, 0)


def test_a_day_is_the_longest(door: Door, upstream: KeepingE2B) -> None:
    reply = door.create(timeout=86_400)
    sandbox = reply.document["sandboxID"]
    assert granted(reply) == pytest.approx(86_400_000, abs=3000)
    assert upstream.kept[sandbox].order["timeout"] == 86_400, "which is the longest upstream allows, too"
    ends_at = door.detail(sandbox)["endAt"]
    assert granted(door.set_timeout(sandbox, 86_400)) < 86_400_000, "since its start"
    assert door.detail(sandbox)["endAt"] == ends_at
    door.create(timeout=86_401).problem("invalid-request")
    door.set_timeout(sandbox, 86_401).problem("invalid-request")
    door.connect(sandbox, timeout=86_401).problem("invalid-request")


# Sleep


def test_asleep_and_awake(kept: Gateway, upstream: KeepingE2B, door: Door) -> None:
    made = door.create(timeout=60).document
    sandbox = made["sandboxID"]
    assert door.pause(sandbox).status == 204
    assert upstream.kept[sandbox].state == "paused"
    assert door.detail(sandbox)["state"] == "paused"
    assert (door.ids(state="paused"), door.ids(state="running")) == ([sandbox], [])
    door.assert_nothing_held()
    door.pause(sandbox).problem("conflict")
    door.set_timeout(sandbox, 60).problem("not-found")

    again = door.connect(sandbox, timeout=40)
    assert (again.status, again.document) == (201, made)
    assert granted(again) == pytest.approx(40_000, abs=3000)
    assert upstream.kept[sandbox].state == "running"
    assert door.client.usage()["sandboxes"]["running"] == 1
    assert door.ids(state="running") == [sandbox]

    assert door.pause(sandbox).status == 204
    assert door.kill(sandbox).status == 204
    eventually(lambda: sandbox in upstream.destroyed, within=10, what="one that sleeps is destroyed as well")


def test_one_that_sleeps_when_its_time_is_over(kept: Gateway, upstream: KeepingE2B, door: Door) -> None:
    sandbox = door.made(timeout=1, autoPause=True)
    assert upstream.kept[sandbox].order["autoPause"] is True
    assert door.detail(sandbox)["lifecycle"] == {"autoResume": False, "onTimeout": "pause"}
    eventually(lambda: door.detail(sandbox)["state"] == "paused", within=10, pause=0.1, what="it sleeps")
    paused = life(kept, sandbox)[-1]
    assert (paused["action"], paused["reason"], paused["runtime_ms"]) == ("sandbox.paused", "expired", 1000)
    eventually(lambda: upstream.kept[sandbox].state == "paused", within=10, what="upstream has it sleep")
    door.assert_nothing_held()
    assert door.connect(sandbox, timeout=60).status == 201
    assert door.set_timeout(sandbox, 0).status == 204
    assert door.detail(sandbox)["state"] == "paused", "0 is its time being over"


def test_a_sandbox_that_upstream_does_not_wake_sleeps_on(upstream: KeepingE2B, door: Door) -> None:
    sandbox = door.made(timeout=60)
    door.pause(sandbox)
    upstream.refusals["connect"] = (500, {"code": 500, "message": "no"})
    try:
        door.connect(sandbox).problem("upstream-refused")
    finally:
        del upstream.refusals["connect"]
    assert door.detail(sandbox)["state"] == "paused"
    door.assert_nothing_held()
    assert door.connect(sandbox).status == 201


def test_a_change_that_upstream_refuses_is_taken_back(upstream: KeepingE2B, door: Door) -> None:
    sandbox = door.made(timeout=60)
    before = instant(door.detail(sandbox)["endAt"])
    for what, call in (("timeout", lambda: door.set_timeout(sandbox, 600)), ("pause", lambda: door.pause(sandbox))):
        upstream.refusals[what] = (500, {"code": 500, "message": "no"})
        try:
            call().problem("upstream-refused")
        finally:
            del upstream.refusals[what]
    detail = door.detail(sandbox)
    assert detail["state"] == "running"
    assert instant(detail["endAt"]) == pytest.approx(before, abs=1)
    assert door.client.usage()["sandboxes"]["running"] == 1


# Lists


def test_a_list_page_by_page(door: Door) -> None:
    made = [door.made(timeout=600, metadata={"n": str(number % 2)}) for number in range(5)]
    first = door.listed(limit="2")
    assert [sandbox["sandboxID"] for sandbox in first.document] == [made[4], made[3]], "the latest first"
    assert first.headers["x-total-running"] == "5"
    second = door.listed(limit="2", nextToken=first.headers["x-next-token"])
    assert [sandbox["sandboxID"] for sandbox in second.document] == [made[2], made[1]]
    third = door.listed(limit="2", nextToken=second.headers["x-next-token"])
    assert [sandbox["sandboxID"] for sandbox in third.document] == [made[0]]
    assert "x-next-token" not in third.headers
    assert door.ids(order="asc") == made

    middle = door.detail(made[2])["startedAt"]
    assert set(made[3:]) <= set(door.ids(startedAfter=middle)) <= set(made[2:])
    assert door.ids(template="code-interpreter-v1", metadata=metadata_filter({"n": "1"})) == [made[3], made[1]]
    assert door.ids(template="base") == []
    door.pause(made[0])
    assert sorted(door.ids(state="running,paused")) == sorted(made)
    v1 = door.client.get("/sandboxes")
    assert [sandbox["sandboxID"] for sandbox in v1.document] == made[:0:-1], "by version 1 those that run"
    assert door.listed().headers["x-total-running"] == "4"
    assert all(sandbox["cpuCount"] == 2 for sandbox in v1.document)


def test_labels_are_what_their_maker_wrote(door: Door) -> None:
    labels = {"a b": "c&d=e", "ünï": "100%", "plus": "+"}
    sandbox = door.made(timeout=60, metadata=labels)
    door.made(timeout=60, metadata={"a b": "c"})
    assert door.detail(sandbox)["metadata"] == labels
    assert door.ids(metadata=metadata_filter(labels)) == [sandbox]
    assert door.ids(metadata=metadata_filter({"a b": "c&d=e"})) == [sandbox]


@pytest.mark.parametrize(
    "query",
    [{"limit": "0"}, {"limit": "101"}, {"limit": "x"}, {"state": "creating"}, {"order": "up"}, {"startedAfter": "soon"},
     {"nextToken": "MTIz"}, {"metadata": "no-pair"}],
    ids=str,
)  # fmt: skip
def test_a_list_that_cannot_be_is_refused(door: Door, query: dict[str, str]) -> None:
    door.listed(**query).problem("invalid-request")


def test_somebody_elses_is_like_none(kept: Gateway, upstream: KeepingE2B, door: Door) -> None:
    sandbox = door.made(timeout=60)
    stranger = Door(kept.tenant(*WIDE))
    assert stranger.ids() == []
    assert stranger.listed().headers["x-total-running"] == "0"
    for path, *sent in _calls(sandbox):
        theirs = stranger.client.call(*sent[:1], path, **sent[1]).problem("not-found")
        nobodys = stranger.client.call(*sent[:1], path.replace(sandbox, "i" + "9" * 20), **sent[1]).problem("not-found")
        assert theirs["detail"].replace(sandbox, "") == nobodys["detail"].replace("i" + "9" * 20, ""), path
    many = stranger.client.get(f"/sandboxes/metrics?sandbox_ids={sandbox}")
    assert many.document == {"sandboxes": {}}
    assert sandbox in upstream.kept
    assert not upstream.changes_of(sandbox, "")


def _calls(sandbox: str) -> list[tuple]:
    """Every call that names a sandbox."""
    return [
        (f"/v2/sandboxes/{sandbox}/connect", "POST", {"json": {}}),
        (f"/sandboxes/{sandbox}/connect", "POST", {"json": {"timeout": 60}}),
        (f"/sandboxes/{sandbox}", "GET", {}),
        (f"/sandboxes/{sandbox}", "DELETE", {}),
        (f"/sandboxes/{sandbox}/timeout", "POST", {"json": {"timeout": 60}}),
        (f"/sandboxes/{sandbox}/refreshes", "POST", {"json": {"duration": 60}}),
        (f"/sandboxes/{sandbox}/pause", "POST", {"json": {}}),
        (f"/sandboxes/{sandbox}/metrics", "GET", {}),
        (f"/v2/sandboxes/{sandbox}/logs", "GET", {}),
        (f"/sandboxes/{sandbox}/logs", "GET", {}),
    ]


def test_nobody_is_let_in_without_a_token(kept: Gateway) -> None:
    for path, method, sent in _calls("i" + "0" * 20) + [("/v2/sandboxes", "GET", {}), ("/sandboxes", "POST", {"json": {}})]:
        kept.client(None).call(method, path, **sent).problem("missing-credential")
    kept.client(None).get("/sandboxes/metrics?sandbox_ids=i0").problem("missing-credential")


# What upstream recorded


def test_measurements_and_logs(upstream: KeepingE2B, door: Door) -> None:
    sandbox = door.made(timeout=60)
    metrics = door.client.get(f"/sandboxes/{sandbox}/metrics?start=1795384800&end=1795384900&other=1")
    assert metrics.document[0]["cpuUsedPct"] == 12.5
    assert upstream.changes_of(sandbox, "metrics") == [{"query": "end=1795384900&start=1795384800"}]
    logs = door.client.get(f"/v2/sandboxes/{sandbox}/logs?limit=10&direction=backward&search=a%26b")
    assert logs.document["logs"][0]["message"] == "naïve"
    assert door.client.get(f"/sandboxes/{sandbox}/logs?start=5").status == 200
    assert upstream.changes_of(sandbox, "logs") == [
        {"query": "direction=backward&limit=10&search=a%26b"}, {"query": "start=5"}
    ]  # fmt: skip
    for query in ("start=-1", "start=x", "start=99999999999999999999"):
        door.client.get(f"/sandboxes/{sandbox}/metrics?{query}").problem("invalid-request")
    door.client.get(f"/v2/sandboxes/{sandbox}/logs?search={'x' * 257}").problem("invalid-request")


def test_measurements_of_many(upstream: KeepingE2B, door: Door) -> None:
    sandboxes = [door.made(timeout=60) for _ in range(2)]
    asked = ",".join([*sandboxes, "i" + "9" * 20])
    assert sorted(door.client.get(f"/sandboxes/metrics?sandbox_ids={asked}").document["sandboxes"]) == sandboxes
    for query in ("", "sandbox_ids=", "sandbox_ids=" + ",".join(f"i{number}" for number in range(101))):
        door.client.get(f"/sandboxes/metrics?{query}").problem("invalid-request")


def test_the_local_e2b_measures_as_well(gateway: Gateway) -> None:
    door = Door(gateway.tenant())
    sandbox = door.made(timeout=60)
    assert door.client.get(f"/sandboxes/{sandbox}/metrics").document[0]["memTotal"] > 0
    assert list(door.client.get(f"/sandboxes/metrics?sandbox_ids={sandbox}").document["sandboxes"]) == [sandbox]
    assert "logs" in door.client.get(f"/v2/sandboxes/{sandbox}/logs").document
    assert "logs" in door.client.get(f"/sandboxes/{sandbox}/logs").document
    door.kill(sandbox)


@pytest.mark.parametrize("status", [404, 500])
def test_what_upstream_cannot_tell_ends_nothing(upstream: KeepingE2B, door: Door, status: int) -> None:
    """404 is what it says of a route that it lacks."""
    sandbox = door.made(timeout=60)
    refusal = (status, {"code": status, "message": "no"})
    upstream.refusals |= {"metrics": refusal, "logs": refusal}
    try:
        for path in (f"/sandboxes/{sandbox}/metrics", f"/v2/sandboxes/{sandbox}/logs", f"/sandboxes/{sandbox}/logs"):
            door.client.get(path).problem("upstream-refused")
    finally:
        upstream.refusals.clear()
    assert door.detail(sandbox)["state"] == "running"


# Upstream lost it


def test_a_sandbox_that_upstream_lost_is_settled_when_it_is_asked_for(kept: Gateway, upstream: KeepingE2B, door: Door) -> None:
    calls = (door.get, lambda sandbox: door.set_timeout(sandbox, 300), door.pause, lambda sandbox: door.connect(sandbox, timeout=300))
    for call in calls:
        sandbox = door.made(timeout=60)
        upstream.lose(sandbox)
        call(sandbox).problem("not-found")
        door.assert_nothing_held()
        assert door.ids() == []
        assert life(kept, sandbox)[-1]["reason"] == "gone"
    many = door.client.get("/v1/consumption").document["rows"]
    assert many[0]["sandboxes"] == len(calls)


def test_killing_what_upstream_lost(kept: Gateway, upstream: KeepingE2B, door: Door) -> None:
    sandbox = door.made(timeout=60)
    upstream.lose(sandbox)
    assert door.kill(sandbox).status == 204
    door.assert_nothing_held()


def test_a_sandbox_that_upstream_lost_is_settled_by_itself(new_gateway: NewGateway) -> None:
    with KeepingE2B() as upstream:
        gateway = new_gateway(upstream.url)
        door = Door(gateway.tenant())
        lost, there = door.made(timeout=600), door.made(timeout=600)
        upstream.lose(lost)
        eventually(lambda: door.ids() == [there], within=60, pause=0.5, what="the lost one is settled")
        assert life(gateway, lost)[-1]["reason"] == "gone"
        gateway.stop()


def test_a_caller_of_a_suspended_tenant(kept: Gateway, upstream: KeepingE2B) -> None:
    tenant: Tenant = kept.tenant()
    door = Door(tenant)
    sandbox = door.made(timeout=60)
    kept.command("tenant", "suspend", tenant.name, "--yes", "--let-running-finish")
    door.create().problem("tenant-disabled")
    door.get(sandbox).problem("tenant-disabled")
    door.connect(sandbox).problem("tenant-disabled")
    kept.command("tenant", "resume", tenant.name)
    assert door.detail(sandbox)["state"] == "running", "shut out is not ended"
    assert sandbox in upstream.kept
