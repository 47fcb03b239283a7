"""Somebody at the administrators' listener, and what the audit log says that such people did."""

import struct
from collections.abc import Callable

from harness.client import Client
from harness.gateway import Gateway
from harness.tokens import narrowed

# Where each scope stands in a token.
BITS = {
    "admin:read": 8,
    "admin:tenants": 9,
    "admin:quotas": 10,
    "admin:keys": 11,
    "admin:upstream-keys": 12,
    "admin:audit": 13,
}

# A caveat, for `narrowed`: good at 203.0.113.7 alone.
NARROWED_TO_ONE_ADDRESS = (0x08, b"\x04\x20\xcb\0\x71\x07")


def to_scopes(token: str, *scopes: str) -> str:
    return narrowed(token, 0x03, struct.pack(">I", sum(1 << BITS[scope] for scope in scopes)))


class Administrator:
    """Somebody at the administrators' listener, with a token of its own."""

    def __init__(self, gateway: Gateway, token: str | None, name: str = "", key_id: str = ""):
        self.gateway = gateway
        self.name = name
        self.key_id = key_id
        self.token = token
        self.client = Client(gateway.admin_url, token, gateway.contract)

    def narrowed(self, narrowing: Callable[..., str], *how: object) -> "Administrator":
        token = narrowing(self.token, *how)
        self.gateway.secrets.add(token)
        return Administrator(self.gateway, token, self.name, self.key_id)

    def made(self, path: str, **body: object) -> dict:
        """Something new, whose token is noted as a secret."""
        reply = self.client.call("POST", path, **({"json": body} if body else {}))
        assert reply.status == 201, reply.body
        if "token" in reply.document:
            self.gateway.secrets.add(reply.document["token"])
        return reply.document

    def appoint(self, name: str, *scopes: str) -> "Administrator":
        """Another one, with these scopes or else all that this one has."""
        document = self.made("/admin/v1/admin-tokens", name=name, **({"scopes": list(scopes)} if scopes else {}))
        return Administrator(self.gateway, document["token"], name, document["key_id"])

    def everything(self) -> list[object]:
        """All that administrators change, as it stands; without what reading it changes."""
        tenants = self.client.get("/admin/v1/tenants?limit=1000").document
        policies = [self.client.get(f"/admin/v1/tenants/{tenant['name']}/policy").document for tenant in tenants]
        tokens = self.client.get("/admin/v1/admin-tokens?limit=1000").document
        known = [{name: token[name] for name in token if name != "last_used_at"} for token in tokens]
        upstream_keys = self.client.get("/admin/v1/upstream-keys").document
        return [tenants, policies, self.client.get("/admin/v1/keys?limit=1000").document, known, upstream_keys]


def acts(gateway: Gateway, tenant: str | None = None, after: int = 0) -> list[dict]:
    only = ["--tenant", tenant] if tenant else []
    page = gateway.json_command("audit", "search", *only, "--after", str(after), "--limit", "1000")
    # Refusals of what went before are written a little later.
    return [record["record"] for record in page if not record["record"]["action"].endswith(".refused")]


def last_sequence(gateway: Gateway) -> int:
    return gateway.json_command("audit", "verify")["verified"]
