"""What is changed through one gateway holds at all of them within a second, whether they are told of it or not."""

import concurrent.futures
import contextlib
import itertools
import secrets
import statistics
import time
from collections.abc import Callable, Iterator

import pytest

from harness.client import Client, EventStream
from harness.contract import Contract
from harness.counting_e2b import CountingE2B, Task
from harness.fleet import CHANGE, Fleet, Member
from harness.gateway import Tenant
from harness.numbers import Numbers
from harness.postgresql import PostgreSQL
from harness.sandboxes import Door
from harness.waiting import eventually

AMPLE = ("--rate", "10000/s", "--burst", "10000", "--executions", "50", "--sandboxes", "20", "--runtime", "86400s/day")
ENDLESS = Task("endless", ends=False).code

# How long changes took until all gateways knew of them, in milliseconds.
waits: list[float] = []


@pytest.fixture(scope="module")
def whole_fleet(
    tmp_path_factory: pytest.TempPathFactory, contract: Contract, postgresql: PostgreSQL, upstream: CountingE2B
) -> Iterator[Fleet]:
    with Fleet.start(tmp_path_factory.mktemp("fleet"), contract, upstream.url, postgresql) as fleet:
        yield fleet
        fleet.wait_until_settled()
        fleet.assert_sound()
    if waits:
        Numbers.note(f"until every gateway knew of a change, median of {len(waits)}", statistics.median(waits), "ms")
        Numbers.note("the longest of them", max(waits), "ms")


@pytest.fixture(params=["told", "not told"])
def fleet(request: pytest.FixtureRequest, whole_fleet: Fleet) -> Iterator[Fleet]:
    with whole_fleet.deaf() if request.param == "not told" else contextlib.nullcontext():
        yield whole_fleet


@pytest.fixture
def tenant(fleet: Fleet) -> Tenant:
    return fleet.tenant(*AMPLE)


def everywhere(fleet: Fleet, holds: Callable[[Member], bool], what: str) -> None:
    began = time.monotonic()
    for member in fleet:
        eventually(lambda: holds(member), within=CHANGE, what=f"{what} at {member.name}")
    waits.append((time.monotonic() - began) * 1000)


def admin(member: Member) -> Client:
    return Client(member.admin_url, member.admin_token, member.contract)


def done(member: Member, method: str, path: str, **sent: object) -> dict:
    reply = admin(member).call(method, path, **sent)
    assert reply.status in (200, 201, 204), reply.body
    return reply.document if reply.body else {}


def begun(stream: EventStream) -> Iterator[dict]:
    """The rest of its events, once it runs."""
    events = iter(stream)
    assert [next(events)["type"], next(events)["type"]] == ["started", "stdout"]
    return events


def end_within_a_second(events: Iterator[dict], began: float) -> dict:
    """The last event, which came in time."""
    *_, last = events
    assert last["at"] - began < CHANGE, last
    return last


def refuses(tenant: Tenant, slug: str, reason: str) -> Callable[[Member], bool]:
    """Whether a gateway answers the tenant's `whoami` so, and says why."""

    def is_refused(member: Member) -> bool:
        reply = member.client(tenant.token).get("/v1/whoami")
        return reply.status == 403 and reason in reply.problem(slug)["detail"]

    return is_refused


def answers(tenant: Tenant) -> Callable[[Member], bool]:
    return lambda member: member.client(tenant.token).get("/v1/whoami").status == 200


def killed(running: list[Iterator[dict]], began: float) -> None:
    for events in running:
        last = end_within_a_second(events, began)
        assert (last["type"], last["outcome"]) == ("finished", "killed")


def begun_everywhere(fleet: Fleet, tenant: Tenant, streams: contextlib.ExitStack) -> list[Iterator[dict]]:
    """An execution of the tenant's at each gateway, which runs."""
    return [
        begun(streams.enter_context(member.client(tenant.token).stream(ENDLESS, timeout_seconds=25))) for member in fleet
    ]


def test_a_key_is_issued(fleet: Fleet, tenant: Tenant) -> None:
    for issuer in fleet:
        issued = done(issuer, "POST", f"/admin/v1/tenants/{tenant.name}/keys")
        issuer.secrets.add(issued["token"])
        everywhere(fleet, lambda member: member.client(issued["token"]).get("/v1/whoami").status == 200, "it is known")


