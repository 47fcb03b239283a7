"""The administration on the control socket, held against openapi.yaml like everything else."""

import httpx
import pytest

from harness.client import Client
from harness.gateway import Gateway, Tenant


JSON = {"content-type": "application/json"}
CREDIT = {"runtime_seconds": 60, "until": "2030-01-01T00:00:00Z"}


@pytest.fixture
def admin(gateway: Gateway) -> Client:
    """A client that speaks through the socket instead of a port."""
    transport = httpx.HTTPTransport(uds=str(gateway.folder / "gateway.db.socket"))
    return Client("http://localhost", None, gateway.contract, transport)


def test_a_tenant_from_making_to_usage(gateway: Gateway, admin: Client) -> None:
    made = admin.call("POST", "/admin/v1/tenants", json={"name": "socket-team"})
    assert made.status == 201
    assert made.document["name"] == "socket-team"
    admin.call("POST", "/admin/v1/tenants", json={"name": "socket-team"}).problem("conflict")
    assert made.document in admin.get("/admin/v1/tenants?prefix=socket-team").document
    assert admin.get("/admin/v1/tenants/socket-team").document == made.document

    issued = admin.call("POST", "/admin/v1/tenants/socket-team/keys")
    assert issued.status == 201
    gateway.secrets.add(issued.document["token"])
    [key] = admin.get("/admin/v1/keys?tenant=socket-team").document
    assert key["key_id"] == issued.document["key_id"]

    change = {"rate": "3/s", "burst": 4, "runtime_seconds": {"day": None, "hour": 60}, "timeout_seconds": 2.5}
    policy = admin.call("PATCH", "/admin/v1/tenants/socket-team/policy", json=change).document
    assert policy["rate"] == {"permits": 3, "period_seconds": 1, "burst": 4}
    assert policy["runtime_seconds"] == {"hour": 60}
    assert policy["timeout_seconds"] == 2.5
    assert admin.get("/admin/v1/tenants/socket-team/policy").document == policy

    client = gateway.client(issued.document["token"])
    client.execute("print(1)")
    usage = admin.get("/admin/v1/tenants/socket-team/usage").document
    assert usage["tenant"] == "socket-team"
    assert usage["usage"]["runtime"][0]["used_ms"] > 0

    records = admin.get("/admin/v1/audit?tenant=socket-team").document["records"]
    assert len(records) >= 5
    second = admin.get(f"/admin/v1/audit?tenant=socket-team&after={records[0]['sequence']}&limit=1")
    assert second.document == {"records": [records[1]], "next": records[1]["sequence"]}

    verification = admin.get("/admin/v1/audit/verification").document
    assert verification["intact"] is True
    assert verification["verified"] >= records[-1]["sequence"]

    revoked = admin.call("DELETE", f"/admin/v1/keys/{key['key_id']}")
    assert revoked.document["state"] == "revoked"
    client.get("/v1/whoami").problem("invalid-token")


def test_a_suspended_tenant_is_refused_until_it_is_resumed(gateway: Gateway, admin: Client) -> None:
    tenant = gateway.tenant()
    path = f"/admin/v1/tenants/{tenant.name}"
    assert admin.call("PATCH", path, json={"disabled": True}).document["disabled"] is True
    tenant.client.get("/v1/whoami").problem("tenant-disabled")
    tenant.client.post("print(1)").problem("tenant-disabled")
    assert "suspended" in gateway.command("tenant", "list")
    gateway.command("tenant", "resume", tenant.name)
    tenant.client.execute("print(1)")
    gateway.command("tenant", "suspend", tenant.name, "--yes")
    tenant.client.get("/v1/whoami").problem("tenant-disabled")
    admin.call("PATCH", path, json={"disabled": "yes"}).problem("invalid-request")
    admin.call("PATCH", "/admin/v1/tenants/nobody", json={"disabled": True}).problem("not-found")


