"""Notifications: signed, delivered whatever the receiver does, told once for each threshold."""

import base64
import datetime
import json
import os
import re
import sqlite3
import subprocess
import time

import pytest

from conftest import NewGateway
from harness.fake_e2b import FakeE2B
from harness.free_port import free_port
from harness.gateway import Gateway, Tenant
from harness.receiver import Receiver, new_secret, refuse, taken
from harness.service import ROOT
from harness.waiting import eventually

SECRET = new_secret()


@pytest.fixture
def receiver() -> Receiver:
    """Takes everything unless a test gives it answers."""
    with Receiver(secret=SECRET) as receiver:
        yield receiver


@pytest.fixture
def notifying(new_gateway: NewGateway):
    """Makes gateways that notify somebody."""

    def make(url: str, secret: str = SECRET) -> Gateway:
        return new_gateway(GATEWAY_WEBHOOK_URL=url, GATEWAY_WEBHOOK_SECRET=secret)

    return make


def used(tenant: Tenant) -> int:
    return tenant.client.usage()["runtime"][0]["used_ms"]


def use_some(gateway: Gateway) -> Tenant:
    """A tenant that has used a little of a wide limit, of which nobody is told."""
    tenant = gateway.tenant("--runtime", "3600s/day")
    tenant.client.execute("import time\ntime.sleep(0.1)")
    return tenant


def limit(tenant: Tenant, milliseconds: int) -> None:
    tenant.gateway.command("quota", "set", tenant.name, "--runtime", f"{milliseconds}ms/day")


