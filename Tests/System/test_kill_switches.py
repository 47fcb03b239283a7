"""`e2b-gateway pause` and `resume`: everything new, one tenant, one key."""

import json
from collections.abc import Iterator

import pytest

from conftest import NewGateway
from harness.client import Client
from harness.fake_e2b import Exchange
from harness.gateway import Gateway, LocalE2B, Tenant
from harness.keeping_e2b import KeepingE2B
from harness.ports import INTERPRETER, OwnSandbox
from harness.sandboxes import Door, life
from harness.scrape import Scrape
from harness.terminal import on_a_terminal
from harness.tokens import narrowed
from harness.underway import ROOM, SOON, audited, running
from harness.waiting import eventually

REASON = "upstream bills look wrong"
FAILURES_IN_A_MINUTE = 60  # from one address, without a valid credential


@pytest.fixture(scope="module")
def own(session_gateway: NewGateway) -> Gateway:
    """A gateway of this module's, since all that is its stops."""
    return session_gateway()


@pytest.fixture
def tenant(own: Gateway) -> Iterator[Tenant]:
    tenant = own.tenant(*ROOM)
    yield tenant
    own.command("key", "revoke", tenant.key_id)  # which ends its sandboxes, asleep or awake


@pytest.fixture
def paused(own: Gateway) -> Iterator[Gateway]:
    """Resumed in the end, whatever happens."""
    yield own
    own.command("resume")


def ready(gateway: Gateway) -> dict:
    reply = gateway.client(None).get("/readyz")
    assert reply.status == 200
    return reply.document


def test_nothing_new_begins_and_what_runs_goes_on(paused: Gateway, tenant: Tenant) -> None:
    door = Door(tenant)
    sandbox = OwnSandbox(tenant)
    asleep = door.made(timeout=300)
    assert door.pause(asleep).status == 204
    kept = tenant.client.execute("print(1)", headers={"idempotency-key": "once"})
    with running(tenant, SOON) as (_, events):
        shown = paused.json_command("pause", "--reason", REASON, "--yes")
        assert shown["paused"] and shown["reason"] == REASON and "local" in shown["by"]

        for reply in (tenant.client.post("1"), door.create(timeout=60), door.connect(asleep, timeout=60)):
            problem = reply.problem("paused")
            assert (problem["status"], REASON in problem["detail"]) == (503, True)
            assert "retry-after" not in reply.headers and reply.headers["should-retry"] == "false"
        door.set_timeout(sandbox.id, 600).problem("paused")
        door.refresh(sandbox.id, duration=600).problem("paused")

        assert door.set_timeout(sandbox.id, 200).status == 204, "less time is no new work"
        ran = sandbox.call("POST", "/execute", port=INTERPRETER, json={"code": "print(6 * 7)"})
        assert "42" in ran.text, "a sandbox that runs may be used"
        assert tenant.client.execute("print(1)", headers={"idempotency-key": "once"})["id"] == kept["id"]
        identity = tenant.client.get("/v1/whoami").document
        assert (identity["paused"], identity["pause_reason"]) == (True, REASON)
        assert events.all()[-1]["outcome"] == "completed"
    paused.command("resume")
    assert tenant.client.execute("print(2)")["output"] == "2\n"
    assert door.connect(asleep, timeout=60).status == 201
    assert tenant.client.get("/v1/whoami").document["paused"] is False
    refusals = {record["action"] for record in audited(paused, tenant.name) if record.get("reason") == "paused"}
    assert refusals == {"execution.refused", "sandbox.refused"}


def test_everybody_who_looks_is_told(paused: Gateway, tenant: Tenant) -> None:
    assert "warnings" not in ready(paused)
    assert "\ne2b_gateway_paused 0\n" in Scrape.of(paused).text
    assert "paused" not in paused.command("usage")
    assert paused.command("resume") == "New work may begin.\n"
    shown = paused.command("pause", "--reason", REASON, "--yes")
    assert shown.startswith("All new work is paused since ") and REASON in shown
    assert ready(paused)["status"] == "ready" and ready(paused)["warnings"] == ["paused"]
    assert "\ne2b_gateway_paused 1\n" in Scrape.of(paused).text
    assert shown.strip() in paused.command("usage")
    doctor = json.loads(paused.run("doctor", "--output", "json").stdout)
    [finding] = [finding for finding in doctor["findings"] if finding["name"] == "pause"]
    assert finding["status"] == "warning" and REASON in finding["detail"]


