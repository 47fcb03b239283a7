"""Who may not call, what does not exist, and the pages that explain refusals."""

import time

import httpx
import pytest

from harness.contract import Contract
from harness.gateway import Gateway, Tenant
from harness.service import ROOT
from harness.tokens import expiring, for_templates, narrowed, scoped

CONTRACT = Contract(ROOT / "openapi.yaml")
PROTECTED = [
    (method, path.replace("{id}", "exe_000000000000000000000000").replace("{sandboxID}", "i00000000000000000000"))
    for method, path, operation in CONTRACT.operations()
    if path.startswith("/v1/") or "/sandboxes" in path
]


def offered_methods(path: str) -> set[str]:
    return {method for method, template, _ in CONTRACT.operations() if template == path}


CALLERS_PATHS = sorted({path for _, path, _ in CONTRACT.callers_operations()})


@pytest.mark.parametrize(("method", "path"), PROTECTED)
def test_without_a_credential(gateway: Gateway, method: str, path: str) -> None:
    reply = gateway.client(None).call(method, path)
    reply.problem("missing-credential")
    assert reply.headers["www-authenticate"].startswith("Bearer")


@pytest.mark.parametrize(("method", "path"), PROTECTED)
def test_with_an_unknown_token(gateway: Gateway, method: str, path: str) -> None:
    gateway.client("e2b_01" + "0" * 80).call(method, path).problem("invalid-token")


def spoiled(token: str) -> dict[str, str]:
    """Ways in which a token can be wrong; what the gateway says must not tell them apart."""
    half = len(token) // 2
    return {
        "one digit changed": token[:-1] + ("0" if token[-1] != "0" else "1"),
        "key id changed": token[:6] + ("0" if token[6] != "0" else "1") + token[7:],
        "cut": token[:-2],
        "odd": token[:-1],
        "longer": token + "00",
        "upper case": "e2b_" + token[4:].upper(),
        "without prefix": token[4:],
        "another prefix": "sk_" + token,
        "halved": token[:half],
        "empty": "e2b_",
        "an E2B key": "e2b_" + "a" * 40,
        "huge": "e2b_" + "0" * 5000,
        "not ASCII": "e2b_\u00e9",
        "unknown caveat": narrowed(token, 0x3F, b"x"),
        "caveat without its tag": token[:-64] + "0100080000000000000000" + token[-64:],
    }


@pytest.mark.parametrize("fault", spoiled("e2b_" + "0" * 82))
def test_a_spoiled_token(gateway: Gateway, busy_tenant: Tenant, fault: str) -> None:
    client = gateway.client(None)
    token = spoiled(busy_tenant.token)[fault]
    for headers in ({b"authorization": b"Bearer " + token.encode("latin-1")}, {b"x-api-key": token.encode("latin-1")}):
        reply = client.call("GET", "/v1/whoami", headers=headers)
        problem = reply.problem("invalid-token")
        assert token not in reply.body.decode()
        assert problem["detail"] == unknown_token_detail(gateway)


def unknown_token_detail(gateway: Gateway) -> str:
    return gateway.client("e2b_01" + "0" * 80).get("/v1/whoami").problem("invalid-token")["detail"]


def test_another_scheme_is_no_token(gateway: Gateway, busy_tenant: Tenant) -> None:
    client = gateway.client(None)
    for scheme in ("Basic", "Digest", "Token"):
        reply = client.get("/v1/whoami", headers={"authorization": f"{scheme} {busy_tenant.token}"})
        reply.problem("invalid-token")


def test_more_than_one_credential(gateway: Gateway, busy_tenant: Tenant) -> None:
    other = gateway.tenant()
    for second in (other.token, busy_tenant.token):
        reply = busy_tenant.client.get("/v1/whoami", headers={"x-api-key": second})
        reply.problem("invalid-request")
        assert busy_tenant.token not in reply.body.decode()


def test_an_expired_token(tenant: Tenant) -> None:
    now = int(time.time())
    assert tenant.client.with_token(expiring(tenant.token, now + 60)).get("/v1/whoami").status == 200
    tenant.client.with_token(expiring(tenant.token, now - 60)).get("/v1/whoami").problem("expired-token")
    both = expiring(expiring(tenant.token, now - 60), now + 60)
    tenant.client.with_token(both).get("/v1/whoami").problem("expired-token")


def test_a_token_tells_when_it_expires(tenant: Tenant) -> None:
    client = tenant.client.with_token(expiring(tenant.token, 4_102_444_800))
    assert client.get("/v1/whoami").document["expires_at"].startswith("2100-01-01T00:00:00")


def test_a_token_without_the_scope(tenant: Tenant) -> None:
    reader = tenant.client.with_token(scoped(tenant.token, execute=False, read=True))
    assert reader.get("/v1/whoami").document["scopes"] == ["read"]
    assert reader.get("/v1/usage").status == 200
    assert "execute" in reader.post("print(1)").problem("insufficient-scope")["detail"]
    reader.cancel("exe_000000000000000000000000").problem("insufficient-scope")

    runner = tenant.client.with_token(scoped(tenant.token, execute=True, read=False))
    document = runner.execute("print(1)")
    runner.get(f"/v1/executions/{document['id']}").problem("insufficient-scope")
    runner.get("/v1/usage").problem("insufficient-scope")


