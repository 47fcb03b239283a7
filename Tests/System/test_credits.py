"""Runtime given once: used when a window has nothing left, gone at an instant, and withdrawn without harm."""

import contextlib
import datetime

import pytest

from harness.client import Client
from harness.gateway import Gateway
from harness.waiting import eventually

HOLD = "import time\nprint('on', flush=True)\ntime.sleep(25)"
SLEEP = "import time\ntime.sleep(20)"


@pytest.fixture
def admin(gateway: Gateway) -> Client:
    return Client(gateway.admin_url, gateway.admin_token, gateway.contract)


def in_seconds(seconds: float) -> str:
    return (datetime.datetime.now(datetime.UTC) + datetime.timedelta(seconds=seconds)).isoformat()


def test_a_credit_is_used_when_the_window_is_empty(gateway: Gateway, admin: Client) -> None:
    tenant = gateway.tenant("--runtime", "1s/day")
    path = f"/admin/v1/tenants/{tenant.name}/credits"
    made = admin.call("POST", path, json={"runtime_seconds": 1.5, "until": "2030-01-01T00:00:00Z"})
    assert made.status == 201
    credit = made.document
    assert (credit["runtime_ms"], credit["remaining_ms"], credit["until"]) == (1500, 1500, "2030-01-01T00:00:00.000Z")
    assert tenant.client.get("/v1/usage").document["credits"] == [credit]

    document = tenant.client.execute(SLEEP)
    assert (document["outcome"], document["granted_timeout_ms"]) == ("timed_out", 2500), "window and credit together"
    report = tenant.client.get("/v1/usage").document
    assert report["usage"]["runtime"][0]["used_ms"] == 1000
    [spent] = report["credits"]
    assert (spent["used_ms"], spent["reserved_ms"], spent["remaining_ms"]) == (1500, 0, 0)
    tenant.client.post("print(1)").problem("runtime-exhausted")
    [row] = tenant.client.get("/v1/consumption").document["rows"]
    assert (row["charged_ms"], row["credit_ms"]) == (2500, 1500)


def test_it_is_reserved_while_something_runs(gateway: Gateway) -> None:
    tenant = gateway.tenant("--runtime", "10s/day")
    gateway.command("quota", "grant", tenant.name, "100s", "--for", "1h")
    with tenant.client.stream(HOLD) as stream:
        execution_id = next(iter(stream))["id"]
        [credit] = tenant.client.get("/v1/usage").document["credits"]
        assert (credit["reserved_ms"], credit["remaining_ms"]) == (20_000, 80_000)
    gateway.assert_settled(tenant, execution_id)
    [credit] = tenant.client.get("/v1/usage").document["credits"]
    assert (credit["used_ms"], credit["reserved_ms"]) == (0, 0), "windows first"


def test_a_withdrawn_credit_gives_nothing_more_and_what_runs_on_it_goes_on(gateway: Gateway, admin: Client) -> None:
    tenant = gateway.tenant("--runtime", "0s/day")
    granted = gateway.json_command("quota", "grant", tenant.name, "100s", "--for", "1h")
    with contextlib.ExitStack() as streams:
        stream = streams.enter_context(tenant.client.stream("import time\nprint(1, flush=True)\ntime.sleep(1.5)\nprint(2)"))
        events = iter(stream)
        execution_id = next(events)["id"]
        before = admin.call("DELETE", f"/admin/v1/tenants/{tenant.name}/credits/{granted['id']}").document
        assert (before["runtime_ms"], before["reserved_ms"]) == (100_000, 30_000), "as it was"
        tenant.client.post("print(1)").problem("runtime-exhausted")
        last = list(events)[-1]
        assert last["outcome"] == "completed"
    gateway.assert_settled(tenant, execution_id)
    tenant.client.post("print(1)").problem("runtime-exhausted")
    assert all(credit["remaining_ms"] == 0 for credit in tenant.client.get("/v1/usage").document["credits"])


