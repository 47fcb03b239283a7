"""Sandboxes of tenants' own when the gateway is killed, stopped, or cannot write."""

import concurrent.futures
import sqlite3
import threading
import time

import httpx
import pytest

from conftest import NewGateway
from harness.fake_e2b import Exchange
from harness.keeping_e2b import KeepingE2B
from harness.sandboxes import Door, actions, life
from harness.waiting import eventually


def test_a_gateway_killed_while_one_runs(new_gateway: NewGateway) -> None:
    """It lives on, opens with the same tokens, and is charged once."""
    with KeepingE2B() as upstream:
        gateway = new_gateway(upstream.url)
        door = Door(gateway.tenant())
        made = door.create(key="k", timeout=60).document
        sandbox = made["sandboxID"]
        asleep = door.made(timeout=60)
        door.pause(asleep)
        ends_at = door.detail(sandbox)["endAt"]
        gateway.service.kill()

        gateway.start()
        assert door_again(door).connect(sandbox, timeout=1).document | {"domain": ""} == made | {"domain": ""}
        door = door_again(door)
        assert door.detail(sandbox)["endAt"] == ends_at
        assert door.create(key="k", timeout=60).document["sandboxID"] == sandbox
        assert door.client.usage()["sandboxes"]["running"] == 1
        assert door.detail(asleep)["state"] == "paused"
        assert not upstream.destroyed
        assert door.connect(asleep, timeout=30).status == 201
        door.kill(asleep)

        before = door.day()["used_ms"]
        door.set_timeout(sandbox, 1)
        door.wait_until_gone(sandbox)
        door.assert_nothing_held()
        records = life(gateway, sandbox)
        assert actions(records) == ["sandbox.admitted", "sandbox.started", "sandbox.prolonged", "sandbox.ended"]
        charged = sum(record.get("runtime_ms", 0) for record in records)
        assert charged == door.day()["used_ms"] - before, "once"
        eventually(lambda: not upstream.kept, within=10, what="both are destroyed")
        gateway.stop()
        assert "Sound" in gateway.command("ledger", "check")


def door_again(door: Door) -> Door:
    """The same caller, wherever the gateway listens now."""
    return Door(door.tenant)


def test_a_gateway_killed_while_one_is_being_made(new_gateway: NewGateway) -> None:
    with KeepingE2B() as upstream:
        gateway = new_gateway(upstream.url)
        door = Door(gateway.tenant())
        made = threading.Event()

        def make_and_wait(exchange: Exchange) -> None:
            upstream.make(exchange)
            made.set()
            exchange.hang()

        upstream.create = make_and_wait
        with concurrent.futures.ThreadPoolExecutor(1) as pool:
            call = pool.submit(door.create, key="k", timeout=30)
            assert made.wait(20)
            gateway.service.kill()
            with pytest.raises(httpx.TransportError):
                call.result()
        [sandbox] = upstream.kept

        gateway.start()
        eventually(lambda: sandbox in upstream.destroyed, within=30, what="it is found by its label, and destroyed")
        door = door_again(door)
        door.assert_nothing_held()
        assert door.ids() == []
        assert 0 < door.day()["used_ms"] <= 30_000, "upstream may have made it at once"
        door.create(key="k", timeout=30).problem("conflict")
        records = gateway.json_command("audit", "search", "--tenant", door.tenant.name)
        told = [line["record"] for line in records if line["record"]["action"].startswith("sandbox.")]
        assert actions(told) == ["sandbox.admitted", "sandbox.ended"]
        assert told[1]["reason"] == "gateway_restarted"
        gateway.stop()
        assert "Sound" in gateway.command("ledger", "check")


def test_one_whose_time_ends_while_the_gateway_is_dead(new_gateway: NewGateway) -> None:
    with KeepingE2B() as upstream:
        gateway = new_gateway(upstream.url)
        door = Door(gateway.tenant())
        sandbox = door.made(timeout=2)
        gateway.service.kill()
        time.sleep(2.5)  # its time has to pass
        gateway.start()
        eventually(lambda: sandbox in upstream.destroyed, within=10, what="it is destroyed")
        door = door_again(door)
        door.assert_nothing_held()
        assert door.day()["used_ms"] == 2000, "its ceiling, however long the gateway was dead"
        gateway.stop()


