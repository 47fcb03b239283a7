"""Idempotency-Key of administrators' requests: what is made, is made once."""

import itertools
import json
import secrets

import pytest

from conftest import NewGateway
from harness.client import Client, Reply
from harness.faults import conduct
from harness.faults.proxy import FaultProxy
from harness.gateway import Gateway, Tenant

_keys = (f"key-{number}" for number in itertools.count(1))
CREDIT = {"runtime_seconds": 60, "until": "2030-01-01T00:00:00Z"}


@pytest.fixture(scope="module")
def gateway(governed: Gateway) -> Gateway:
    """A gateway of this file's own: an upstream key that is added stays."""
    return governed


@pytest.fixture(scope="module")
def admin(gateway: Gateway) -> Client:
    return Client(gateway.admin_url, gateway.admin_token, gateway.contract)


def send(client: Client, gateway: Gateway, path: str, key: str, body: dict | None = None) -> Reply:
    reply = client.call("POST", path, headers={"idempotency-key": key}, **({"json": body} if body else {}))
    if reply.status == 201 and "token" in reply.document:
        gateway.secrets.add(reply.document["token"])
    return reply


def upstream_key(gateway: Gateway) -> dict:
    return {"key": gateway.note_upstream_key("e2b_" + secrets.token_hex(20))}


@pytest.fixture(params=["tenant", "key", "rotation", "credit", "admin token", "upstream key"])
def creation(request: pytest.FixtureRequest, gateway: Gateway, tenant: Tenant) -> tuple[str, dict | None, dict | None]:
    """The path, a body, and another body."""
    of_tenant = f"/admin/v1/tenants/{tenant.name}"
    name = f"once-{secrets.token_hex(4)}"
    return {
        "tenant": ("/admin/v1/tenants", {"name": name}, {"name": f"{name}-2"}),
        "key": (f"{of_tenant}/keys", None, None),
        "rotation": (f"/admin/v1/keys/{tenant.key_id}/rotation", {"overlap_seconds": 60}, {"overlap_seconds": 61}),
        "credit": (f"{of_tenant}/credits", CREDIT, CREDIT | {"runtime_seconds": 61}),
        "admin token": (
            "/admin/v1/admin-tokens", {"name": name, "scopes": ["admin:read"]}, {"name": name, "scopes": ["admin:audit"]},
        ),
        "upstream key": ("/admin/v1/upstream-keys", upstream_key(gateway), upstream_key(gateway)),
    }[request.param]


def test_it_is_made_once_and_the_reply_is_the_same(
    gateway: Gateway, admin: Client, creation: tuple[str, dict | None, dict | None]
) -> None:
    path, body, other = creation
    key = next(_keys)
    first = send(admin, gateway, path, key, body)
    assert first.status == 201, first.body
    assert "idempotency-replayed" not in first.headers
    for _ in range(2):
        again = send(admin, gateway, path, key, body)
        assert (again.status, again.document) == (201, first.document)
        assert again.headers["idempotency-replayed"] == "true"
    if other:
        send(admin, gateway, path, key, other).problem("idempotency-mismatch")
    send(admin, gateway, "/admin/v1/tenants", key, {"name": f"mis-{secrets.token_hex(4)}"}).problem("idempotency-mismatch")


def test_the_same_members_written_otherwise_are_the_same_request(gateway: Gateway, admin: Client, tenant: Tenant) -> None:
    path, key = f"/admin/v1/tenants/{tenant.name}/credits", next(_keys)
    headers = {"idempotency-key": key, "content-type": "application/json"}
    first = admin.call("POST", path, content=b'{"runtime_seconds": 60, "until": "2030-01-01T00:00:00Z"}', headers=headers)
    again = admin.call("POST", path, content=b'{"until":"2030-01-01T00:00:00.000Z","runtime_seconds":60.0}', headers=headers)
    assert first.status == again.status == 201
    assert first.document == again.document
    assert len(admin.get(path).document) == 1