def test_a_key_is_revoked(fleet: Fleet, tenant: Tenant) -> None:
    """What was begun with it ends, wherever it runs."""
    with contextlib.ExitStack() as streams:
        running = begun_everywhere(fleet, tenant, streams)
        done(fleet[1], "DELETE", f"/admin/v1/keys/{tenant.key_id}")
        killed(running, time.time())
    everywhere(fleet, lambda member: member.client(tenant.token).get("/v1/whoami").status == 401, "it is refused")


def test_what_runs_is_ended_by_an_administrator(fleet: Fleet, tenant: Tenant) -> None:
    """Through another gateway than the one that runs it; a third one tells of it."""
    path = f"/admin/v1/sandboxes?tenant={tenant.name}"
    with contextlib.ExitStack() as streams:
        running = begun_everywhere(fleet, tenant, streams)
        sandbox = Door(tenant, client=fleet[0].client(tenant.token)).made(timeout=60)
        told = admin(fleet[2]).get(path).document
        assert [work["kind"] for work in told] == ["execution"] * len(running) + ["sandbox"]
        for number, work in enumerate(told):
            done(fleet[number % len(fleet.members)], "DELETE", f"/admin/v1/sandboxes/{work['id']}")
        killed(running, time.time())
    everywhere(fleet, lambda member: admin(member).get(path).document == [], "nothing runs")
    assert Door(tenant, client=fleet[1].client(tenant.token)).get(sandbox).status == 404


def test_a_tenant_is_suspended_and_resumed(fleet: Fleet, tenant: Tenant) -> None:
    """What it runs ends, wherever that is."""
    path = f"/admin/v1/tenants/{tenant.name}"
    with contextlib.ExitStack() as streams:
        running = begun_everywhere(fleet, tenant, streams)
        done(fleet[2], "PATCH", path, json={"disabled": True, "reason": "unpaid"})
        killed(running, time.time())
    everywhere(fleet, refuses(tenant, "tenant-disabled", "unpaid"), "it is refused")
    done(fleet[0], "PATCH", path, json={"disabled": False})
    everywhere(fleet, answers(tenant), "it is let in")


def test_a_key_is_suspended_and_resumed(fleet: Fleet, tenant: Tenant) -> None:
    path = f"/admin/v1/keys/{tenant.key_id}/suspension"
    with contextlib.ExitStack() as streams:
        running = begun_everywhere(fleet, tenant, streams)
        done(fleet[1], "PUT", path, json={"reason": "leaked"})
        everywhere(fleet, refuses(tenant, "key-suspended", "leaked"), "it is refused")
        done(fleet[2], "PUT", path, json={"reason": "leaked", "end_running": True})
        killed(running, time.time())
    done(fleet[0], "DELETE", path)
    everywhere(fleet, answers(tenant), "it is let in")


def test_work_is_paused_and_resumed(fleet: Fleet, tenant: Tenant) -> None:
    """No gateway admits anything from then on, not even one that has not heard of it; what runs goes on until it is ended."""
    with contextlib.ExitStack() as streams:
        running = begun_everywhere(fleet, tenant, streams)
        try:
            done(fleet[0], "PUT", "/admin/v1/pause", json={"reason": "bills"})
            for member in fleet:
                assert "bills" in member.client(tenant.token).post(Task().code).problem("paused")["detail"]
            everywhere(fleet, lambda member: member.client(tenant.token).get("/v1/whoami").document["paused"], "it says so")
            done(fleet[1], "PUT", "/admin/v1/pause", json={"end_running": True})
            killed(running, time.time())
            assert done(fleet[2], "GET", "/admin/v1/pause")["reason"] == "bills"
        finally:
            done(fleet[1], "DELETE", "/admin/v1/pause")
    for member in fleet:
        member.client(tenant.token).execute(Task().code)


def test_a_tenant_is_renamed_and_deleted(fleet: Fleet, tenant: Tenant) -> None:
    name = f"{tenant.name}-renamed"
    with contextlib.ExitStack() as streams:
        running = begun_everywhere(fleet, tenant, streams)
        done(fleet[0], "PATCH", f"/admin/v1/tenants/{tenant.name}", json={"name": name})

        def says_it(member: Member) -> bool:
            return member.client(tenant.token).get("/v1/whoami").document["tenant"] == name

        everywhere(fleet, says_it, "it is called so")
        done(fleet[1], "POST", "/admin/v1/tenants", json={"name": tenant.name})
        done(fleet[2], "DELETE", f"/admin/v1/tenants/{name}")
        killed(running, time.time())
    everywhere(fleet, lambda member: member.client(tenant.token).get("/v1/whoami").status == 401, "it is nobody's")
    assert [row["tenant_deleted_at"] for row in done(fleet[0], "GET", f"/admin/v1/consumption?tenant={name}")["rows"]]


