"""ETag, If-Match and If-None-Match: what two administrators do at once, neither of them overwrites unseen."""

import threading

import pytest

from harness.client import Client, Reply
from harness.gateway import Gateway, Tenant


@pytest.fixture(scope="module")
def admin(gateway: Gateway) -> Client:
    return Client(gateway.admin_url, gateway.admin_token, gateway.contract)


@pytest.fixture(params=["tenant", "policy", "default policy"])
def resource(request: pytest.FixtureRequest, tenant: Tenant) -> tuple[str, dict, dict]:
    """Its path, and two different changes of it."""
    path = f"/admin/v1/tenants/{tenant.name}"
    return {
        "tenant": (path, {"disabled": True}, {"disabled": False}),
        "policy": (path + "/policy", {"executions": 3}, {"executions": 5}),
        "default policy": ("/admin/v1/default-policy", {"executions": 6}, {"executions": 5}),
    }[request.param]


def change(admin: Client, path: str, body: dict, **headers: str) -> Reply:
    return admin.call("PATCH", path, json=body, headers={name.replace("_", "-"): value for name, value in headers.items()})


def test_a_change_of_what_was_seen_is_made_once(admin: Client, resource: tuple[str, dict, dict]) -> None:
    path, one, other = resource
    change(admin, path, other)
    seen = admin.get(path)
    etag = seen.headers["etag"]
    changed = change(admin, path, one, if_match=etag)
    assert changed.status == 200
    assert changed.headers["etag"] != etag
    assert admin.get(path).headers["etag"] == changed.headers["etag"], "the reply to a change says its tag"
    problem = change(admin, path, other, if_match=etag).problem("precondition-failed")
    assert "nothing was changed" in problem["detail"]
    assert admin.get(path).document == changed.document
    back = change(admin, path, other, if_match=changed.headers["etag"])
    assert (back.status, back.headers["etag"]) == (200, etag), "the same state has the same tag"


def test_who_has_it_already_is_told_so(admin: Client, resource: tuple[str, dict, dict]) -> None:
    path, _, other = resource
    change(admin, path, other)
    etag = admin.get(path).headers["etag"]
    for tags in (etag, f'"other", {etag}', f"W/{etag}", "*"):
        reply = admin.get(path, headers={"if-none-match": tags})
        assert (reply.status, reply.body, reply.headers["etag"]) == (304, b"", etag), tags
    for tags in ('"other"', 'W/"other"'):
        assert admin.get(path, headers={"if-none-match": tags}).status == 200, tags
    assert admin.get(path, headers={"if-match": etag}).status == 200
    admin.get(path, headers={"if-match": '"other"'}).problem("precondition-failed")


@pytest.mark.parametrize(
    ("tags", "status"),
    [("{etag}", 200), ('"x", {etag}', 200), ("*", 200), ('"x"', 412), ("W/{etag}", 412), ('"x", W/{etag}', 412)],
)
def test_if_match_compares_strongly(admin: Client, tenant: Tenant, tags: str, status: int) -> None:
    path = f"/admin/v1/tenants/{tenant.name}/policy"
    etag = admin.get(path).headers["etag"]
    assert change(admin, path, {"executions": 4}, if_match=tags.format(etag=etag)).status == status


@pytest.mark.parametrize("tags", ["", "abc", '"abc', '"a" "b"', '*, "a"', "w/"])
def test_what_is_no_entity_tag_is_refused(admin: Client, tenant: Tenant, tags: str) -> None:
    path = f"/admin/v1/tenants/{tenant.name}/policy"
    assert "If-Match" in change(admin, path, {"executions": 4}, if_match=tags).problem("invalid-request")["detail"]
    admin.get(path, headers={"if-none-match": tags}).problem("invalid-request")


def test_if_none_match_forbids_a_change(admin: Client, tenant: Tenant) -> None:
    path = f"/admin/v1/tenants/{tenant.name}/policy"
    etag = admin.get(path).headers["etag"]
    for tags in (etag, f"W/{etag}", "*"):
        change(admin, path, {"executions": 4}, if_none_match=tags).problem("precondition-failed")
    assert change(admin, path, {"executions": 4}, if_none_match='"other"').status == 200


def test_other_refusals_go_first(admin: Client, tenant: Tenant) -> None:
    """RFC 9110, 13.2.1: conditions are not looked at where the request would be refused without them."""
    path = f"/admin/v1/tenants/{tenant.name}/policy"
    change(admin, path, {"executions": -1}, if_match='"other"').problem("invalid-request")
    change(admin, "/admin/v1/tenants/nobody/policy", {"executions": 1}, if_match='"other"').problem("not-found")
    change(admin, "/admin/v1/tenants/nobody", {"disabled": True}, if_match="*").problem("not-found")


def test_what_has_no_tag_is_in_no_state_that_one_names(admin: Client, tenant: Tenant) -> None:
    """Passed over, it would protect from nothing."""
    key = f"/admin/v1/keys/{tenant.key_id}"
    admin.call("DELETE", key, headers={"if-match": '"seen"'}).problem("precondition-failed")
    assert tenant.client.get("/v1/whoami").status == 200
    assert admin.call("DELETE", key, headers={"if-match": "*"}).status == 200


def test_of_many_at_once_one_is_made(gateway: Gateway, admin: Client, tenant: Tenant) -> None:
    path = f"/admin/v1/tenants/{tenant.name}/policy"
    etag = admin.get(path).headers["etag"]
    statuses: list[int] = []

    def work(number: int) -> None:
        client = Client(gateway.admin_url, gateway.admin_token, gateway.contract)
        statuses.append(change(client, path, {"executions": 10 + number}, if_match=etag).status)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(statuses) == [200] + [412] * 7
    records = [each["record"] for each in gateway.json_command("audit", "search", "--tenant", tenant.name)]
    assert [each["action"] for each in records].count("policy.set") == 1, "refused ones leave no trace of a change"
