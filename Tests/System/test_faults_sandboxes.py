"""Something goes wrong under a tenant's own sandboxes: ledger and upstream end up of one mind, and nothing is left."""

import itertools

import pytest

from harness.faults import conduct
from harness.faults.rules import Fault
from harness.faults.scene import CREATE, DESTROY, Scene
from harness.sandboxes import Door, actions
from harness.waiting import eventually

BROKEN, REFUSED, TIMED_OUT, UNREACHABLE = (
    (502, "upstream-broken"), (502, "upstream-refused"), (504, "upstream-timeout"), (502, "upstream-unreachable"),
)  # fmt: skip

# First what is repeated, while there is a budget for it


@pytest.mark.parametrize("call", ["timeout", "pause", "connect"])
def test_what_fails_once_is_done_again(scene: Scene, call: str) -> None:
    door = scene.door()
    sandbox = door.made(timeout=60)
    if call == "connect":
        assert door.pause(sandbox).status == 204
    for fault in (conduct.reset_unheard, conduct.reply_lost, conduct.answered(502), conduct.answered(503)):
        rule = scene.proxy.fault(fault, f"^POST (/v2)?/sandboxes/{sandbox}/{call}", times=1)
        match call:
            case "timeout":
                assert door.set_timeout(sandbox, 90).status == 204
            case "pause":
                assert door.pause(sandbox).status == 204
                assert door.connect(sandbox, timeout=60).status == 201
            case "connect":
                assert door.connect(sandbox, timeout=60).status == 201
                assert door.pause(sandbox).status == 204
        assert rule.met == 1
        scene.proxy.lift()
    assert scene.e2b.sandboxes()[sandbox]["state"] == door.detail(sandbox)["state"]
    assert door.kill(sandbox).status == 204
    eventually(lambda: sandbox not in scene.sandboxes(), within=5, what="it is gone")


def test_one_whose_answer_is_lost_once_is_made_once(scene: Scene) -> None:
    door = scene.door()
    scene.proxy.fault(conduct.reply_lost, CREATE, times=1)
    sandbox = door.made(timeout=60)
    assert scene.sandboxes() >= {sandbox}
    assert door.ids() == [sandbox]
    scene.assert_nothing_left(sandbox)
    door.kill(sandbox)


# Creates

# What befalls a create, what its caller is told, and whether nobody knows if there is a sandbox.
CREATES: dict[str, tuple[Fault, tuple[int, str], bool]] = {
    "reset unheard": (conduct.reset_unheard, BROKEN, True),
    "reply lost": (conduct.reply_lost, BROKEN, True),
    "truncated JSON": (conduct.altered(lambda body: body[:-10]), BROKEN, True),
    "an answer of 10 GB": (
        conduct.flooding(lambda: itertools.repeat(b" " * 65536), status=201, length=10_000_000_000), BROKEN, True,
    ),
    # What it made is destroyed, so that the key may stand for another.
    "500 though made": (conduct.answered(500, forwarding=True), REFUSED, False),
    "504 though made": (conduct.answered(504, forwarding=True), TIMED_OUT, True),
    "400": (conduct.answered(400), REFUSED, False),
}  # fmt: skip


@pytest.mark.parametrize("case", CREATES)
def test_one_that_is_not_made(scene: Scene, case: str) -> None:
    fault, (status, slug), is_in_doubt = CREATES[case]
    door = scene.door()
    scene.proxy.fault(fault, CREATE)
    scene.assert_refused(door.create(key="k", timeout=600), status, slug)
    assert scene.assert_free(door.tenant) == 0
    assert door.ids() == []
    records = told(scene, door)
    assert actions(records) == ["sandbox.admitted", "sandbox.ended"]
    scene.proxy.lift()
    again = door.create(key="k", timeout=600)
    if is_in_doubt:
        again.problem("idempotency-outcome-unknown")
        again = door.create(key="another", timeout=600)
    assert again.status == 201
    scene.assert_nothing_left(again.document["sandboxID"])
    door.kill(again.document["sandboxID"])


def told(scene: Scene, door: Door) -> list[dict]:
    lines = scene.gateway.json_command("audit", "search", "--tenant", door.tenant.name)
    return [line["record"] for line in lines if line["record"]["action"].startswith("sandbox.")]


# Living sandboxes

LASTING: dict[str, tuple[Fault, tuple[int, str]]] = {
    "reset unheard": (conduct.reset_unheard, UNREACHABLE),
    "reply lost": (conduct.reply_lost, UNREACHABLE),
    "500 though done": (conduct.answered(500, forwarding=True), REFUSED),
    "504": (conduct.answered(504), TIMED_OUT),
}


