"""A tenant is suspended, resumed, renamed and deleted, as docs/tenants.md says."""

import json
from collections.abc import Iterator

import httpx
import pytest

from conftest import NewGateway
from harness.client import Client
from harness.gateway import Gateway, LocalE2B, Tenant
from harness.sandboxes import Door, life
from harness.terminal import on_a_terminal
from harness.underway import ROOM, SOON, audited, running
from harness.waiting import eventually


@pytest.fixture
def tenant(gateway: Gateway) -> Iterator[Tenant]:
    tenant = gateway.tenant(*ROOM)
    yield tenant
    gateway.command("key", "revoke", tenant.key_id)  # which ends its sandboxes, asleep or awake


@pytest.fixture
def admin(gateway: Gateway) -> Client:
    transport = httpx.HTTPTransport(uds=str(gateway.folder / "gateway.db.socket"))
    return Client("http://localhost", None, gateway.contract, transport)


# Suspended


def test_suspending_ends_what_runs_and_says_why(gateway: Gateway, tenant: Tenant, local_e2b: LocalE2B) -> None:
    door = Door(tenant)
    awake, asleep = door.made(timeout=300), door.made(timeout=300)
    assert door.pause(asleep).status == 204
    with running(tenant) as (execution, events):
        shown = gateway.json_command("tenant", "suspend", tenant.name, "--yes", "--reason", "unpaid bills")
        assert events.all()[-1]["outcome"] == "killed"
    assert shown["disabled"] and shown["suspension_reason"] == "unpaid bills" and "local" in shown["suspended_by"]
    assert "unpaid bills" in tenant.client.get("/v1/whoami").problem("tenant-disabled")["detail"]
    tenant.client.post("1").problem("tenant-disabled")
    door.get(asleep).problem("tenant-disabled")
    table = gateway.command("tenant", "list")
    assert f"suspended since {shown['suspended_at']}: unpaid bills" in table
    assert f"{tenant.name} (suspended)" in gateway.command("usage", "--limit", "100000")
    eventually(lambda: awake not in local_e2b.sandboxes(), within=10, what="what was awake is destroyed")

    gateway.command("tenant", "resume", tenant.name)
    assert (tenant.client.execution(execution)["outcome"], life(gateway, awake)[-1]["reason"]) == ("killed", "tenant_suspended")
    assert tenant.client.execution(execution)["reason"] == "tenant_suspended"
    assert door.ids(state="paused") == [asleep], "what slept sleeps on"
    assert door.connect(asleep, timeout=60).status == 201
    [suspended] = audited(gateway, tenant.name, "tenant.suspended")
    assert suspended["after"] == {"suspended": True, "reason": "unpaid bills", "end_running": True}
    assert suspended["actor"].startswith("local")
    [_] = audited(gateway, tenant.name, "tenant.resumed")


def test_what_runs_may_finish(gateway: Gateway, tenant: Tenant, local_e2b: LocalE2B) -> None:
    sandbox = Door(tenant).made(timeout=300)
    with running(tenant, SOON) as (_, events):
        gateway.command("tenant", "suspend", tenant.name, "--yes", "--let-running-finish")
        tenant.client.get("/v1/whoami").problem("tenant-disabled")
        last = events.all()[-1]
    assert last["outcome"] == "completed"
    assert sandbox in local_e2b.sandboxes()
    [suspended] = audited(gateway, tenant.name, "tenant.suspended")
    assert suspended["after"] == {"suspended": True}
    gateway.command("tenant", "resume", tenant.name)
    assert Door(tenant).detail(sandbox)["state"] == "running"


def test_without_a_terminal_nothing_is_suspended_unconfirmed(gateway: Gateway, tenant: Tenant) -> None:
    done = gateway.run("tenant", "suspend", tenant.name)
    assert done.returncode == 1
    assert "--yes" in done.stderr and "Nothing was changed" in done.stderr
    assert tenant.client.get("/v1/whoami").status == 200


@pytest.mark.parametrize(("options", "ends"), [([], True), (["--let-running-finish"], False)])
@pytest.mark.parametrize("answer", ["name", "yes"])
def test_on_a_terminal_suspending_asks_for_the_name(
    gateway: Gateway, tenant: Tenant, options: list[str], ends: bool, answer: str
) -> None:
    sandbox = Door(tenant).made(timeout=300)
    shown = on_a_terminal(gateway, answer.replace("name", tenant.name), "tenant", "suspend", tenant.name, *options)
    assert f"{'ended by it' if ends else 'left to finish'}: 0 executions, 1 sandboxes" in shown
    assert ("Nothing was changed" in shown) == (answer != "name")
    assert (tenant.client.get("/v1/whoami").status == 403) == (answer == "name")
    if answer != "name":
        assert sandbox in Door(tenant).ids()


# Renamed