def reach_80(tenant: Tenant) -> None:
    """Sets the limit so that 80 % of it are used and not 100."""
    limit(tenant, used(tenant) * 100 // 85)


def audited(gateway: Gateway, action: str) -> list[dict]:
    records = gateway.json_command("audit", "search", "--limit", "1000")
    return [said for record in records if (said := record["record"])["action"] == action]


def wait_for_audit(gateway: Gateway, action: str) -> dict:
    [record] = eventually(lambda: audited(gateway, action), within=10, pause=0.2, what=f"{action} is on record")
    return record


def test_eighty_percent_then_all_of_it(notifying, receiver: Receiver) -> None:
    gateway = notifying(receiver.url)
    tenant = use_some(gateway)
    spent = used(tenant)
    granted = spent * 100 // 85
    limit(tenant, granted)
    [first] = receiver.wait(1)
    gateway.contract.check_notification(first.document)
    today = datetime.datetime.now(datetime.UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    assert first.document["type"] == "runtime.threshold"
    said = datetime.datetime.fromisoformat(first.document["timestamp"])
    assert abs(said - datetime.datetime.now(datetime.UTC)) < datetime.timedelta(seconds=30)
    data = first.document["data"]
    starts, resets = (datetime.datetime.fromisoformat(data.pop(name)) for name in ("starts_at", "resets_at"))
    assert (starts, resets) == (today, today + datetime.timedelta(days=1))
    assert data == {
        "tenant": tenant.name, "window": "day", "percent": 80, "limit_ms": granted, "used_ms": spent, "reserved_ms": 0,
    }

    # Granted what is left, which it uses up.
    done = tenant.client.execute("while True: pass")
    assert done["outcome"] == "timed_out"
    second = receiver.wait(2)[1]
    assert second.document["data"]["percent"] == 100 and second.id != first.id
    assert second.document["data"]["used_ms"] == granted
    eventually(
        lambda: len(audited(gateway, "notification.delivered")) == 2, within=10, pause=0.2, what="both are on record"
    )
    assert len(receiver.events) == 2


def test_a_jump_over_eighty_tells_a_hundred_only(notifying, receiver: Receiver) -> None:
    tenant = use_some(notifying(receiver.url))
    limit(tenant, used(tenant) * 2)
    assert tenant.client.execute("while True: pass")["outcome"] == "timed_out"
    [event] = receiver.wait(1)
    assert event.document["data"]["percent"] == 100
    wait_for_audit(tenant.gateway, "notification.delivered")
    assert len(receiver.events) == 1


def test_a_receiver_that_fails_is_tried_again_under_the_same_id(notifying) -> None:
    answers = [refuse(500), lambda delivery: delivery.garbage(), lambda delivery: delivery.break_off(), taken]
    with Receiver(*answers, secret=SECRET) as receiver:
        gateway = notifying(receiver.url)
        reach_80(use_some(gateway))
        events = receiver.wait(4, within=30)
        record = wait_for_audit(gateway, "notification.delivered")
        assert record["after"] == {"notification": events[0].id, "attempts": 4}
    assert len(receiver.events) == 4
    assert {event.id for event in events} == {events[0].id}
    assert all(event.document == events[0].document for event in events)
    pauses = [later.at - sooner.at for sooner, later in zip(events, events[1:], strict=False)]
    for pause, expected in zip(pauses, (1, 2, 4), strict=True):
        # The notifier looks once a second at what was put off.
        assert expected * 0.8 <= pause <= expected * 1.2 + 2, pauses


def test_a_receiver_that_hangs_keeps_nobody_waiting(notifying) -> None:
    with Receiver(lambda delivery: delivery.hang(), secret=SECRET) as receiver:
        gateway = notifying(receiver.url)
        first, second = use_some(gateway), use_some(gateway)
        reach_80(first)
        receiver.wait(1)
        reach_80(second)
        assert receiver.wait(2)[1].document["data"]["tenant"] == second.name
        began = time.monotonic()
        gateway.tenant().client.execute("print(1)")
        assert time.monotonic() - began < 10, "a call waits for no receiver"
        assert gateway.client(None).get("/readyz").status == 200
        events = receiver.wait(3, within=30)
        assert events[2].id == events[0].id
        assert 15 <= events[2].at - events[0].at <= 20, "given up after 15 s, tried again about a second later"


def test_an_answer_without_end_counts_by_its_status(notifying) -> None:
    with Receiver(lambda delivery: delivery.endless(), secret=SECRET) as receiver:
        gateway = notifying(receiver.url)
        reach_80(use_some(gateway))
        wait_for_audit(gateway, "notification.delivered")
        assert len(receiver.events) == 1


def test_a_receiver_that_is_down_hears_of_it_once_it_is_back(notifying) -> None:
    port = free_port()
    gateway = notifying(f"http://127.0.0.1:{port}/in")
    tenant = use_some(gateway)
    reach_80(tenant)
    eventually(
        lambda: any("not delivered" in line["message"] for line in gateway.service.log_lines()), within=10,
        what="an attempt was in vain",
    )
    assert gateway.client(None).get("/readyz").status == 200, "nobody needs the receiver to serve"
    with Receiver(secret=SECRET, port=port, path="/in") as receiver:
        receiver.wait(1, within=20)
        assert wait_for_audit(gateway, "notification.delivered")["after"]["attempts"] > 1
        assert len(receiver.events) == 1


def test_a_redirect_is_not_followed(notifying, receiver: Receiver) -> None:
    with Receiver(refuse(307, Location=receiver.url), refuse(302, Location=receiver.url), secret=SECRET) as moved:
        gateway = notifying(moved.url)
        reach_80(use_some(gateway))
        moved.wait(3, within=20)
        wait_for_audit(gateway, "notification.delivered")
    assert not receiver.events


def test_a_receiver_that_is_gone_is_left_alone(notifying) -> None:
    with Receiver(refuse(410), secret=SECRET) as receiver:
        gateway = notifying(receiver.url)
        reach_80(use_some(gateway))
        record = wait_for_audit(gateway, "notification.given_up")
        assert record["reason"] == "status 410"
        assert not waiting(gateway)
        assert len(receiver.events) == 1


def test_a_receiver_may_ask_for_time(notifying) -> None:
    with Receiver(refuse(429, Retry_After="4"), secret=SECRET) as receiver:
        reach_80(use_some(notifying(receiver.url)))
        first, second = receiver.wait(2, within=20)
        assert 4 <= second.at - first.at <= 7


def waiting(gateway: Gateway) -> list[str]:
    """The notifications in the ledger's file."""
    ledger = sqlite3.connect(f"file:{gateway.ledger}?mode=ro", uri=True)
    rows = [row for (row,) in ledger.execute("SELECT id FROM notification")]
    ledger.close()
    return rows


def test_a_kill_loses_nothing(notifying) -> None:
    """Once between two attempts, once in the middle of one."""
    with Receiver(refuse(500), lambda delivery: delivery.hang(), secret=SECRET) as receiver:
        gateway = notifying(receiver.url)
        reach_80(use_some(gateway))
        [first] = receiver.wait(1)
        gateway.service.kill()
        assert waiting(gateway) == [first.id]
        gateway.start()
        receiver.wait(2, within=20)
        gateway.service.kill()
        assert waiting(gateway) == [first.id]
        gateway.start()
        events = receiver.wait(3, within=20)
        assert {event.id for event in events} == {first.id}
        wait_for_audit(gateway, "notification.delivered")
        assert not waiting(gateway)


def test_a_stop_waits_for_no_receiver(notifying) -> None:
    with Receiver(lambda delivery: delivery.hang(), secret=SECRET) as receiver:
        gateway = notifying(receiver.url)
        reach_80(use_some(gateway))
        [first] = receiver.wait(1)
        began = time.monotonic()
        gateway.stop()
        assert time.monotonic() - began < 5
        assert waiting(gateway) == [first.id], "delivered after the next start"
        gateway.start()
        assert receiver.wait(2)[1].id == first.id


def test_what_came_up_without_a_webhook_is_told_when_there_is_one(
    new_gateway: NewGateway, receiver: Receiver
) -> None:
    gateway = new_gateway()
    reach_80(use_some(gateway))
    gateway.stop()
    assert len(waiting(gateway)) == 1
    gateway.settings |= {"GATEWAY_WEBHOOK_URL": receiver.url, "GATEWAY_WEBHOOK_SECRET": SECRET}
    gateway.webhook_secrets.add(SECRET)
    gateway.start()
    receiver.wait(1)


def test_while_the_secret_is_replaced_both_hold(notifying) -> None:
    secrets = f"{new_secret()} {new_secret()}"
    with Receiver(secret=secrets) as receiver:
        reach_80(use_some(notifying(receiver.url, secrets)))
        receiver.wait(1)


def test_many_are_delivered_each_once(notifying, receiver: Receiver) -> None:
    gateway = notifying(receiver.url)
    tenants = [use_some(gateway) for _ in range(12)]
    for tenant in tenants:
        reach_80(tenant)
    events = receiver.wait(12)
    assert {event.document["data"]["tenant"] for event in events} == {tenant.name for tenant in tenants}
    eventually(lambda: not waiting(gateway), within=10, what="none waits")
    assert len(receiver.events) == 12


# The command


def test_the_webhook_can_be_tried(gateway: Gateway, receiver: Receiver) -> None:
    settings = {"GATEWAY_WEBHOOK_URL": receiver.url, "GATEWAY_WEBHOOK_SECRET": SECRET}
    done = gateway.run("webhook", "test", "--output", "json", **settings)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {
        "webhook": receiver.url.split("?")[0] + "?…", "delivered": True, "answer": "status 204",
    }
    [event] = receiver.wait(1)
    assert event.document["type"] == "webhook.test"
    gateway.contract.check_notification(event.document)

    receiver.answers.append(refuse(503))
    done = gateway.run("webhook", "test", **settings)
    assert done.returncode == 1 and "status 503" in done.stdout
    assert len(receiver.events) == 2, "tried once"
    done = gateway.run("webhook", "test", GATEWAY_WEBHOOK_URL=f"http://127.0.0.1:{free_port()}/", GATEWAY_WEBHOOK_SECRET=SECRET)
    assert done.returncode == 1 and "connection_refused" in done.stdout
    done = gateway.run("webhook", "test")
    assert done.returncode != 0 and "GATEWAY_WEBHOOK_URL is not set" in done.stderr


def test_the_programs_in_the_document_verify_it(gateway: Gateway, receiver: Receiver) -> None:
    settings = {"GATEWAY_WEBHOOK_URL": receiver.url, "GATEWAY_WEBHOOK_SECRET": SECRET}
    assert gateway.run("webhook", "test", **settings).returncode == 0
    [event] = receiver.wait(1)
    page = (ROOT / "docs/notifications.md").read_text()
    [python] = re.findall(r"```python\n(import .*?)```", page, re.DOTALL)
    [javascript] = re.findall(r"```js\n(import \{ createHmac.*?)```", page, re.DOTALL)
    program: dict = {}
    exec(python, program)
    forged = event.headers | {"webhook-signature": "v1," + base64.b64encode(bytes(32)).decode()}
    late = event.headers | {"webhook-timestamp": str(int(event.headers["webhook-timestamp"]) - 301)}
    assert program["verify"](SECRET, event.headers, event.body) == event.document
    for headers, secret in ((forged, SECRET), (late, SECRET), (event.headers, new_secret())):
        with pytest.raises(ValueError):
            program["verify"](secret, headers, event.body)

    check = """
        const [secret, headers, body] = JSON.parse(process.env.CASE);
        try { console.log(JSON.stringify(verify(secret, headers, body))); } catch (error) { console.log(error.message); }
        """
    for headers, secret, expected in (
        (event.headers, SECRET, json.dumps(event.document, separators=(",", ":"))),
        (forged, SECRET, "not signed by the gateway"),
        (late, SECRET, "too old, or from the future"),
        (event.headers, new_secret(), "not signed by the gateway"),
    ):
        done = subprocess.run(
            ["node", "--input-type=module", "--eval", javascript + check],
            env=os.environ | {"CASE": json.dumps([secret, headers, event.body.decode()])},
            capture_output=True, text=True, timeout=60, check=True,
        )
        assert done.stdout.strip() == expected


def test_config_check_shows_no_secret(gateway: Gateway, receiver: Receiver) -> None:
    settings = {"GATEWAY_WEBHOOK_URL": receiver.url, "GATEWAY_WEBHOOK_SECRET": SECRET}
    done = gateway.run("config", "check", "--output", "json", **settings)
    rows = {row["setting"]: row["value"] for row in json.loads(done.stdout)}
    assert rows["GATEWAY_WEBHOOK_SECRET"] == "set"
    assert rows["GATEWAY_WEBHOOK_URL"] == receiver.url.split("?")[0] + "?…"
    assert SECRET.removeprefix("whsec_") not in done.stdout


def test_neither_secret_nor_query_is_told(notifying) -> None:
    with Receiver(refuse(500), secret=SECRET) as receiver:
        gateway = notifying(receiver.url)
        reach_80(use_some(gateway))
        receiver.wait(2, within=20)
        wait_for_audit(gateway, "notification.delivered")
        gateway.stop()
    for text in (gateway.service.log.read_bytes(), gateway.ledger.read_bytes()):
        assert b"not-for-logs" not in text
        assert SECRET.removeprefix("whsec_").encode() not in text


# Retention


def test_old_executions_are_forgotten_soon_after_the_start(new_gateway: NewGateway) -> None:
    with FakeE2B() as fake:
        gateway = new_gateway(fake.url, GATEWAY_RETENTION_DAYS="100")
        tenant = gateway.tenant()
        old, young = (tenant.client.execute("print(1)")["id"] for _ in range(2))
        sums = tenant.client.usage()["runtime"]
        gateway.stop()
        ledger = sqlite3.connect(gateway.ledger)
        for execution, days in ((old, 101), (young, 99)):
            ledger.execute(
                "UPDATE execution SET admitted_at = admitted_at - ?1, finished_at = finished_at - ?1 WHERE id = ?2",
                (days * 86_400 * 10**9, execution),
            )
        ledger.commit()
        ledger.close()
        gateway.start()
        eventually(
            lambda: tenant.client.get(f"/v1/executions/{old}").status == 404, within=10, pause=0.2, what="it is forgotten"
        )
        tenant.client.get(f"/v1/executions/{old}").problem("not-found")
        assert tenant.client.execution(young)["state"] == "finished"
        assert tenant.client.usage()["runtime"] == sums
        assert len(gateway.audit(old)) == 2, "what happened stays on record"