def test_an_expired_credit_gives_nothing(gateway: Gateway, admin: Client) -> None:
    tenant = gateway.tenant("--runtime", "0s/day")
    body = {"runtime_seconds": 100, "until": in_seconds(4)}
    assert admin.call("POST", f"/admin/v1/tenants/{tenant.name}/credits", json=body).status == 201
    assert tenant.client.execute("print(1)")["outcome"] == "completed"
    end = datetime.datetime.fromisoformat(body["until"])
    eventually(lambda: datetime.datetime.now(datetime.UTC) > end, within=5, what="the credit's end has come")
    tenant.client.post("print(1)").problem("runtime-exhausted")
    assert tenant.client.get("/v1/usage").document["credits"] == []


def test_granting_and_withdrawing_are_audited(gateway: Gateway) -> None:
    tenant = gateway.tenant()
    granted = gateway.json_command("quota", "grant", tenant.name, "1h", "--until", "2030-01-01")
    assert granted["runtime_ms"] == 3_600_000
    assert granted["until"] == "2030-01-01T00:00:00.000Z"
    assert granted["id"] in gateway.command("usage", tenant.name)
    withdrawn = gateway.json_command("quota", "withdraw", tenant.name, granted["id"])
    assert withdrawn == granted
    records = gateway.json_command("audit", "search", "--tenant", tenant.name)
    actions = [record["record"]["action"] for record in records]
    assert actions[-2:] == ["credit.granted", "credit.withdrawn"]
    assert granted["id"] not in gateway.command("usage", tenant.name)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["10s"], "--until"),
        (["10s", "--until", "2030-01-01", "--for", "1h"], "one of the two"),
        (["10s", "--until", "2020-01-01"], "after now"),
        (["10s", "--until", "2099-01-01"], "ten years"),
        (["10s", "--until", "tomorrow"], "2026-12-01T00:00:00Z"),
        (["10s", "--until", "2026-02-30"], "2026-12-01T00:00:00Z"),
        (["0s", "--for", "1h"], "above 0"),
        (["much", "--for", "1h"], "much"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_a_grant_that_makes_no_sense_is_refused(gateway: Gateway, words: list[str], said: str) -> None:
    gateway.run("tenant", "create", "creditor")
    done = gateway.run("quota", "grant", "creditor", *words)
    assert done.returncode != 0
    assert said in done.stderr, done.stderr
    assert gateway.json_command("usage", "creditor")["credits"] == []


def test_an_unknown_credit_is_said(gateway: Gateway, admin: Client) -> None:
    tenant = gateway.tenant()
    done = gateway.run("quota", "withdraw", tenant.name, "crd_0123456789abcdef")
    assert done.returncode != 0
    assert "crd_0123456789abcdef" in done.stderr
    admin.call("DELETE", f"/admin/v1/tenants/{tenant.name}/credits/crd_0123456789abcdef").problem("not-found")


@pytest.mark.parametrize(
    "body",
    [
        {"runtime_seconds": 10},
        {"until": "2030-01-01T00:00:00Z"},
        {"runtime_seconds": -1, "until": "2030-01-01T00:00:00Z"},
        {"runtime_seconds": 1e15, "until": "2030-01-01T00:00:00Z"},
        {"runtime_seconds": 10, "until": "2030-01-01"},
        {"runtime_seconds": 10, "until": 5},
        {"runtime_seconds": 10, "until": "2030-01-01T00:00:00Z", "surprise": 1},
    ],
    ids=str,
)
def test_a_body_that_makes_no_sense_is_refused(gateway: Gateway, admin: Client, body: dict) -> None:
    tenant = gateway.tenant()
    admin.call("POST", f"/admin/v1/tenants/{tenant.name}/credits", json=body).problem("invalid-request")
    assert gateway.json_command("usage", tenant.name)["credits"] == []
