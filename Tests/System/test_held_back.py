"""Requests whose bodies take their time: what was true when they began may not be true when they act."""

import json
import socket
import time
from urllib.parse import urlsplit

import pytest

from conftest import NewGateway
from harness.gateway import Gateway, Tenant
from harness.raw import answer, begin_post
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
    records = [json.loads(record["record"]) for record in gateway.json_command("audit", "search")]
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