@pytest.mark.parametrize(
    ("method", "path", "sent", "slug"),
    [
        ("GET", "/admin/v1/tenants/nobody", {}, "not-found"),
        ("POST", "/admin/v1/tenants/nobody/keys", {}, "not-found"),
        ("GET", "/admin/v1/tenants/nobody/policy", {}, "not-found"),
        ("GET", "/admin/v1/tenants/nobody/usage", {}, "not-found"),
        ("DELETE", "/admin/v1/keys/0123456789abcdef", {}, "not-found"),
        ("DELETE", "/admin/v1/keys/nonsense", {}, "invalid-request"),
        ("POST", "/admin/v1/tenants", {"json": {}}, "invalid-request"),
        ("POST", "/admin/v1/tenants", {"json": {"name": "Not A Name"}}, "invalid-request"),
        ("POST", "/admin/v1/tenants", {"json": {"name": 5}}, "invalid-request"),
        ("POST", "/admin/v1/tenants", {"content": b"{", "headers": JSON}, "invalid-request"),
        ("POST", "/admin/v1/tenants", {"content": b"{}"}, "unsupported-media-type"),
        ("POST", "/admin/v1/tenants", {"json": {"name": "x" * 100_000}}, "payload-too-large"),
        ("GET", "/admin/v1/consumption?tenant=nobody", {}, "not-found"),
        ("GET", "/admin/v1/consumption?by=week", {}, "invalid-request"),
        ("GET", "/admin/v1/consumption?from=2026-02-30", {}, "invalid-request"),
        ("GET", "/admin/v1/consumption?from=2026-02-02&to=2026-02-01", {}, "invalid-request"),
        ("GET", "/admin/v1/consumption?limit=10001", {}, "invalid-request"),
        ("GET", "/admin/v1/consumption?daily=often", {}, "invalid-request"),
        ("POST", "/admin/v1/tenants/nobody/credits", {"json": CREDIT}, "not-found"),
        ("DELETE", "/admin/v1/tenants/nobody/credits/crd_0123456789abcdef", {}, "not-found"),
        ("POST", "/admin/v1/tenants/nobody/simulation", {"json": {}}, "not-found"),
        ("POST", "/admin/v1/tenants/nobody/simulation", {"json": {"days": 0}}, "invalid-request"),
        ("POST", "/admin/v1/tenants/nobody/simulation", {"json": {"days": 91}}, "invalid-request"),
        ("POST", "/admin/v1/tenants/nobody/simulation", {"json": {"weeks": 1}}, "invalid-request"),
        ("PATCH", "/admin/v1/default-policy", {"json": {"executions": -1}}, "invalid-request"),
        ("GET", "/admin/v1/audit?limit=many", {}, "invalid-request"),
        ("GET", "/admin/v1/audit?after=-1", {}, "invalid-request"),
        ("PUT", "/admin/v1/tenants", {}, "method-not-allowed"),
        ("DELETE", "/admin/v1/tenants/nobody", {}, "not-found"),
        ("PUT", "/admin/v1/keys/0123456789abcdef/suspension", {"json": {}}, "not-found"),
        ("DELETE", "/admin/v1/keys/0123456789abcdef/suspension", {}, "not-found"),
        ("PUT", "/admin/v1/keys/nonsense/suspension", {"json": {}}, "invalid-request"),
        ("PUT", "/admin/v1/pause", {"json": {"reason": ""}}, "invalid-request"),
        ("PUT", "/admin/v1/pause", {"json": {"reason": "x" * 251}}, "invalid-request"),
        ("PUT", "/admin/v1/pause", {"json": {"reason": "e2b_" + "01" * 30}}, "invalid-request"),
        ("PUT", "/admin/v1/pause", {"json": {"until": "tomorrow"}}, "invalid-request"),
        ("PUT", "/admin/v1/pause", {"content": b"{}"}, "unsupported-media-type"),
    ],
)
def test_refusals(admin: Client, method: str, path: str, sent: dict, slug: str) -> None:
    admin.call(method, path, **sent).problem(slug)


@pytest.mark.parametrize(
    "change",
    [
        {},
        {"disabled": "yes"},
        {"name": "Not A Name"},
        {"name": 5},
        {"reason": "why"},
        {"end_running": True},
        {"disabled": False, "reason": "why"},
        {"disabled": False, "end_running": True},
        {"disabled": True, "reason": "two\nlines"},
        {"disabled": True, "end_running": "no"},
        {"surprise": 1},
    ],
    ids=str,
)
def test_a_change_of_a_tenant_that_makes_no_sense_is_refused(admin: Client, tenant: Tenant, change: dict) -> None:
    path = f"/admin/v1/tenants/{tenant.name}"
    before = admin.get(path).document
    admin.call("PATCH", path, json=change).problem("invalid-request")
    assert admin.get(path).document == before


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"rate": "fast"}, "rate"),
        ({"rate": 5}, "rate"),
        ({"burst": 0}, "burst"),
        ({"executions": -1}, "executions"),
        ({"timeout_seconds": -1}, "timeout"),
        ({"timeout_seconds": 1e18}, "timeout"),
        ({"runtime_seconds": {"fortnight": 1}}, "fortnight"),
        ({"templates": []}, "templates"),
        ({"surprise": 1}, "surprise"),
        ({"shadow": "yes"}, "shadow"),
        ({"subject": {"rate": "fast"}}, "subject.rate"),
        ({"subject": {"burst": 2}}, "subject.burst"),
        ({"subject": {"executions": -1}}, "subject.executions"),
        ({"subject": {"runtime_seconds": {"fortnight": 1}}}, "fortnight"),
        ({"subject": {"surprise": 1}}, "surprise"),
        ({"burst": 7, "executions": None}, "executions cannot be null"),
        ({"subject": {"burst": None}}, "subject.burst cannot be null"),
    ],
    ids=str,
)
def test_a_policy_that_makes_no_sense_is_refused(admin: Client, tenant: Tenant, change: dict, named: str) -> None:
    before = admin.get(f"/admin/v1/tenants/{tenant.name}/policy").document
    problem = admin.call("PATCH", f"/admin/v1/tenants/{tenant.name}/policy", json=change).problem("invalid-request")
    assert named in problem["detail"].lower()
    assert admin.get(f"/admin/v1/tenants/{tenant.name}/policy").document == before