@pytest.mark.parametrize("case", LASTING)
def test_an_end_that_cannot_be_changed_stays(scene: Scene, case: str) -> None:
    fault, (status, slug) = LASTING[case]
    door = scene.door()
    sandbox = door.made(timeout=60)
    ends_at = door.detail(sandbox)["endAt"]
    scene.proxy.fault(fault, f"^POST /sandboxes/{sandbox}/timeout")
    for change in (lambda: door.set_timeout(sandbox, 900), lambda: door.connect(sandbox, timeout=900)):
        scene.assert_refused(change(), status, slug)
        assert abs(seconds(door.detail(sandbox)["endAt"]) - seconds(ends_at)) < 2
    scene.proxy.lift()
    assert door.set_timeout(sandbox, 30).status == 204
    assert door.kill(sandbox).status == 204
    assert scene.assert_free(door.tenant) < 60_000


def seconds(instant: str) -> float:
    hours, minutes, rest = instant.split("T")[1].rstrip("Z").split("+")[0].split(":")
    return int(hours) * 3600 + int(minutes) * 60 + float(rest)


@pytest.mark.parametrize("case", LASTING)
def test_a_pause_of_which_nobody_knows(scene: Scene, case: str) -> None:
    """It may sleep, and is taken to run: asking again sets that right."""
    fault, (status, slug) = LASTING[case]
    door = scene.door()
    sandbox = door.made(timeout=60)
    scene.proxy.fault(fault, f"^POST /sandboxes/{sandbox}/pause")
    scene.assert_refused(door.pause(sandbox), status, slug)
    scene.proxy.lift()
    assert door.detail(sandbox)["state"] == "running"
    assert door.pause(sandbox).status == 204
    assert door.detail(sandbox)["state"] == scene.e2b.sandboxes()[sandbox]["state"] == "paused"
    assert scene.assert_free(door.tenant) < 60_000
    assert door.connect(sandbox, timeout=60).status == 201
    assert door.kill(sandbox).status == 204


@pytest.mark.parametrize("case", LASTING)
def test_one_that_cannot_be_woken_sleeps_on(scene: Scene, case: str) -> None:
    fault, (status, slug) = LASTING[case]
    door = scene.door()
    sandbox = door.made(timeout=60)
    assert door.pause(sandbox).status == 204
    charged = scene.assert_free(door.tenant)
    scene.proxy.fault(fault, f"^POST (/v2)?/sandboxes/{sandbox}/connect")
    scene.assert_refused(door.connect(sandbox, timeout=60), status, slug)
    scene.proxy.lift()
    assert door.detail(sandbox)["state"] == "paused"
    assert scene.assert_free(door.tenant) <= charged + 10_000
    if case != "500 though done":
        assert scene.e2b.sandboxes()[sandbox]["state"] == "paused"
        assert door.connect(sandbox, timeout=60).status == 201
    assert door.kill(sandbox).status == 204


@pytest.mark.parametrize("case", LASTING)
def test_a_killed_one_goes_in_the_end(scene: Scene, case: str) -> None:
    door = scene.door()
    sandbox = door.made(timeout=60)
    rule = scene.proxy.fault(LASTING[case][0], f"{DESTROY}{sandbox}", times=4)
    assert door.kill(sandbox).status == 204, "as far as its owner is concerned"
    assert door.get(sandbox).status == 404
    scene.assert_free(door.tenant)
    eventually(lambda: sandbox not in scene.sandboxes(), within=15, what="it is gone")
    assert rule.met


UNREADABLE: list[tuple[Fault, tuple[int, str]]] = [
    (conduct.answered(500), REFUSED),
    (conduct.reset_unheard, UNREACHABLE),
    (conduct.altered(lambda body: body[:-1]), BROKEN),
    (conduct.flooding(lambda: itertools.repeat(b"[" * 65536)), BROKEN),
]


def test_what_upstream_knows_alone(scene: Scene) -> None:
    door = scene.door()
    sandbox = door.made(timeout=60)
    for what, (fault, refusal) in itertools.product(["metrics", "logs"], UNREADABLE):
        rule = scene.proxy.fault(fault, f"^GET (/v2)?/sandboxes/{sandbox}/{what}")
        scene.assert_refused(door.client.get(f"/sandboxes/{sandbox}/{what}"), *refusal)
        scene.proxy.lift(rule)
    assert door.ids() == [sandbox], "what the ledger knows needs no upstream"
    assert door.kill(sandbox).status == 204
