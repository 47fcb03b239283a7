"""Requests whose bodies take their time: what was true when they began may not be true when they act."""

import json
import socket
import time
from urllib.parse import urlsplit

import pytest
import requests

from conftest import NewGateway
from harness.client import Client
from harness.gateway import Gateway, Tenant
from harness.raw import answer, begin_post
from harness.signing import Signer
from harness.tokens import expiring
from harness.waiting import eventually


def begin_admin_post(gateway: Gateway, token: str, path: str, body: bytes) -> socket.socket:
    """A connection on which an administrator has sent a head and the first byte of its body."""
    address = urlsplit(gateway.admin_url)
    connection = socket.create_connection((address.hostname, address.port), timeout=20)
    head = (
        f"POST {path} HTTP/1.1\r\nHost: gateway\r\nAuthorization: Bearer {token}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    connection.sendall(head.encode() + body[:1])
    return connection


def begin_signed(
    gateway: Gateway, token: str, method: str, path: str, body: bytes, *, is_admin: bool = False
) -> socket.socket:
    """A connection on which all of a signed request has been sent but the last byte of its body."""
    signer = Signer(gateway, token, is_admin=is_admin)
    request = requests.Request(
        method, signer.seen_at + path, data=body, headers={"content-type": "application/json"}
    ).prepare()
    signed = signer.by_hand(request)
    address = urlsplit(signer.seen_at)
    connection = socket.create_connection((address.hostname, address.port), timeout=20)
    fields = "".join(f"{name}: {value}\r\n" for name, value in signed.headers.items())
    connection.sendall(f"{method} {path} HTTP/1.1\r\nHost: {address.netloc}\r\n{fields}\r\n".encode() + body[:-1])
    return connection


CALLS = [("GET", "/v1/usage"), ("GET", "/v1/whoami"), ("DELETE", "/v1/executions/exe_feedfeedfeedfeedfeedfe03")]


def log_of(gateway: Gateway, path: str) -> list[dict]:
    return [line for line in gateway.service.log_lines() if line.get("path") == path]


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/admin/v1/admin-tokens", {"name": "heir"}),
        ("/admin/v1/tenants", {"name": "bequest"}),
        ("/admin/v1/keys/{key}/rotation", {"overlap_seconds": 60}),
    ],
)
def test_a_revoked_admin_token_finishes_nothing_it_began(gateway: Gateway, tenant: Tenant, path: str, body: dict) -> None:
    issued = gateway.json_command("admin-token", "issue", "leaver")
    gateway.secrets.add(issued["token"])
    sent = json.dumps(body).encode()
    with begin_admin_post(gateway, issued["token"], path.replace("{key}", tenant.key_id), sent) as connection:
        gateway.command("admin-token", "revoke", issued["key_id"])
        connection.sendall(sent[1:])
        assert answer(connection)["type"] == "/problems/invalid-token"
    assert "heir" not in gateway.command("admin-token", "list")
    assert "bequest" not in gateway.command("tenant", "list")
    [key] = gateway.json_command("key", "list", tenant.name)
    assert key["state"] == "active"


def test_a_token_that_expires_meanwhile_runs_nothing(gateway: Gateway, tenant: Tenant) -> None:
    last = int(time.time()) + 1
    short = Tenant(gateway, tenant.name, tenant.key_id, expiring(tenant.token, last))
    gateway.secrets.add(short.token)
    body = json.dumps({"code": "print(1)"}).encode()
    with begin_post(gateway, short, f"Content-Length: {len(body)}") as connection:
        connection.sendall(body[:-1])
        eventually(lambda: time.time() >= last + 1, within=5, what="the token has expired")
        connection.sendall(body[-1:])
        assert answer(connection)["type"] == "/problems/expired-token"
    assert tenant.client.usage()["runtime"][0]["used_ms"] == 0