def test_a_renamed_tenant_goes_on(gateway: Gateway, tenant: Tenant) -> None:
    door = Door(tenant)
    sandbox = door.made(timeout=300)
    before = tenant.client.execute("print(1)", headers={"idempotency-key": "once"})
    new = f"{tenant.name}-renamed"
    with running(tenant, SOON) as (execution, events):
        shown = gateway.json_command("tenant", "rename", tenant.name, new)
        assert events.all()[-1]["outcome"] == "completed"
    assert (shown["name"], shown["former_names"]) == (new, [tenant.name])
    assert tenant.client.get("/v1/whoami").document["tenant"] == new
    assert tenant.client.get("/v1/usage").document["tenant"] == new
    assert tenant.client.execute("print(1)", headers={"idempotency-key": "once"})["id"] == before["id"]
    assert tenant.client.execution(execution)["outcome"] == "completed"
    assert door.ids() == [sandbox] and door.refresh(sandbox, duration=600).status == 204
    [row] = tenant.client.get("/v1/consumption").document["rows"]
    assert (row["tenant"], row["executions"]) == (new, 2)
    [key] = gateway.json_command("key", "list", new)
    assert (key["key_id"], key["tenant"]) == (tenant.key_id, new)
    assert "no tenant" in gateway.run("key", "list", tenant.name).stderr

    assert audited(gateway, tenant.name) == audited(gateway, new), "found under both names"
    [renamed] = audited(gateway, new, "tenant.renamed")
    assert (renamed["before"], renamed["after"]) == ({"name": tenant.name}, {"name": new})
    finished = {record["execution"]: record["tenant"] for record in audited(gateway, new, "execution.finished")}
    assert finished == {before["id"]: tenant.name, execution: new}, "each says the name of its time"
    own = tenant.client.get("/v1/audit?limit=1000").document["records"]
    assert {record["record"]["tenant"] for record in own} == {tenant.name, new}


def test_a_name_is_one_tenants(gateway: Gateway, admin: Client, tenant: Tenant) -> None:
    other = gateway.tenant()
    path = f"/admin/v1/tenants/{tenant.name}"
    admin.call("PATCH", path, json={"name": other.name}).problem("conflict")
    admin.call("PATCH", path, json={"name": other.name, "disabled": True}).problem("conflict")
    assert admin.get(path).document["disabled"] is False, "all or nothing"
    freed = admin.call("PATCH", path, json={"name": f"{tenant.name}-b", "disabled": True, "reason": "moved"}).document
    assert (freed["name"], freed["disabled"]) == (f"{tenant.name}-b", True)
    made = admin.call("POST", "/admin/v1/tenants", json={"name": tenant.name})
    assert made.status == 201 and made.document["disabled"] is False
    assert admin.get(f"/admin/v1/keys?tenant={tenant.name}").document == []


# Deleted


def test_deleting_is_final_and_leaves_the_past_readable(gateway: Gateway, tenant: Tenant, local_e2b: LocalE2B) -> None:
    door = Door(tenant)
    awake, asleep = door.made(timeout=300), door.made(timeout=300)
    assert door.pause(asleep).status == 204
    done = tenant.client.execute("print(1)")
    with running(tenant) as (execution, events):
        deleted = gateway.json_command("tenant", "delete", tenant.name, "--yes")
        assert events.all()[-1]["outcome"] == "killed"
    assert deleted["name"] == tenant.name and deleted["deleted_at"]
    tenant.client.get("/v1/whoami").problem("invalid-token")
    assert tenant.name not in {each["name"] for each in gateway.json_command("tenant", "list")}
    eventually(lambda: not {awake, asleep} & local_e2b.sandboxes().keys(), within=10, what="all it had is destroyed")
    assert {life(gateway, each)[-1]["reason"] for each in (awake, asleep)} == {"tenant_deleted"}

    [outcome] = [each for each in gateway.audit(execution) if each["record"]["action"] == "execution.finished"]
    assert outcome["record"]["reason"] == "tenant_deleted"
    [row] = [each for each in gateway.json_command("usage", "--by", "tenant")["rows"] if each["tenant"] == tenant.name]
    assert (row["executions"], row["tenant_deleted_at"]) == (2, deleted["deleted_at"])
    [_] = audited(gateway, tenant.name, "tenant.deleted")
    [revoked] = audited(gateway, tenant.name, "key.revoked")
    assert (revoked["key_id"], revoked["reason"]) == (tenant.key_id, "tenant_deleted")
    assert {record.get("execution") for record in audited(gateway, tenant.name)} >= {done["id"], execution}
    for words in (("tenant", "show"), ("tenant", "resume"), ("usage",), ("quota", "get")):
        assert "no tenant" in gateway.run(*words, tenant.name).stderr


