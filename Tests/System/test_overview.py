"""What administrators see at a glance: `/admin/v1/overview`, `/admin/v1/usage`, `/admin/v1/settings`."""

import re

import pytest

from conftest import NewGateway
from harness.client import Client
from harness.gateway import Gateway, Tenant
from harness.waiting import eventually

HOLD = "import time\nprint('on', flush=True)\ntime.sleep(25)"


@pytest.fixture(scope="module")
def looked_at(session_gateway: NewGateway) -> Gateway:
    """A gateway for this module, of which all is known."""
    return session_gateway(GATEWAY_AUDIT_FILE="audit.jsonl", GATEWAY_UPSTREAM_SANDBOXES="7", GATEWAY_LOG_LEVEL="debug")


@pytest.fixture(scope="module")
def admin(looked_at: Gateway) -> Client:
    return Client(looked_at.admin_url, looked_at.admin_token, looked_at.contract)


@pytest.fixture(scope="module")
def tenant(looked_at: Gateway) -> Tenant:
    return looked_at.tenant("--executions", "1", "--runtime", "86400s/day")


def overview(admin: Client) -> dict:
    reply = admin.get("/admin/v1/overview")
    assert reply.status == 200, reply.body
    return reply.document


def test_it_is_all_in_one_document(looked_at: Gateway, admin: Client, tenant: Tenant) -> None:
    before = overview(admin)
    assert before["gateway"]["version"] == looked_at.command("--version").strip()
    assert [peer["epoch"] for peer in before["gateways"]] == [before["gateway"]["epoch"]]
    assert before["gateway"]["draining"] is False
    assert (before["upstream"]["circuit"], before["upstream"]["limit"]) == ("closed", 7)
    assert (before["work"]["executions"], before["tenants"]["near_limit"]) == (0, [])
    [sink] = before["audit"]["sinks"]
    assert (sink["kind"], sink["up"]) == ("file", True)
    with tenant.client.stream(HOLD) as stream:
        next(iter(stream))
        during = overview(admin)
        assert (during["work"]["executions"], during["upstream"]["held"]) == (1, 1)
        assert during["tenants"]["near_limit"] == [{"tenant": tenant.name, "limit": "executions", "percent": 100}]
    eventually(lambda: overview(admin)["work"]["executions"] == 0, within=5, what="it is over")
    assert overview(admin)["audit"]["sequence"] > before["audit"]["sequence"]


def test_a_pause_is_told(admin: Client) -> None:
    assert overview(admin)["pause"] == {"paused": False}
    admin.call("PUT", "/admin/v1/pause", json={"reason": "bills"})
    pause = overview(admin)["pause"]
    assert (pause["paused"], pause["reason"], pause["by"]) == (True, "bills", "admin:first")
    admin.call("DELETE", "/admin/v1/pause")
    assert overview(admin)["pause"] == {"paused": False}


def test_a_checkpoint_is_told(admin: Client) -> None:
    made = admin.call("POST", "/admin/v1/audit/checkpoints").document
    told = overview(admin)["audit"]["checkpoint"]
    assert told["number"] == made["checkpoint"]["number"]
    assert told["sequence"] == made["checkpoint"]["heads"][0]["sequence"]


def test_what_came_within_the_last_minute(looked_at: Gateway, admin: Client, tenant: Tenant) -> None:
    before = overview(admin)["last_minute"]
    tenant.client.execute("print(1)")
    tenant.client.post("print(1)", timeout_seconds=-1).problem("invalid-request")
    after = overview(admin)["last_minute"]
    assert after["executions"]["completed"] > before["executions"].get("completed", 0)
    assert after["calls"]["completed"] > before["calls"].get("completed", 0)
    assert after["refusals"]["invalid-request"] > before["refusals"].get("invalid-request", 0)


def test_everybodys_usage_is_told_page_by_page(looked_at: Gateway, admin: Client, tenant: Tenant) -> None:
    for _ in range(2):
        looked_at.tenant()
    names = sorted(each["name"] for each in admin.get("/admin/v1/tenants").document)
    told, path = [], "/admin/v1/usage?limit=2"
    while path:
        reply = admin.get(path)
        assert len(reply.document) <= 2
        told += reply.document
        link = reply.headers.get("link")
        path = re.fullmatch(r'<(/[^>]+)>; rel="next"', link).group(1) if link else None
    assert [report["tenant"] for report in told] == names
    one = admin.get(f"/admin/v1/tenants/{tenant.name}/usage").document
    [own] = [report for report in told if report["tenant"] == tenant.name]
    assert own["usage"]["runtime"] == one["usage"]["runtime"] and own["policy"] == one["policy"]
    [alone] = admin.get(f"/admin/v1/usage?tenant={tenant.name}").document
    assert alone["tenant"] == tenant.name
    admin.get("/admin/v1/usage?tenant=nobody").problem("not-found")
    admin.get("/admin/v1/usage?limit=0").problem("invalid-request")


def test_settings_are_told_with_where_they_were_found_and_no_secret(looked_at: Gateway, admin: Client) -> None:
    reply = admin.get("/admin/v1/settings")
    told = {setting["name"]: setting for setting in reply.document}
    assert told["GATEWAY_LOG_LEVEL"] == {
        "name": "GATEWAY_LOG_LEVEL", "value": "debug", "source": "the environment", "is_secret": False,
    }  # fmt: skip
    assert told["GATEWAY_DRAIN_SECONDS"]["source"] == "default"
    assert told["E2B_API_KEY"] == {
        "name": "E2B_API_KEY", "source": "the environment", "is_secret": True, "is_set": True,
    }  # fmt: skip
    assert told["GATEWAY_ROOT_KEY"] == {
        "name": "GATEWAY_ROOT_KEY", "source": "default", "is_secret": True, "is_set": False,
    }  # fmt: skip
    for secret in looked_at.secrets:
        assert secret not in reply.body.decode()
    rows = {row["setting"]: row for row in looked_at.json_command("config", "check")}
    assert told.keys() == rows.keys()
    for name, setting in told.items():
        assert setting["source"] == rows[name]["source"]
        assert setting["is_secret"] == ("value" not in setting) == ("is_set" in setting)
        if setting["is_secret"]:
            assert setting["is_set"] != rows[name]["value"].startswith("not set")
        else:
            assert setting["value"] == rows[name]["value"]