def test_a_token_comes_again_until_its_key_is_revoked_and_the_audit_says_so(
    gateway: Gateway, admin: Client, tenant: Tenant
) -> None:
    path, key = f"/admin/v1/tenants/{tenant.name}/keys", next(_keys)
    issued = send(admin, gateway, path, key).document
    again = send(admin, gateway, path, key).document
    assert gateway.client(again["token"]).get("/v1/whoami").document["key_id"] == issued["key_id"]
    records = [each["record"] for each in gateway.json_command("audit", "search", "--key", issued["key_id"])]
    assert [record["action"] for record in records] == ["key.issued", "token.shown_again"]
    assert records[1]["actor"] == "admin:first"

    admin.call("DELETE", f"/admin/v1/keys/{issued['key_id']}")
    problem = send(admin, gateway, path, key).problem("idempotency-reply-unavailable")
    assert issued["key_id"] in problem["detail"]
    assert len(admin.get(f"/admin/v1/keys?tenant={tenant.name}").document) == 2, "no other was made"


def test_a_request_that_was_refused_leaves_its_key_free(gateway: Gateway, admin: Client, tenant: Tenant) -> None:
    key = next(_keys)
    send(admin, gateway, "/admin/v1/tenants", key, {"name": tenant.name}).problem("conflict")
    assert send(admin, gateway, "/admin/v1/tenants", key, {"name": f"free-{key}"}).status == 201


def test_the_same_key_of_another_administrator_is_another(gateway: Gateway, admin: Client, tenant: Tenant) -> None:
    key, path = next(_keys), f"/admin/v1/tenants/{tenant.name}/keys"
    made = admin.call("POST", "/admin/v1/admin-tokens", json={"name": "second"}).document
    gateway.secrets.add(made["token"])
    second = Client(gateway.admin_url, made["token"], gateway.contract)
    one, other = send(admin, gateway, path, key).document, send(second, gateway, path, key).document
    assert one["key_id"] != other["key_id"]


@pytest.mark.parametrize("key", ["", "with space", "x" * 256])
def test_what_cannot_be_a_key_is_refused(gateway: Gateway, admin: Client, tenant: Tenant, key: str) -> None:
    path = f"/admin/v1/tenants/{tenant.name}/keys"
    assert "Idempotency-Key" in send(admin, gateway, path, key).problem("invalid-request")["detail"]


def test_it_holds_across_a_restart_and_a_kill(new_gateway: NewGateway) -> None:
    gateway = new_gateway()

    def administrator() -> Client:
        return Client(gateway.admin_url, gateway.admin_token, gateway.contract)

    assert send(administrator(), gateway, "/admin/v1/tenants", "t", {"name": "acme"}).status == 201
    first = send(administrator(), gateway, "/admin/v1/tenants/acme/keys", "k").document
    for end in (gateway.stop, lambda: gateway.service.kill()):
        end()
        gateway.start()
        assert send(administrator(), gateway, "/admin/v1/tenants/acme/keys", "k").document == first
    assert len(gateway.json_command("key", "list", "acme")) == 1
    assert gateway.json_command("ledger", "check")["sound"]


def test_a_command_whose_answer_is_lost_makes_its_key_once(gateway: Gateway, tenant: Tenant) -> None:
    with FaultProxy(gateway.admin_url) as proxy:
        through = {"GATEWAY_ADMIN_URL": proxy.url, "GATEWAY_ADMIN_TOKEN": gateway.admin_token}
        proxy.fault(conduct.reply_lost, "POST /admin/v1/tenants/.*/keys", nth=1)
        done = gateway.run("key", "issue", tenant.name, "--output", "json", **through)
        assert done.returncode == 0, done.stderr
        issued = json.loads(done.stdout)
        gateway.secrets.add(issued["token"])
        assert gateway.client(issued["token"]).get("/v1/whoami").status == 200
        assert {key["key_id"] for key in gateway.json_command("key", "list", tenant.name)} == {tenant.key_id, issued["key_id"]}

        proxy.fault(conduct.reply_lost, "PATCH /admin/v1/tenants/.*/policy")
        done = gateway.run("quota", "set", tenant.name, "--executions", "3", **through)
        assert done.returncode != 0
        assert "not known whether it was done" in done.stderr, done.stderr
