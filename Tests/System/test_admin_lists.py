"""The administrators' lists: in pages, by filters, and refusing what was mistyped."""

import json
import re

import httpx
import pytest

from conftest import NewGateway
from harness.client import Client, Reply
from harness.contract import Contract
from harness.gateway import Gateway
from harness.service import ROOT

CONTRACT = Contract(ROOT / "openapi.yaml")
NAMES = [f"team-{number:02}" for number in range(7)] + ["other-1", "other-2"]


@pytest.fixture(scope="module")
def listed(session_gateway: NewGateway) -> Gateway:
    """A gateway for this module, since its tests count what it has."""
    gateway = session_gateway()
    for name in NAMES:
        gateway._made("/admin/v1/tenants", (), {"name": name})
    return gateway


@pytest.fixture(scope="module")
def admin(listed: Gateway) -> Client:
    return Client(listed.admin_url, listed.admin_token, listed.contract)


def next_page(reply: Reply) -> str | None:
    link = reply.headers.get("link")
    return re.fullmatch(r'<(/[^>]*)>; rel="next"', link)[1] if link else None


def pages(admin: Client, path: str) -> list[list[dict]]:
    found, target = [], path
    while target:
        reply = admin.get(target)
        assert reply.status == 200, reply.body
        found.append(reply.document)
        target = next_page(reply)
    return found


def names(admin: Client, path: str) -> list[str]:
    return [each["name"] for page in pages(admin, path) for each in page]


@pytest.mark.parametrize("limit", [1, 2, 4, 9, 100])
def test_pages_together_are_the_list_and_none_is_too_long(admin: Client, limit: int) -> None:
    found = pages(admin, f"/admin/v1/tenants?limit={limit}")
    assert [tenant["name"] for page in found for tenant in page] == sorted(NAMES)
    assert all(len(page) == limit for page in found[:-1])
    assert 0 < len(found[-1]) <= limit, "no empty page at the end"


def test_a_page_goes_on_behind_a_name_that_never_was(admin: Client) -> None:
    assert names(admin, "/admin/v1/tenants?after=team-03x") == ["team-04", "team-05", "team-06"]


def test_filters_hold_on_every_page(admin: Client) -> None:
    found = pages(admin, "/admin/v1/tenants?prefix=team&limit=3")
    assert [len(page) for page in found] == [3, 3, 1]
    assert {tenant["name"] for page in found for tenant in page} == set(NAMES[:7])


def test_tenants_by_state(listed: Gateway, admin: Client) -> None:
    path = "/admin/v1/tenants/other-2"
    assert admin.call("PATCH", path, json={"disabled": True}).status == 200
    assert names(admin, "/admin/v1/tenants?state=suspended") == ["other-2"]
    assert names(admin, "/admin/v1/tenants?state=disabled&prefix=other") == ["other-2"]
    assert names(admin, "/admin/v1/tenants?state=active&prefix=other") == ["other-1"]
    assert [tenant["name"] for tenant in listed.json_command("tenant", "list", "--state", "suspended")] == ["other-2"]
    assert "No tenant fits" in listed.command("tenant", "list", "--prefix", "nobody")
    assert admin.call("PATCH", path, json={"disabled": False}).status == 200


def test_keys_by_tenant_state_and_use(listed: Gateway, admin: Client) -> None:
    made = [listed._made("/admin/v1/tenants/team-00/keys", ()) for _ in range(5)]
    listed.secrets |= {key["token"] for key in made}
    ids = [key["key_id"] for key in made]
    listed.client(made[0]["token"]).get("/v1/whoami")
    assert admin.call("DELETE", f"/admin/v1/keys/{ids[1]}").status == 200

    def found(query: str) -> list[str]:
        return [key["key_id"] for page in pages(admin, f"/admin/v1/keys?tenant=team-00&{query}") for key in page]

    assert found("limit=2") == found("") == ids, "the oldest first"
    assert found("state=revoked") == [ids[1]]
    assert found("state=active&limit=1") == [ids[0], *ids[2:]]
    assert found("unused_since=2026-01-01") == [], "none is so old"
    assert found("unused_since=2100-01-01&state=active") == [ids[0], *ids[2:]]
    assert found(f"after={ids[1]}&state=active") == ids[2:], "behind one that does not fit itself"
    used = admin.get("/admin/v1/keys?tenant=team-00").document[0]["last_used_at"]
    assert found(f"unused_since={used}&state=active") == ids[2:], "those made before and never used, too"
    listing = listed.json_command("key", "list", "team-00", "--state", "revoked", "--unused-since", "2100-01-01")
    assert [key["key_id"] for key in listing] == [ids[1]]


def test_admin_tokens_and_credits(listed: Gateway, admin: Client) -> None:
    ids = []
    for _ in range(3):
        made = admin.call("POST", "/admin/v1/admin-tokens", json={"name": "pager", "scopes": ["admin:read"]}).document
        listed.secrets.add(made["token"])
        ids.append(made["key_id"])
    assert admin.call("DELETE", f"/admin/v1/admin-tokens/{ids[0]}").status == 200

    def found(path: str, name: str) -> list[str]:
        return [each[name] for page in pages(admin, path) for each in page]

    assert found("/admin/v1/admin-tokens?name=pager&limit=1", "key_id") == ids
    assert found("/admin/v1/admin-tokens?name=pager&state=active", "key_id") == ids[1:]
    assert [each["key_id"] for each in listed.json_command("admin-token", "list", "--state", "revoked")] == ids[:1]

    path = "/admin/v1/tenants/team-01/credits"
    credits = [
        admin.call("POST", path, json={"runtime_seconds": 60, "until": f"20{30 + year}-01-01T00:00:00Z"}).document["id"]
        for year in range(3)
    ]
    assert found(f"{path}?limit=2", "id") == credits
    assert [credit["id"] for credit in listed.json_command("quota", "credits", "team-01")] == credits
    assert "No credits" in listed.command("quota", "credits", "team-02")
    admin.get("/admin/v1/tenants/nobody/credits").problem("not-found")