def test_a_pause_outlives_the_process_and_is_on_record(paused: Gateway, tenant: Tenant) -> None:
    admin = Client(paused.admin_url, paused.admin_token, paused.contract)
    since = admin.call("PUT", "/admin/v1/pause", json={"reason": REASON}).document["since"]
    paused.stop()
    paused.start()
    tenant.client.post("1").problem("paused")
    admin = Client(paused.admin_url, paused.admin_token, paused.contract)
    expected = {"paused": True, "since": since, "by": "admin:first", "reason": REASON}
    assert admin.get("/admin/v1/pause").document == expected
    assert admin.call("PUT", "/admin/v1/pause", json={}).document == expected, "paused since the first time, for the same"
    assert admin.call("DELETE", "/admin/v1/pause").document == {"paused": False}
    assert admin.call("DELETE", "/admin/v1/pause").document == admin.get("/admin/v1/pause").document == {"paused": False}
    records = [line["record"] for line in paused.json_command("audit", "search", "--action", "work.paused", "--limit", "1000")]
    assert (records[-2]["actor"], records[-2]["after"]) == ("admin:first", {"suspended": True, "reason": REASON})
    assert paused.json_command("audit", "search", "--action", "work.resumed", "--limit", "1000")
    assert tenant.client.execute("print(1)")["output"] == "1\n"


def test_what_runs_is_ended_where_that_is_said(paused: Gateway, tenant: Tenant, local_e2b: LocalE2B) -> None:
    door = Door(tenant)
    awake, asleep = door.made(timeout=300), door.made(timeout=300)
    assert door.pause(asleep).status == 204
    with running(tenant) as (execution, events):
        paused.command("pause", "--end-running", "--yes")
        assert events.all()[-1]["outcome"] == "killed"
    assert tenant.client.execution(execution)["reason"] == "paused"
    eventually(lambda: awake not in local_e2b.sandboxes(), within=10, what="what was awake is destroyed")
    assert life(paused, awake)[-1]["reason"] == "paused"
    assert door.ids(state="paused") == [asleep]


def test_no_warm_sandbox_is_made_meanwhile(new_gateway: NewGateway) -> None:
    gateway = new_gateway(GATEWAY_POOL_MINIMUM="1", GATEWAY_POOL_MAXIMUM="1")
    gateway.command("pause", "--yes")
    gateway.stop()
    gateway.start()
    admin = Client(gateway.admin_url, gateway.admin_token, gateway.contract)
    gateway.run("doctor")  # takes longer than the pool would
    assert admin.get("/admin/v1/upstream").document["pool"]["made"] == 0
    gateway.command("resume")
    eventually(lambda: admin.get("/admin/v1/upstream").document["pool"]["ready"] == 1, within=20, what="one is ready")


@pytest.mark.parametrize(
    ("command", "slug", "reason"),
    [
        (["tenant", "suspend", "{tenant}", "--yes"], "tenant-disabled", "tenant_suspended"),
        (["tenant", "delete", "{tenant}", "--yes"], "invalid-token", "tenant_deleted"),
        (["pause", "--key", "{key}", "--end-running", "--yes"], "key-suspended", "key_suspended"),
        (["pause", "--end-running", "--yes"], "paused", "paused"),
    ],
    ids=["suspended", "deleted", "key", "paused"],
)
def test_a_sandbox_is_ended_while_it_is_being_made(new_gateway: NewGateway, command: list[str], slug: str, reason: str) -> None:
    with KeepingE2B() as upstream:
        gateway = new_gateway(upstream.url)
        tenant = gateway.tenant(*ROOM)

        def create(exchange: Exchange) -> None:
            made = upstream.make(exchange)
            gateway.command(*[word.format(tenant=tenant.name, key=tenant.key_id) for word in command])
            exchange.answer(201, made)

        upstream.create = create
        Door(tenant).create(timeout=60).problem(slug)
        eventually(lambda: not upstream.kept, within=10, what="what was made is destroyed")
        assert [record["reason"] for record in audited(gateway, tenant.name, "sandbox.ended")] == [reason]
        gateway.stop()
        assert gateway.json_command("ledger", "check")["sound"]