@pytest.mark.parametrize(("method", "path"), CALLS)
@pytest.mark.parametrize(
    ("command", "refusal"),
    [
        (["key", "revoke", "{key}"], "invalid-signature"),
        (["key", "rotate", "{key}", "--overlap", "0s"], "invalid-signature"),
        (["tenant", "suspend", "{tenant}", "--yes"], "tenant-disabled"),
    ],
    ids=["revoked", "retired", "suspended"],
)
def test_a_signed_call_is_judged_again_when_its_body_has_come(
    gateway: Gateway, tenant: Tenant, method: str, path: str, command: list[str], refusal: str
) -> None:
    with begin_signed(gateway, tenant.token, method, path, b"{}") as connection:
        eventually(lambda: uses(gateway, tenant) == 1, within=5, what="the signature was accepted")
        words = [word.format(key=tenant.key_id, tenant=tenant.name) for word in command]
        if command[1] == "rotate":
            gateway.secrets.add(gateway.json_command(*words)["token"])
        else:
            gateway.command(*words)
        connection.sendall(b"}")
        assert answer(connection)["type"] == f"/problems/{refusal}"


def uses(gateway: Gateway, tenant: Tenant) -> int:
    return sum(key["calls_today"] for key in gateway.json_command("key", "list", tenant.name))


def test_a_signed_call_whose_token_expires_meanwhile_learns_nothing(gateway: Gateway, tenant: Tenant) -> None:
    last = int(time.time()) + 2
    token = expiring(tenant.token, last)
    gateway.secrets.add(token)
    with begin_signed(gateway, token, "GET", "/v1/usage", b"{}") as connection:
        eventually(lambda: time.time() >= last + 1, within=5, what="the token has expired")
        connection.sendall(b"}")
        assert answer(connection)["type"] == "/problems/expired-token"


def test_a_revoked_admin_token_reads_nothing_it_signed_for(gateway: Gateway) -> None:
    issued = gateway.json_command("admin-token", "issue", "leaver")
    gateway.secrets.add(issued["token"])
    with begin_signed(gateway, issued["token"], "GET", "/admin/v1/keys", b"{}", is_admin=True) as connection:
        gateway.command("admin-token", "revoke", issued["key_id"])
        connection.sendall(b"}")
        assert answer(connection)["type"] == "/problems/invalid-signature"


def test_a_signed_execution_of_a_revoked_key_is_told_what_every_signed_call_is(gateway: Gateway, tenant: Tenant) -> None:
    body = json.dumps({"code": "print(1)"}).encode()
    with begin_signed(gateway, tenant.token, "POST", "/v1/executions", body) as connection:
        eventually(lambda: uses(gateway, tenant) == 1, within=5, what="the signature was accepted")
        gateway.command("key", "revoke", tenant.key_id)
        connection.sendall(body[-1:])
        assert answer(connection)["type"] == "/problems/invalid-signature"


def test_a_tenant_that_demands_signatures_meanwhile_runs_nothing_unsigned(gateway: Gateway, tenant: Tenant) -> None:
    body = json.dumps({"code": "print(1)"}).encode()
    with begin_post(gateway, tenant, f"Content-Length: {len(body)}") as connection:
        connection.sendall(body[:-1])
        gateway.command("quota", "set", tenant.name, "--signed-only")
        connection.sendall(body[-1:])
        assert answer(connection)["type"] == "/problems/invalid-signature"


def test_the_audit_says_with_which_token_an_administrator_acted(new_gateway: NewGateway) -> None:
    """Two of the same name are told apart."""
    gateway = new_gateway()
    tokens = [gateway.json_command("admin-token", "issue", "twin") for _ in range(2)]
    gateway.secrets |= {token["token"] for token in tokens}
    for number, token in enumerate(tokens):
        done = gateway.run(
            "tenant", "create", f"made-by-{number}", GATEWAY_ADMIN_TOKEN=token["token"], GATEWAY_ADMIN_URL=gateway.admin_url
        )
        assert done.returncode == 0, done.stderr
    records = [record["record"] for record in gateway.json_command("audit", "search")]
    made = [record for record in records if record["action"] == "tenant.created"]
    assert [record["actor"] for record in made] == ["admin:twin", "admin:twin"]
    assert [record["actor_key_id"] for record in made] == [token["key_id"] for token in tokens]
    assert all(record["request_id"] and record["source_address"] == "127.0.0.1" for record in made)


