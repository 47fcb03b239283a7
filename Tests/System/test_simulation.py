"""Trying limits on what was recorded: what they would have refused, and that nothing changes for it."""

import contextlib

import pytest

from conftest import NewGateway
from harness.client import Client
from harness.gateway import Gateway
from harness.tokens import for_subject

HOLD = "import time\nprint('on', flush=True)\ntime.sleep(25)"


@pytest.fixture(scope="module")
def past(session_gateway: NewGateway) -> Gateway:
    """A gateway whose tenant ran six times: thrice for alice, once each for bob and nobody, and one refused then."""
    gateway = session_gateway()
    gateway.past = tenant = gateway.tenant("--rate", "1000/s", "--burst", "1000", "--executions", "1")
    for subject, code in [("alice", "import time\ntime.sleep(1.2)")] * 3 + [("bob", "print(1)"), (None, "print(1)")]:
        token = for_subject(tenant.token, subject) if subject else tenant.token
        gateway.secrets.add(token)
        tenant.client.with_token(token).execute(code)
    with contextlib.ExitStack() as streams:
        held = next(iter(streams.enter_context(tenant.client.stream(HOLD))))["id"]
        tenant.client.post("print(1)").problem("concurrency-exceeded")
        tenant.client.cancel(held)
    gateway.assert_settled(tenant, held)
    return gateway


def tried(past: Gateway, *words: str) -> dict:
    return past.json_command("quota", "simulate", past.past.name, *words)


def test_limits_that_hold_for_all_refuse_nothing(past: Gateway) -> None:
    result = tried(past, "--executions", "5")
    assert (result["calls"], result["refusals"], result["refused"], result["refused_then"]) == (7, 0, {}, 1)
    assert "first_refusal_at" not in result
    assert result["charged_ms"] > 3600
    assert result["policy"]["executions"] == 5
    assert result["most_at_once"] == 2


def test_a_lower_rate_would_have_refused(past: Gateway) -> None:
    result = tried(past, "--rate", "1/h", "--burst", "2")
    assert result["refused"] == {"rate": 5}
    assert result["refusals"] == 5
    assert result["from"] < result["first_refusal_at"] < result["to"]


def test_less_runtime_would_have_lowered_and_refused(past: Gateway) -> None:
    result = tried(past, "--runtime", "2s/day", "--executions", "5")
    assert result["lowered"] >= 2
    assert result["cut_off"] >= 1
    assert result["refused"]["runtime_day"] >= 3
    assert result["charged_ms"] <= 2000


def test_a_share_for_each_subject(past: Gateway) -> None:
    result = tried(past, "--subject-rate", "1/h", "--executions", "5")
    # Alice's second and third; nobody's are three calls of one subject, the one refused then among them.
    assert result["refused"] == {"subject_rate": 4}


def test_nothing_changes(past: Gateway) -> None:
    before = (past.json_command("quota", "get", past.past.name), past.json_command("usage", past.past.name)["usage"]["runtime"])
    tried(past, "--rate", "1/h", "--shadow", "--no-subject-limits")
    after = (past.json_command("quota", "get", past.past.name), past.json_command("usage", past.past.name)["usage"]["runtime"])
    assert after == before


def test_it_is_said_in_words(past: Gateway) -> None:
    text = past.command("quota", "simulate", past.past.name, "--rate", "1/h", "--burst", "2")
    assert "7 calls" in text
    assert "5 would have been refused: 5 by rate" in text
    assert "1 call of them was refused at the time" in text
    assert "Not known" in text
    assert "refused by rate" in text
    text = past.command("quota", "simulate", past.past.name, "--runtime", "2s/day", "--executions", "5")
    assert "granted less time" in text
    assert "None would have been refused" in past.command("quota", "simulate", past.past.name, "--executions", "5")
    quiet = past.tenant()
    assert "No call is on record" in past.command("quota", "simulate", quiet.name)


def test_a_shadow_is_tried_as_if_in_force(past: Gateway) -> None:
    result = tried(past, "--shadow", "--rate", "1/h", "--burst", "2")
    assert result["refusals"] == 5


def test_the_api_speaks_the_same(past: Gateway) -> None:
    admin = Client(past.admin_url, past.admin_token, past.contract)
    body = {"rate": "1/h", "burst": 2, "days": 1, "subject": None}
    result = admin.call("POST", f"/admin/v1/tenants/{past.past.name}/simulation", json=body).document
    assert (result["calls"], result["refused"]) == (7, {"rate": 5})


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["nobody"], "nobody"),
        (["somebody", "--days", "0"], "days"),
        (["somebody", "--days", "91"], "days"),
        (["somebody", "--rate", "fast"], "10/s"),
        (["somebody", "--no-subject-limits", "--subject-rate", "1/s"], "one or the other"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_what_cannot_be_tried_is_said(past: Gateway, words: list[str], said: str) -> None:
    past.run("tenant", "create", "somebody")
    done = past.run("quota", "simulate", *words)
    assert done.returncode != 0
    assert said in done.stderr, done.stderr
    assert done.stdout == ""