def test_what_was_ended_while_it_was_being_made_is_ordered_again(new_gateway: NewGateway) -> None:
    with KeepingE2B() as upstream:
        gateway = new_gateway(upstream.url)
        door = Door(gateway.tenant(*ROOM))
        make = upstream.create

        def create(exchange: Exchange) -> None:
            upstream.create = make
            made = upstream.make(exchange)
            [making] = [work["id"] for work in gateway.json_command("sandbox", "list") if work["state"] == "starting"]
            gateway.command("sandbox", "kill", making, "--yes")
            exchange.answer(201, made)

        upstream.create = create
        refused = door.create(key="once", timeout=60)
        assert "while it was being made" in refused.problem("conflict")["detail"]
        assert refused.headers["should-retry"] == "false"
        eventually(lambda: not upstream.kept, within=10, what="what was made is destroyed")
        again = door.create(key="once", timeout=60)
        assert (again.status, list(upstream.kept)) == (201, [again.document["sandboxID"]])


# One key, one tenant


def test_a_key_is_suspended_and_resumed(own: Gateway, tenant: Tenant) -> None:
    issued = own.json_command("key", "issue", tenant.name)
    own.secrets.add(issued["token"])
    other = Tenant(own, tenant.name, issued["key_id"], issued["token"])
    sandbox = OwnSandbox(tenant)
    door, asleep = Door(other), Door(tenant).made(timeout=300)
    assert door.pause(asleep).status == 204
    with running(tenant, SOON) as (_, events):
        shown = own.json_command("pause", "--key", tenant.key_id, "--reason", "leaked", "--yes")
        assert (shown["state"], shown["suspension_reason"]) == ("suspended", "leaked")
        assert "leaked" in tenant.client.get("/v1/whoami").problem("key-suspended")["detail"]
        assert events.all()[-1]["outcome"] == "completed"
    tenant.client.post("1").problem("key-suspended")
    assert other.client.execute("print(1)")["output"] == "1\n"
    assert sandbox.call("GET", "/health").status_code == 403
    for reply in (door.connect(asleep, timeout=60), door.set_timeout(sandbox.id, 600)):
        assert "made this sandbox is suspended: leaked" in reply.problem("key-suspended")["detail"]
    assert door.set_timeout(sandbox.id, 200).status == 204, "less time"
    assert "suspended: leaked" in own.command("key", "list", tenant.name)
    assert "suspended" in own.run("key", "rotate", tenant.key_id).stderr
    assert own.json_command("resume", "--key", tenant.key_id)["state"] == "active"
    assert sandbox.call("GET", "/health").status_code == 204
    assert tenant.client.execute("print(2)")["output"] == "2\n"
    for action in ("key.suspended", "key.resumed"):
        [record] = audited(own, tenant.name, action)
        assert (record["key_id"], record["actor"].startswith("local")) == (tenant.key_id, True)
    own.command("key", "revoke", tenant.key_id)
    assert "revoked" in own.run("resume", "--key", tenant.key_id).stderr
    assert "revoked" in own.run("pause", "--key", tenant.key_id, "--yes").stderr


@pytest.mark.parametrize(
    ("command", "slug"),
    [(["tenant", "suspend", "{tenant}", "--yes"], "tenant-disabled"), (["pause", "--key", "{key}", "--yes"], "key-suspended")],
    ids=["tenant", "key"],
)
def test_who_is_suspended_is_told_so_as_often_as_it_calls(
    own: Gateway, tenant: Tenant, command: list[str], slug: str
) -> None:
    own.command(*[word.format(tenant=tenant.name, key=tenant.key_id) for word in command])
    for _ in range(FAILURES_IN_A_MINUTE + 5):
        tenant.client.get("/v1/whoami").problem(slug)

    def refusals() -> list[dict]:
        return audited(own, tenant.name, "call.refused")

    eventually(lambda: refusals(), within=10, what="the tenant's refusal is recorded")
    assert {(record["reason"], record["key_id"]) for record in refusals()} == {(slug, tenant.key_id)}
    strangers = own.json_command("audit", "search", "--action", "authentication.refused", "--limit", "1000")
    assert tenant.key_id not in {line["record"].get("claimed_key_id") for line in strangers}