def test_a_policy_is_changed(fleet: Fleet, tenant: Tenant) -> None:
    for limit, changer in enumerate(fleet, start=3):
        done(changer, "PATCH", f"/admin/v1/tenants/{tenant.name}/policy", json={"executions": limit})
        everywhere(
            fleet, lambda member: member.client(tenant.token).usage()["executions"]["limit"] == limit, f"the limit is {limit}"
        )


def test_the_default_policy_is_changed(fleet: Fleet) -> None:
    for limit, changer in enumerate(fleet, start=31):
        done(changer, "PATCH", "/admin/v1/default-policy", json={"executions": limit})
        everywhere(
            fleet, lambda member: done(member, "GET", "/admin/v1/default-policy")["executions"] == limit, f"it is {limit}"
        )


def test_the_upstream_key_is_rotated(fleet: Fleet, tenant: Tenant, upstream: CountingE2B) -> None:
    for changer in fleet:
        key = changer.note_upstream_key("e2b_" + secrets.token_hex(20))
        added = done(changer, "POST", "/admin/v1/upstream-keys", json={"key": key, "team": "default"})
        done(changer, "POST", f"/admin/v1/upstream-keys/{added['id']}/activation")

        def takes_it(member: Member) -> bool:
            member.client(tenant.token).execute(Task().code)
            return upstream.api_keys[-1] == key

        everywhere(fleet, takes_it, "sandboxes are made with the new key")


def test_an_execution_is_stopped_through_another_gateway(fleet: Fleet, tenant: Tenant, upstream: CountingE2B) -> None:
    for member, other in itertools.permutations(fleet, 2):
        with member.client(tenant.token).stream(ENDLESS, timeout_seconds=25) as stream:
            events = iter(stream)
            execution = next(events)["id"]
            assert next(events)["type"] == "stdout"
            assert other.client(tenant.token).cancel(execution).status == 202
            began = time.time()
            last = end_within_a_second(events, began)
            assert (last["type"], last["outcome"]) == ("finished", "cancelled")
        assert other.client(tenant.token).execution(execution)["outcome"] == "cancelled"
        eventually(lambda: not upstream.sandbox_of("endless"), within=5, what="its sandbox is gone")
        assert other.client(tenant.token).cancel(execution).status == 200, "nothing is left to stop"


def test_a_sandbox_of_a_tenant_is_killed_and_made_through_others(fleet: Fleet, tenant: Tenant) -> None:
    doors = [Door(tenant, client=member.client(tenant.token)) for member in fleet]
    for one, other in itertools.permutations(doors, 2):
        sandbox = one.made(timeout=300)
        assert other.detail(sandbox)["state"] == "running"
        assert sandbox in other.ids()
        assert other.kill(sandbox).status == 204
        assert one.kill(sandbox).status == 404
        assert sandbox not in one.ids()


def test_an_administrators_idempotency_key_holds_at_all_of_them(fleet: Fleet, tenant: Tenant) -> None:
    """Asked at once, and of each; what they say is one key's."""
    path, headers = f"/admin/v1/tenants/{tenant.name}/keys", {"idempotency-key": secrets.token_hex(8)}
    with concurrent.futures.ThreadPoolExecutor(6) as pool:
        made = list(pool.map(lambda member: done(member, "POST", path, headers=headers), [*fleet, *fleet]))
    fleet[0].secrets.add(made[0]["token"])
    assert all(each == made[0] for each in made)
    assert len(done(fleet[1], "GET", f"/admin/v1/keys?tenant={tenant.name}")) == 2


def test_a_change_of_what_was_seen_elsewhere_is_made_once(fleet: Fleet, tenant: Tenant) -> None:
    path = f"/admin/v1/tenants/{tenant.name}/policy"
    etag = admin(fleet[0]).get(path).headers["etag"]
    with concurrent.futures.ThreadPoolExecutor(6) as pool:
        statuses = list(
            pool.map(
                lambda each: admin(each[1])
                .call("PATCH", path, json={"executions": 30 + each[0]}, headers={"if-match": etag})
                .status,
                enumerate([*fleet, *fleet]),
            )
        )
    assert sorted(statuses) == [200] + [412] * 5