def test_a_template_that_is_not_offered(tenant: Tenant) -> None:
    tenant.client.post("print(1)", template="somebody-elses").problem("not-offered")


def test_a_template_that_the_token_leaves_out(tenant: Tenant) -> None:
    narrowed_client = tenant.client.with_token(for_templates(tenant.token, "another"))
    narrowed_client.post("print(1)").problem("insufficient-scope")
    narrowed_client.post("print(1)", template="code-interpreter-v1").problem("insufficient-scope")
    narrowed_client.post("print(1)", template="another").problem("not-offered")


def test_a_revoked_key(gateway: Gateway, tenant: Tenant) -> None:
    assert tenant.client.get("/v1/whoami").status == 200
    second = gateway.json_command("key", "issue", tenant.name)
    gateway.secrets.add(second["token"])
    gateway.command("key", "revoke", tenant.key_id)
    tenant.client.get("/v1/whoami").problem("invalid-token")
    tenant.client.post("print(1)").problem("invalid-token")
    assert tenant.client.with_token(second["token"]).get("/v1/whoami").document["key_id"] == second["key_id"]


@pytest.mark.parametrize("path", ["/", "/v1", "/v1/execution", "/v1/executions/x/y", "/%00", "/v2"])
def test_an_unknown_route(busy_tenant: Tenant, path: str) -> None:
    busy_tenant.client.get(path).problem("not-found")


@pytest.mark.parametrize(
    ("method", "path"), [(method, path) for method, path, _ in CONTRACT.operations() if path.startswith("/admin/")]
)
def test_administration_is_not_on_the_callers_port(
    gateway: Gateway, busy_tenant: Tenant, method: str, path: str
) -> None:
    url = gateway.url + path.replace("{tenant}", busy_tenant.name).replace("{key_id}", busy_tenant.key_id)
    headers = {"authorization": f"Bearer {busy_tenant.token}"}
    response = httpx.request(method, url, headers=headers, json={}, trust_env=False)
    assert response.status_code == 403
    # Like everything below /admin, which is E2B's own there, whether or not there is such a thing.
    assert response.json()["type"] == "/problems/not-offered"


@pytest.mark.parametrize(
    ("method", "path"),
    [
        (method, path)
        for path in CALLERS_PATHS
        for method in ("PUT", "PATCH", "GET", "POST", "DELETE", "OPTIONS")
        if method not in offered_methods(path)
    ],
)
def test_a_method_that_a_route_does_not_offer(busy_tenant: Tenant, method: str, path: str) -> None:
    concrete = path.replace("{id}", "exe_000000000000000000000000").replace("{type}", "not-found")
    reply = busy_tenant.client.call(method, concrete)
    reply.problem("method-not-allowed")
    assert {name.strip() for name in reply.headers["allow"].split(",")} - {"HEAD"} == offered_methods(path)


def test_health_needs_no_credential(gateway: Gateway) -> None:
    client = gateway.client(None)
    assert client.get("/healthz").document == {"status": "ok"}
    assert client.get("/readyz").document == {"status": "ready", "ledger": "ok", "upstream": "ok"}


@pytest.mark.parametrize("slug", CONTRACT.problem_types())
def test_every_problem_has_a_page(gateway: Gateway, slug: str) -> None:
    reply = gateway.client(None).get(f"/problems/{slug}")
    assert reply.status == 200
    assert slug in reply.body.decode()
    assert len(reply.body) > 60, "an explanation and the cure"


def test_an_unknown_problem_has_none(gateway: Gateway) -> None:
    gateway.client(None).get("/problems/never-heard-of").problem("not-found")


def test_request_ids_go_in_and_out(gateway: Gateway, tenant: Tenant) -> None:
    for given in ("chat-17", "A.b_c-9", "x" * 128):
        reply = tenant.client.post("print(1)", headers={"x-request-id": given})
        assert reply.headers["x-request-id"] == given
        records = gateway.audit(reply.document["id"])
        assert records[0]["record"]["request_id"] == given
    assert any(line.get("request_id") == "chat-17" for line in flattened(gateway.service.log_lines()))


@pytest.mark.parametrize("given", ["", "two words", "x" * 129, "semi;colon", "quote\"", "é"])
def test_a_request_id_that_does_not_fit_is_replaced(busy_tenant: Tenant, given: str) -> None:
    reply = busy_tenant.client.call("GET", "/v1/whoami", headers={"x-request-id": given.encode("latin-1")})
    assert reply.status == 200
    assert reply.headers["x-request-id"] not in ("", given)


def test_every_call_has_another_request_id(busy_tenant: Tenant) -> None:
    ids = {busy_tenant.client.get("/v1/whoami").headers["x-request-id"] for _ in range(20)}
    assert len(ids) == 20


def flattened(lines: list[dict]) -> list[dict]:
    """Log lines with their metadata beside the rest."""
    return [line | (line.get("metadata") or {}) for line in lines]