def test_a_key_that_was_stopped_uses_up_nothing_of_the_others(own: Gateway) -> None:
    tenant = own.tenant("--rate", "10/min", "--burst", "10")
    issued = own.json_command("key", "issue", tenant.name)
    own.secrets.add(issued["token"])
    own.command("pause", "--key", tenant.key_id, "--yes")
    for _ in range(20):
        reply = tenant.client.get("/v1/whoami")
        reply.problem("key-suspended")
        assert "ratelimit" not in reply.headers
    for _ in range(10):
        assert own.client(issued["token"]).get("/v1/whoami").status == 200


def test_why_a_key_is_suspended_is_told_to_who_may_use_it_here(own: Gateway, tenant: Tenant) -> None:
    signed_only = narrowed(tenant.token, 0x09, b"")
    own.secrets.add(signed_only)
    own.command("pause", "--key", tenant.key_id, "--yes", "--reason", "leaked in a log")
    problem = own.client(signed_only).get("/v1/whoami").problem("invalid-signature")
    assert "leaked" not in json.dumps(problem)


def test_what_a_suspended_key_runs_is_ended_where_that_is_said(own: Gateway, tenant: Tenant, local_e2b: LocalE2B) -> None:
    sandbox = Door(tenant).made(timeout=300)
    with running(tenant) as (execution, events):
        own.command("pause", "--key", tenant.key_id, "--end-running", "--yes")
        assert events.all()[-1]["outcome"] == "killed"
    eventually(lambda: sandbox not in local_e2b.sandboxes(), within=10, what="what was awake is destroyed")
    own.command("resume", "--key", tenant.key_id)
    assert tenant.client.execution(execution)["reason"] == life(own, sandbox)[-1]["reason"] == "key_suspended"


def test_a_tenant_is_paused_and_resumed(own: Gateway, tenant: Tenant) -> None:
    with running(tenant, SOON) as (_, events):
        shown = own.json_command("pause", "--tenant", tenant.name, "--reason", "looping", "--yes")
        assert shown["disabled"] and shown["suspension_reason"] == "looping"
        tenant.client.post("1").problem("tenant-disabled")
        assert events.all()[-1]["outcome"] == "completed", "what runs goes on"
    assert own.json_command("resume", "--tenant", tenant.name)["disabled"] is False
    with running(tenant) as (_, events):
        own.command("pause", "--tenant", tenant.name, "--end-running", "--yes")
        assert events.all()[-1]["outcome"] == "killed"


# Asking first


@pytest.fixture(params=["all", "tenant", "key"])
def target(request: pytest.FixtureRequest, tenant: Tenant) -> list[str]:
    return {"all": [], "tenant": ["--tenant", tenant.name], "key": ["--key", tenant.key_id]}[request.param]


def test_without_a_terminal_nothing_is_paused_unconfirmed(own: Gateway, tenant: Tenant, target: list[str]) -> None:
    done = own.run("pause", *target)
    assert done.returncode == 1
    assert "--yes" in done.stderr and "Nothing was changed" in done.stderr
    assert tenant.client.execute("print(1)")["output"] == "1\n"


@pytest.mark.parametrize("answer", ["pause", "no"])
def test_on_a_terminal_it_is_asked_for(own: Gateway, tenant: Tenant, target: list[str], answer: str) -> None:
    shown = on_a_terminal(own, answer, "pause", *target)
    assert "will be refused, on all gateways" in shown and "goes on" in shown
    assert ("Nothing was changed" in shown) == (answer == "no")
    assert (tenant.client.post("print(1)").status == 200) == (answer == "no")
    own.command("resume", *target)
    assert tenant.client.post("print(1)").status == 200


@pytest.mark.parametrize("command", ["pause", "resume"])
def test_one_thing_at_a_time(own: Gateway, command: str) -> None:
    done = own.run(command, "--tenant", "a", "--key", "b")
    assert done.returncode == 64 and "not both" in done.stderr
