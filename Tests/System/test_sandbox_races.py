"""What is done to one sandbox by several at once: ledger and upstream always end up of one mind."""

import concurrent.futures
import random

from conftest import NewGateway
from harness.keeping_e2b import KeepingE2B
from harness.sandboxes import Door
from harness.waiting import eventually

AMPLE = ("--rate", "10000/s", "--burst", "10000", "--sandboxes", "20")


def test_several_pause_at_once(new_gateway: NewGateway) -> None:
    with KeepingE2B() as upstream:
        gateway = new_gateway(upstream.url)
        door = Door(gateway.tenant(*AMPLE))
        for _ in range(5):
            sandbox = door.made(timeout=600)
            with concurrent.futures.ThreadPoolExecutor(6) as pool:
                statuses = sorted(pool.map(lambda _: door.pause(sandbox).status, range(6)))
            assert statuses == [204] + [409] * 5
            assert upstream.kept[sandbox].state == "paused"
            assert upstream.changes_of(sandbox, "connect") == [], "nobody woke it"
        door.assert_nothing_held()


def test_several_pause_and_wake_at_once(new_gateway: NewGateway) -> None:
    with KeepingE2B() as upstream:
        gateway = new_gateway(upstream.url, GATEWAY_UPSTREAM_SANDBOXES="4")
        door = Door(gateway.tenant(*AMPLE))
        sandboxes = [door.made(timeout=600) for _ in range(3)]
        dice = random.Random(20261128)

        def change(number: int) -> int:
            sandbox = sandboxes[number % 3]
            match dice.randrange(3):
                case 0:
                    return door.pause(sandbox).status
                case 1:
                    return door.connect(sandbox, timeout=dice.randrange(60, 900)).status
                case _:
                    return door.set_timeout(sandbox, dice.randrange(60, 900)).status

        with concurrent.futures.ThreadPoolExecutor(9) as pool:
            statuses = set(pool.map(change, range(120)))
        assert statuses <= {200, 201, 204, 404, 409}
        for sandbox in sandboxes:
            assert door.detail(sandbox)["state"] == upstream.kept[sandbox].state
            assert door.connect(sandbox, timeout=60).status in (200, 201)
        assert door.create(timeout=60).status == 201, "one slot of four is free"
        gateway.stop()
        assert "Sound" in gateway.command("ledger", "check")


def test_a_wake_of_which_nobody_knows_the_end_is_taken_back(new_gateway: NewGateway) -> None:
    with KeepingE2B() as upstream:
        gateway = new_gateway(upstream.url)
        door = Door(gateway.tenant(*AMPLE))
        sandbox = door.made(timeout=600)
        assert door.pause(sandbox).status == 204
        upstream.refusals["connect"] = (504, {"code": 504, "message": "late"})
        upstream.kept[sandbox].state = "running"  # it was woken, and the answer was lost
        door.connect(sandbox, timeout=60).problem("upstream-timeout")
        assert upstream.kept[sandbox].state == "paused"
        door.assert_nothing_held()
        del upstream.refusals["connect"]
        assert door.connect(sandbox, timeout=60).status == 201


def test_what_runs_upstream_and_sleeps_in_the_books_is_put_to_sleep(new_gateway: NewGateway) -> None:
    with KeepingE2B() as upstream:
        gateway = new_gateway(upstream.url)
        door = Door(gateway.tenant(*AMPLE))
        sandbox = door.made(timeout=600)
        assert door.pause(sandbox).status == 204
        upstream.kept[sandbox].state = "running"
        eventually(lambda: upstream.kept[sandbox].state == "paused", within=60, pause=0.2, what="it sleeps again")
        upstream.kept[sandbox].state = "running"
        upstream.refusals["pause"] = (500, {"code": 500, "message": "no"})
        eventually(lambda: sandbox in upstream.destroyed, within=90, pause=0.2, what="what cannot sleep is ended")
        door.wait_until_gone(sandbox)
