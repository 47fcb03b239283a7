"""Random faults under random calls: every call is answered, and once the faults are over all is as if there had been none."""

import collections
import concurrent.futures
import itertools
import os
import random
import threading

import pytest

from harness.client import Client
from harness.faults import conduct
from harness.faults.rules import Fault
from harness.faults.scene import Scene
from harness.gateway import Tenant
from harness.sandboxes import Door
from harness.waiting import eventually

SEEDS = [int(seed) for seed in os.environ.get("FAULT_SEEDS", "1").split()]
CALLS, CALLERS = 60, 6

# None of them hangs for longer than an execution may: a create or a call that hangs has a deadline of its own.
FAULTS: list[Fault] = [
    conduct.reset_unheard,
    conduct.closed_unheard,
    conduct.reply_lost,
    conduct.broken_off(1),
    conduct.broken_off(30),
    conduct.broken_off(5, "body"),
    conduct.broken_off(40, "body", orderly=True),
    conduct.delayed(0.2),
    conduct.answered_late(0.3),
    conduct.slowly(0.002, 20),
    conduct.duplicated(),
    conduct.duplicated(3, 30, "body"),
    conduct.shuffled(16),
    conduct.altered(lambda body: body[: len(body) // 2]),
    conduct.altered(lambda _: b"<html></html>", content_type="text/html"),
    conduct.flooding(lambda: itertools.repeat(b"{" * 4096), length=1 << 32),
    conduct.endless_head(),
    *(conduct.answered(status) for status in (400, 401, 403, 404, 409, 500, 502, 503, 504)),
    *(conduct.answered(status, forwarding=True) for status in (500, 502, 504)),
    conduct.answered(429, Retry_After="1"),
]
PARTS = ["^POST (/v2)?/sandboxes$", "^DELETE ", "^POST /execute$", "^POST .*/(timeout|pause|connect)$", "^GET ", ""]

# What may be answered to a call, whatever goes wrong behind it; a conflict is one of a sandbox that sleeps already.
ANSWERS = {200, 201, 204, 404, 409, 502, 503, 504}


class Weather:
    """Rules that come and go, by the dice of a seed."""

    def __init__(self, scene: Scene, seed: int):
        self._scene, self._dice = scene, random.Random(f"{seed}/weather")
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._change)

    def __enter__(self) -> "Weather":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._is_over.set()
        self._thread.join()
        self._scene.proxy.lift()

    def _change(self) -> None:
        proxy, dice = self._scene.proxy, self._dice
        while not self._is_over.wait(dice.uniform(0.05, 0.3)):
            match dice.randrange(10):
                case 0:
                    proxy.cut_off()
                case 1 | 2 | 3:
                    proxy.lift()
                case _:
                    proxy.fault(
                        dice.choice(FAULTS), dice.choice(PARTS), share=dice.choice([0.2, 0.5, 1]),
                        seed=dice.random(), times=dice.randrange(1, 6),
                    )  # fmt: skip


def call(client: Client, door: Door, dice: random.Random) -> int:
    """One call of any kind: its status."""
    match dice.randrange(9):
        case 0 | 1 | 2 | 3:
            code = dice.choice(["print(1)", "1/0", "import time\ntime.sleep(5)", "print('x' * 100_000)"])
            return client.post(code, timeout_seconds=1).status
        case 4:
            return _streamed(client)
        case kind:
            return _driven(door, kind, dice)


def _streamed(client: Client) -> int:
    try:
        with client.stream("print(1)", timeout_seconds=1) as stream:
            return 200 if stream.all()[-1]["type"] == "finished" else 502
    except AssertionError as refusal:
        status = str(refusal)[:3]
        if not status.isdigit():
            raise
        return int(status)


def _driven(door: Door, kind: int, dice: random.Random) -> int:
    made = door.create(timeout=dice.choice([5, 60]))
    if made.status != 201:
        return made.status
    sandbox = made.document["sandboxID"]
    if kind == 5:
        return door.set_timeout(sandbox, dice.randrange(1, 90)).status
    if kind == 6:
        return door.kill(sandbox).status
    door.pause(sandbox)
    return door.connect(sandbox, timeout=30).status if kind == 7 else door.kill(sandbox).status


@pytest.mark.parametrize("seed", SEEDS)
def test_a_history_of_faults(scene: Scene, seed: int) -> None:
    tenants: list[Tenant] = [scene.tenant() for _ in range(2)]
    statuses: collections.Counter[int] = collections.Counter()

    def caller(number: int) -> None:
        dice, tenant = random.Random(f"{seed}/{number}"), tenants[number % 2]
        for _ in range(CALLS // CALLERS):
            statuses[call(tenant.client, Door(tenant), dice)] += 1

    with Weather(scene, seed), concurrent.futures.ThreadPoolExecutor(CALLERS) as pool:
        for done in [pool.submit(caller, number) for number in range(CALLERS)]:
            done.result(120)
    assert sum(statuses.values()) == CALLS
    assert set(statuses) <= ANSWERS, statuses

    eventually(well_again(scene), within=90, pause=0.5, what="the breaker is closed and calls pass")
    for tenant in tenants:
        door = Door(tenant)
        for sandbox in door.ids():
            assert door.kill(sandbox).status in (204, 404)
        eventually(is_free(scene, tenant), within=20, pause=0.2, what="nothing runs or is reserved")
    admitted, finished = scene.gateway.executions_in_audit()
    assert sorted(admitted) == sorted(finished), "of each the intent and the outcome"
    scene.assert_nothing_left(within=30)
    eventually(lambda: scene.gateway.client(None).get("/readyz").status == 200, within=15, what="it is ready")


def well_again(scene: Scene):
    tenant = scene.tenant()
    return lambda: tenant.client.post("print(1)").status == 200


def is_free(scene: Scene, tenant: Tenant):
    def check() -> bool:
        usage = tenant.client.usage()
        running = usage["executions"]["running"] + usage["sandboxes"]["running"]
        return running == 0 and all(window["reserved_ms"] == 0 for window in usage["runtime"])

    return check
