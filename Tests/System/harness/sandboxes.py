"""The SDK door, as its SDKs use it, by hand."""

import datetime
import urllib.parse

from harness.client import Client, Reply
from harness.gateway import Gateway, Tenant
from harness.waiting import eventually

TEMPLATE = "code-interpreter-v1"


class Door:
    """A caller's own sandboxes."""

    def __init__(self, tenant: Tenant, token: str | None = None, client: Client | None = None):
        self.tenant = tenant
        self.client = client or tenant.gateway.client(token or tenant.token)
        if token:
            tenant.gateway.secrets.add(token)

    def create(self, *, version: str = "v2", key: str | None = None, **fields: object) -> Reply:
        """A create, whatever comes of it."""
        headers = {"idempotency-key": key} if key is not None else {}
        path = "/v2/sandboxes" if version == "v2" else "/sandboxes"
        return self.noted(self.client.call("POST", path, json={"templateID": TEMPLATE} | fields, headers=headers))

    def made(self, **fields: object) -> str:
        """A sandbox that must be made, by its id."""
        reply = self.create(**fields)
        assert reply.status == 201, f"{reply.status}: {reply.body[:1000]!r}"
        return reply.document["sandboxID"]

    def connect(self, sandbox: str, *, version: str = "v2", **fields: object) -> Reply:
        prefix = "/v2" if version == "v2" else ""
        return self.noted(self.client.call("POST", f"{prefix}/sandboxes/{sandbox}/connect", json=fields))

    def noted(self, reply: Reply) -> Reply:
        """What opens a sandbox must not be seen elsewhere."""
        if reply.status in (200, 201):
            self.tenant.gateway.secrets |= {reply.document["envdAccessToken"], reply.document["trafficAccessToken"]}
        return reply

    def get(self, sandbox: str) -> Reply:
        return self.client.get(f"/sandboxes/{sandbox}")

    def detail(self, sandbox: str) -> dict:
        reply = self.get(sandbox)
        assert reply.status == 200, reply.body
        return reply.document

    def kill(self, sandbox: str) -> Reply:
        return self.client.call("DELETE", f"/sandboxes/{sandbox}")

    def set_timeout(self, sandbox: str, seconds: object) -> Reply:
        return self.client.call("POST", f"/sandboxes/{sandbox}/timeout", json={"timeout": seconds})

    def refresh(self, sandbox: str, **fields: object) -> Reply:
        return self.client.call("POST", f"/sandboxes/{sandbox}/refreshes", json=fields)

    def pause(self, sandbox: str) -> Reply:
        return self.client.call("POST", f"/sandboxes/{sandbox}/pause", json={})

    def listed(self, **query: str) -> Reply:
        return self.client.get("/v2/sandboxes" + ("?" + urllib.parse.urlencode(query) if query else ""))

    def ids(self, **query: str) -> list[str]:
        reply = self.listed(**query)
        assert reply.status == 200, reply.body
        return [sandbox["sandboxID"] for sandbox in reply.document]

    def day(self) -> dict:
        """The day's runtime."""
        [window] = [window for window in self.client.usage()["runtime"] if window["window"] == "day"]
        return window

    def wait_until_gone(self, sandbox: str, within: float = 10) -> None:
        eventually(lambda: self.get(sandbox).status == 404, within=within, pause=0.1, what=f"{sandbox} is over")

    def assert_nothing_held(self) -> None:
        """No sandbox lives, and nothing is reserved for one."""
        usage = self.client.usage()
        assert usage["sandboxes"]["running"] == 0
        assert all(window["reserved_ms"] == 0 for window in usage["runtime"])


def metadata_filter(labels: dict[str, str]) -> str:
    """As SDKs write it, but for the last encoding, which makes it a parameter."""
    parts = {urllib.parse.quote(name, safe=""): urllib.parse.quote(value, safe="") for name, value in labels.items()}
    return urllib.parse.urlencode(parts)


def granted(reply: Reply) -> int:
    """How long the sandbox has, in milliseconds."""
    return int(reply.headers["granted-timeout-ms"])


def instant(text: str) -> float:
    return datetime.datetime.fromisoformat(text).timestamp()


def life(gateway: Gateway, sandbox: str) -> list[dict]:
    """The audit's records that concern one sandbox, by upstream's id; those before it had one, too."""
    records = [line["record"] for line in gateway.whole_audit()]
    handles = {record["sandbox_handle"] for record in records if record.get("sandbox") == sandbox}
    assert len(handles) == 1, handles
    return [record for record in records if record.get("sandbox_handle") in handles]


def actions(records: list[dict]) -> list[str]:
    return [record["action"] for record in records]
