"""What E2B offers and the gateway does not: all tenants share one team upstream, and reach nothing of it but their own."""

from collections.abc import Iterator

import pytest

from conftest import NewGateway
from harness.gateway import Gateway, Tenant
from harness.keeping_e2b import KeepingE2B
from harness.sandboxes import Door
from harness.waiting import eventually

PATHS = [
    "/teams", "/teams/t1/metrics", "/api-keys", "/api-keys/k1", "/access-tokens", "/access-tokens/a1", "/admin/teams",
    "/nodes", "/nodes/n1", "/templates", "/templates/t1", "/templates/ns%2Fsnap%3Adefault", "/templates/t1/builds/b1/status",
    "/v2/templates", "/v2/templates/t1/builds/b1", "/v3/templates", "/snapshots", "/volumes", "/volumes/v1",
    "/volumecontent/v1/file", "/secrets", "/secrets/s1", "/events/sandboxes",
]  # fmt: skip
OF_SANDBOXES = ["fork", "snapshots", "network", "resume"]
METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"]


@pytest.fixture(scope="module")
def upstream() -> Iterator[KeepingE2B]:
    with KeepingE2B() as fake:
        yield fake


@pytest.fixture(scope="module")
def kept(session_gateway: NewGateway, upstream: KeepingE2B) -> Gateway:
    return session_gateway(upstream.url)


@pytest.fixture(scope="module")
def tenant(kept: Gateway) -> Tenant:
    return kept.tenant("--rate", "10000/s", "--burst", "10000")


@pytest.mark.parametrize("path", PATHS)
def test_it_is_refused(tenant: Tenant, path: str) -> None:
    for method in METHODS:
        reply = tenant.client.call(method, path, **({"json": {}} if method != "GET" else {}))
        reply.problem("not-offered")
        assert reply.headers["should-retry"] == "false"
        tenant.gateway.client(None).call(method, path).problem("missing-credential")


@pytest.mark.parametrize("call", OF_SANDBOXES)
def test_it_is_refused_of_ones_own_sandbox_as_well(tenant: Tenant, upstream: KeepingE2B, call: str) -> None:
    door = Door(tenant)
    sandbox = door.made(timeout=60)
    changes = len(upstream.changes)
    for method in METHODS:
        reply = tenant.client.call(method, f"/sandboxes/{sandbox}/{call}", json={})
        reply.problem("not-offered")
        assert reply.headers["should-retry"] == "false"
    assert len(upstream.changes) == changes
    door.kill(sandbox)


@pytest.mark.parametrize(
    "path",
    ["/sandboxes/../teams", "/sandboxes/%2e%2e/teams", "//teams", "/v2/sandboxes/i0/fork", "/v2/teams", "/unheard-of",
     "/sandboxes/i0/unheard-of", "/sandboxes/i0/connect/more"],
)  # fmt: skip
def test_whatever_is_not_known_goes_nowhere(tenant: Tenant, upstream: KeepingE2B, path: str) -> None:
    changes = len(upstream.changes)
    for method in METHODS:
        assert tenant.client.call(method, path).status in (403, 404, 405)
    assert len(upstream.changes) == changes


def test_nothing_of_it_is_said_to_a_token_in_the_path(tenant: Tenant) -> None:
    reply = tenant.client.get(f"/templates/{tenant.token}")
    assert tenant.token not in reply.problem("not-offered")["detail"]


def test_it_is_audited(kept: Gateway) -> None:
    tenant = kept.tenant()
    tenant.client.get("/teams").problem("not-offered")

    def records() -> list[dict]:
        return kept.json_command("audit", "search", "--tenant", tenant.name, "--action", "call.refused")

    [line] = eventually(records, within=5, pause=0.2, what="it is recorded")
    assert line["record"]["reason"] == "not-offered"