def test_a_name_that_was_deleted_is_used_again(gateway: Gateway, tenant: Tenant, admin: Client) -> None:
    old = tenant.client.execute("print(1)", headers={"idempotency-key": "once"})
    gateway.command("tenant", "delete", tenant.name, "--yes")
    gateway.command("tenant", "create", tenant.name)
    issued = gateway.json_command("key", "issue", tenant.name)
    gateway.secrets.add(issued["token"])
    heir = Tenant(gateway, tenant.name, issued["key_id"], issued["token"])
    tenant.client.get("/v1/whoami").problem("invalid-token")
    assert heir.client.get("/v1/whoami").document["tenant"] == tenant.name
    assert heir.client.get("/v1/consumption").document["rows"] == []
    heir.client.get(f"/v1/executions/{old['id']}").problem("not-found")
    own = heir.client.get("/v1/audit?limit=1000").document["records"]
    assert [each["record"]["action"] for each in own] == ["tenant.created", "key.issued"]
    again = heir.client.execute("print(1)", headers={"idempotency-key": "once"})
    assert again["id"] != old["id"], "the key is the new tenant's own"
    rows = [row for row in gateway.json_command("usage", "--by", "tenant")["rows"] if row["tenant"] == tenant.name]
    assert sorted((row["executions"], "tenant_deleted_at" in row) for row in rows) == [(1, False), (1, True)]
    assert "DELETED" in gateway.command("usage", "--by", "tenant")
    # Lists of everybody's tell the two apart.
    keys = {key["key_id"]: "tenant_deleted_at" in key for key in gateway.json_command("key", "list") if key["tenant"] == tenant.name}
    assert keys == {tenant.key_id: True, heir.key_id: False}
    assert f"{tenant.name} (deleted)" in gateway.command("key", "list")
    executions = [each for each in admin.get("/admin/v1/executions?limit=1000").document if each["tenant"] == tenant.name]
    assert [(each["id"], "tenant_deleted_at" in each) for each in executions] == [(again["id"], False), (old["id"], True)]
    of_heir = admin.get(f"/admin/v1/executions?tenant={tenant.name}").document
    assert [each["id"] for each in of_heir] == [again["id"]]
    created = audited(gateway, tenant.name, "tenant.created")
    assert len(created) == 2, "the audit log knows both"


def test_what_is_suspended_renamed_and_deleted_is_so_after_a_restart(new_gateway: NewGateway) -> None:
    gateway = new_gateway()
    suspended, renamed, deleted = (gateway.tenant(*ROOM) for _ in range(3))
    gateway.command("tenant", "suspend", suspended.name, "--yes", "--reason", "unpaid bills")
    gateway.command("tenant", "rename", renamed.name, "research")
    gateway.command("tenant", "delete", deleted.name, "--yes")
    gateway.stop()
    gateway.start()
    assert "unpaid bills" in suspended.client.get("/v1/whoami").problem("tenant-disabled")["detail"]
    assert renamed.client.get("/v1/whoami").document["tenant"] == "research"
    deleted.client.get("/v1/whoami").problem("invalid-token")
    assert gateway.json_command("ledger", "check")["sound"]


def test_without_a_terminal_nothing_is_deleted_unconfirmed(gateway: Gateway, tenant: Tenant) -> None:
    done = gateway.run("tenant", "delete", tenant.name)
    assert done.returncode == 1
    assert "cannot be undone" in done.stderr and "--yes" in done.stderr and "Nothing was changed" in done.stderr
    assert tenant.client.get("/v1/whoami").status == 200


@pytest.mark.parametrize("answer", ["name", "yes", ""])
def test_on_a_terminal_the_name_is_asked_for(gateway: Gateway, tenant: Tenant, answer: str) -> None:
    sandbox = Door(tenant).made(timeout=300)
    shown = on_a_terminal(gateway, answer.replace("name", tenant.name), "tenant", "delete", tenant.name)
    assert "Keys that are revoked by it: 1" in shown and "0 executions, 1 sandboxes" in shown
    assert ("Nothing was changed" in shown) == (answer != "name")
    assert (tenant.client.get("/v1/whoami").status == 401) == (answer == "name")
    if answer != "name":
        assert sandbox in Door(tenant).ids()


def test_the_commands_work_where_no_gateway_runs(resting: Gateway) -> None:
    names = {tenant["name"] for tenant in resting.json_command("tenant", "list")}
    name = f"resting-{len(names)}"
    resting.command("tenant", "create", name)
    assert resting.json_command("tenant", "suspend", name, "--yes")["disabled"] is True
    assert resting.json_command("tenant", "rename", name, f"{name}-b")["disabled"] is True
    assert resting.json_command("tenant", "resume", f"{name}-b")["disabled"] is False
    assert json.loads(resting.command("tenant", "delete", f"{name}-b", "--yes", "--output", "json"))["deleted_at"]
    assert {tenant["name"] for tenant in resting.json_command("tenant", "list")} == names