def test_commands_at_the_administrators_listener(gateway: Gateway) -> None:
    settings = {"GATEWAY_ADMIN_URL": gateway.admin_url + "/", "GATEWAY_LEDGER": "sqlite:/nonexistent/gateway.db"}
    done = gateway.run("tenant", "list", GATEWAY_ADMIN_TOKEN=gateway.admin_token, **settings)
    assert done.returncode == 0, done.stderr
    refused = gateway.run("tenant", "list", GATEWAY_ADMIN_TOKEN=gateway.tenant().token, **settings)
    assert refused.returncode == 1
    assert "token is not valid" in refused.stderr
    mistaken = gateway.run("tenant", "list", GATEWAY_ADMIN_TOKEN="e2b_" + "ab" * 20, **settings)
    assert mistaken.returncode == 1
    assert "GATEWAY_ADMIN_TOKEN is not a token of this gateway" in mistaken.stderr
    assert "E2B API key" in mistaken.stderr and "abab" not in mistaken.stderr
    lost = gateway.run(
        "tenant", "list", GATEWAY_ADMIN_TOKEN=gateway.admin_token, GATEWAY_ADMIN_URL="http://127.0.0.1:9"
    )
    assert lost.returncode == 1
    assert "GATEWAY_ADMIN_URL" in lost.stderr


def test_the_log_says_where_a_refusal_went_and_why(gateway: Gateway) -> None:
    path = "/v1/executions/exe_feedfeedfeedfeedfeedfeed"
    gateway.client(None).get(path, headers={"x-forwarded-for": "203.0.113.77"}).problem("missing-credential")
    [line] = eventually(lambda: log_of(gateway, path), within=5, what="the request is logged")
    assert line["source"] == "203.0.113.77"
    assert line["problem"] == "missing-credential"


def test_the_log_says_who_called(gateway: Gateway, tenant: Tenant) -> None:
    """The administrator likewise, by name; whoever owns the ledger's files as well."""
    path = "/v1/executions/exe_feedfeedfeedfeedfeedfe01"
    tenant.client.get(path).problem("not-found")
    [line] = eventually(lambda: log_of(gateway, path), within=5, what="the request is logged")
    assert (line["tenant"], line["key_id"]) == (tenant.name, tenant.key_id)
    assert (line["problem"], line["status"]) == ("not-found", "404")

    path = f"/admin/v1/tenants/{tenant.name}"
    admin = Client(gateway.admin_url, gateway.admin_token, gateway.contract)
    assert admin.get(path).status == 200
    gateway.command("tenant", "show", tenant.name)
    lines = eventually(lambda: len(log_of(gateway, path)) == 2 and log_of(gateway, path), within=5, what="both are logged")
    assert lines[0]["administrator"] == "admin:first"
    assert lines[0]["key_id"] == gateway.admin_token[6:22]
    assert lines[1]["administrator"].startswith("local:")


def test_the_log_says_why_a_credential_was_refused(gateway: Gateway, tenant: Tenant) -> None:
    """Which the caller must not learn."""
    issued = gateway.json_command("key", "issue", tenant.name)
    gateway.secrets.add(issued["token"])
    gateway.command("key", "revoke", issued["key_id"])
    expired = expiring(tenant.token, int(time.time()) - 60)
    gateway.secrets.add(expired)
    path = "/v1/executions/exe_feedfeedfeedfeedfeedfe02"
    for cause, token in {
        "revoked key": issued["token"],
        "unknown key": "e2b_01" + "0" * 80,
        "forged": tenant.token[:-64] + "0" * 64,
        "expired": expired,
    }.items():
        before = len(log_of(gateway, path))
        assert gateway.client(token).get(path).status == 401
        lines = eventually(lambda: log_of(gateway, path)[before:], within=5, what="the request is logged")
        assert (lines[0]["cause"], lines[0]["claimed_key_id"]) == (cause, token[6:22])
        assert "tenant" not in lines[0]
    forger = Client(gateway.admin_url, gateway.admin_token[:-64] + "0" * 64, gateway.contract)
    assert forger.get("/admin/v1/keys").status == 401
    lines = eventually(
        lambda: [line for line in log_of(gateway, "/admin/v1/keys") if line.get("cause") == "forged"],
        within=5,
        what="the request is logged",
    )
    assert lines[0]["claimed_key_id"] == gateway.admin_token[6:22]