def test_a_ledger_that_cannot_be_written(new_gateway: NewGateway) -> None:
    with KeepingE2B() as upstream:
        gateway = new_gateway(upstream.url)
        door = Door(gateway.tenant("--rate", "10000/s", "--burst", "10000"))
        sandbox, short, asleep = door.made(timeout=600), door.made(timeout=600), door.made(timeout=600)
        door.pause(asleep)
        door.set_timeout(short, 3)
        blocker = sqlite3.connect(gateway.ledger, isolation_level=None, timeout=10)
        blocker.execute("BEGIN IMMEDIATE")  # from now on nobody else can write
        created = len(upstream.created)
        for reply in (
            door.create(timeout=60),
            door.create(key="k", timeout=60),
            door.set_timeout(sandbox, 900),
            door.refresh(sandbox, duration=900),
            door.connect(sandbox, timeout=900),
            door.connect(asleep, timeout=900),
            door.kill(sandbox),
            door.pause(sandbox),
        ):
            reply.problem("ledger-unavailable")
        assert door.detail(sandbox)["state"] == "running"
        assert len(upstream.created) == created, "what cannot be recorded is not done"
        assert upstream.kept[sandbox].state == "running", "nor left half done"
        assert upstream.kept[asleep].state == "paused"
        blocker.execute("ROLLBACK")
        blocker.close()

        eventually(lambda: door.create(timeout=60).status == 201, within=10, pause=0.2, what="sandboxes are made again")
        eventually(lambda: short in upstream.destroyed, within=15, what="the one whose time was over meanwhile is ended")
        assert door.kill(sandbox).status == 204
        gateway.stop()
        assert "Sound" in gateway.command("ledger", "check")


def test_a_gateway_that_stops(new_gateway: NewGateway) -> None:
    """It makes and wakes none any more; what runs outlives it."""
    with KeepingE2B() as upstream:
        gateway = new_gateway(upstream.url)
        tenant = gateway.tenant()
        door = Door(tenant)
        sandbox, asleep = door.made(timeout=600), door.made(timeout=600)
        door.pause(asleep)
        hold = threading.Event()

        def execute(exchange: Exchange) -> None:
            exchange.begin_events()
            hold.wait(60)
            exchange.event({"type": "end_of_execution"})
            exchange.end_events()

        upstream.execute = execute
        with tenant.client.stream("print(1)") as stream:
            events = iter(stream)
            next(events)
            with concurrent.futures.ThreadPoolExecutor(1) as pool:
                rest = pool.submit(list, events)
                try:
                    gateway.service.terminate()
                    eventually(lambda: is_draining(gateway.url), within=10, what="it is draining")
                    door.create(timeout=60).problem("draining")
                    door.connect(asleep, timeout=60).problem("draining")
                    assert door.detail(sandbox)["state"] == "running"
                finally:
                    hold.set()
                rest.result()
        assert gateway.service.wait(30) == 0
        assert sandbox in upstream.kept and asleep in upstream.kept
        gateway.start()
        door = door_again(door)
        assert sorted(door.ids()) == sorted([sandbox, asleep])
        gateway.stop()


def is_draining(url: str) -> bool:
    return httpx.get(f"{url}/readyz", trust_env=False).json()["status"] == "draining"


def test_one_that_sleeps_upstream_without_the_gateway_s_knowing_is_charged_no_longer(new_gateway: NewGateway) -> None:
    """As after a pause whose answer was lost."""
    with KeepingE2B() as upstream:
        gateway = new_gateway(upstream.url)
        door = Door(gateway.tenant())
        sandbox = door.made(timeout=600)
        upstream.kept[sandbox].state = "paused"
        eventually(lambda: door.detail(sandbox)["state"] == "paused", within=40, what="it sleeps in the books")
        door.assert_nothing_held()
        charged = door.day()["used_ms"]
        assert charged < 60_000
        assert door.connect(sandbox, timeout=30).status == 201
        assert upstream.kept[sandbox].state == "running"
        assert gateway.json_command("usage", "--upstream")["reconciliation"]["asleep"] == 1
        assert door.kill(sandbox).status == 204