def test_upstream_keys(listed: Gateway, admin: Client) -> None:
    [key] = admin.get("/admin/v1/upstream-keys?role=active").document
    assert admin.get(f"/admin/v1/upstream-keys?role=standby").document == []
    assert admin.get(f"/admin/v1/upstream-keys?team={key['team']}&limit=1").document == [key]
    admin.get("/admin/v1/upstream-keys?after=uk_0000000000000000").problem("invalid-request")
    assert listed.json_command("upstream-key", "list", "--role", "active") == [key]


@pytest.mark.parametrize(
    ("path", "named"),
    [
        ("/admin/v1/tenants?limit=0", "limit"),
        ("/admin/v1/tenants?limit=1001", "limit"),
        ("/admin/v1/tenants?limit=ten", "limit"),
        ("/admin/v1/tenants?state=gone", "state"),
        ("/admin/v1/keys?state=disabled", "state"),
        ("/admin/v1/keys?unused_since=yesterday", "unused_since"),
        ("/admin/v1/keys?after=0000000000000000", "after"),
        ("/admin/v1/admin-tokens?state=retiring", "state"),
        ("/admin/v1/upstream-keys?role=idle", "role"),
        ("/admin/v1/tenants?prefix=a&prefix=b", "twice"),
    ],
)
def test_values_that_make_no_sense_are_refused(admin: Client, path: str, named: str) -> None:
    assert named in admin.get(path).problem("invalid-request")["detail"]


ADMINISTRATION = [
    (method, path, operation) for method, path, operation in CONTRACT.operations() if path.startswith("/admin/")
]


def test_every_list_says_where_it_goes_on_and_is_documented() -> None:
    documented = (ROOT / "docs/admin-api.md").read_text()
    for _, path, operation in ADMINISTRATION:
        known = {CONTRACT._resolved(parameter)["name"] for parameter in operation.get("parameters", [])}
        if "limit" in known:
            assert f"`{path.removeprefix('/admin/v1')}`" in documented, path
        if {"limit", "after"} <= known and path != "/admin/v1/audit":
            assert "Link" in operation["responses"]["200"]["headers"], path


def test_checkpoints_come_in_pages(admin: Client) -> None:
    path = "/admin/v1/audit/checkpoints"
    last = max(admin.call("POST", path).document["checkpoint"]["number"] for _ in range(5))
    found = pages(admin, f"{path}?limit=2")
    numbers = [each["checkpoint"]["number"] for page in found for each in page]
    assert numbers[:last] == list(range(1, last + 1)), "the gateway may have made another"
    assert len(found) > 2 and all(len(page) == 2 for page in found[:-1])
    assert next_page(admin.get(f"{path}?after={last - 1}")) is None
    assert "after" in admin.get(f"{path}?after=first").problem("invalid-request")["detail"]


@pytest.mark.parametrize(("method", "path", "operation"), ADMINISTRATION, ids=[each[2]["operationId"] for each in ADMINISTRATION])
def test_a_mistyped_parameter_is_refused_by_name(admin: Client, method: str, path: str, operation: dict) -> None:
    """On every operation, before anything is done; a filter that is passed over would list, or change, everything."""
    concrete = path.replace("{tenant}", "team-03").replace("{key_id}", "0123456789abcdef").replace("{credit_id}", "crd_0")
    concrete = concrete.replace("{upstream_key_id}", "uk_0").replace("{execution}", "exe_" + "0" * 24)
    detail = admin.call(method, concrete + "?tennant=acme").problem("invalid-request")["detail"]
    assert "tennant" in detail
    known = [CONTRACT._resolved(parameter) for parameter in operation.get("parameters", [])]
    assert all(parameter["name"] in detail for parameter in known if parameter["in"] == "query"), "what there is"


def test_a_token_in_the_place_of_a_parameter_is_not_repeated(admin: Client) -> None:
    problem = admin.get(f"/admin/v1/tenants?{admin.token}=1").problem("invalid-request")
    assert admin.token[:12] not in json.dumps(problem)


def test_commands_follow_the_pages_to_the_end(listed: Gateway, admin: Client) -> None:
    """More than the longest page holds."""
    for number in range(1_005):
        listed._made("/admin/v1/tenants", (), {"name": f"many-{number:04}"})
    assert len(listed.json_command("tenant", "list", "--prefix", "many-")) == 1_005
    through = {"GATEWAY_ADMIN_URL": listed.admin_url, "GATEWAY_ADMIN_TOKEN": listed.admin_token}
    done = listed.run("tenant", "list", "--prefix", "many-", "--output", "json", **through)
    assert len(json.loads(done.stdout)) == 1_005, done.stderr
    assert len(admin.get("/admin/v1/tenants").document) == 100, "unless told otherwise"


def test_head_counts_as_reading(admin: Client) -> None:
    headers = {"authorization": f"Bearer {admin.token}"}
    reply = httpx.head(admin.url + "/admin/v1/tenants?limit=1", headers=headers, trust_env=False)
    assert (reply.status_code, 'rel="next"' in reply.headers["link"]) == (200, True)
