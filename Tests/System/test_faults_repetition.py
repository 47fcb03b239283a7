"""What fails once is done again where that cannot do its work twice, and the caller hears nothing of it."""

from collections.abc import Iterator

import pytest

from harness.faults import conduct
from harness.faults.rules import Fault
from harness.faults.scene import CREATE, DESTROY, EXECUTE, Scene
from harness.waiting import eventually

LOST: dict[str, Fault] = {
    "reset unheard": conduct.reset_unheard,
    "reply lost": conduct.reply_lost,
    "reset in the body": conduct.broken_off(10, "body"),
    "truncated in the body": conduct.broken_off(10, "body", orderly=True),
    "502": conduct.answered(502),
    "504 though made": conduct.answered(504, forwarding=True),
}
ANSWERS: dict[str, Fault] = {
    "400": conduct.answered(400),
    "401": conduct.answered(401),
    "403": conduct.answered(403),
    "409": conduct.answered(409),
    "429": conduct.answered(429),
    "500": conduct.answered(500),
    "503": conduct.answered(503),
}

@pytest.fixture(autouse=True)
def well_again(scene: Scene) -> Iterator[None]:
    """After each fault the next create is as it should be, which also keeps the breaker closed."""
    yield
    scene.proxy.lift()
    scene.assert_well()


@pytest.mark.parametrize(("case", "times"), [(case, 1) for case in LOST] + [("reply lost", 2)])
def test_a_create_is_repeated_and_makes_one_sandbox(scene: Scene, case: str, times: int) -> None:
    tenant = scene.gateway.tenant("--timeout", "60s")
    rule = scene.proxy.fault(LOST[case], CREATE, times=times)
    with tenant.client.stream("import time\ntime.sleep(3)") as stream:
        execution = next(iter(stream))["id"]
        assert len(scene.sandboxes()) == 1, "however often it was asked for"
        assert len(scene.e2b.sandboxes_of(execution)) == 1
        assert stream.all()[-1]["outcome"] == "completed"
    creates = scene.proxy.record.arrived(CREATE)
    assert (rule.met, len(creates)) == (times, times + 1)
    assert all("idempotency-key" in create.header_names for create in creates)
    assert len(scene.proxy.record.arrived(EXECUTE)) == 1
    scene.e2b.assert_gone(execution)


@pytest.mark.parametrize("case", ANSWERS)
def test_a_create_that_is_answered_is_not_repeated(scene: Scene, case: str) -> None:
    rule = scene.proxy.fault(ANSWERS[case], CREATE)
    reply = scene.tenant().client.post("print(1)")
    assert reply.status in (502, 503)
    assert (rule.met, len(scene.proxy.record.arrived(CREATE))) == (1, 1)


def test_three_attempts_are_all(scene: Scene) -> None:
    rule = scene.proxy.fault(conduct.closed_unheard, CREATE)
    scene.assert_refused(scene.tenant().client.post("print(1)"), 502, "upstream-broken")
    assert rule.met == 3


@pytest.mark.parametrize("case", ["reset unheard", "reply lost", "503", "429 with Retry-After"])
def test_a_destruction_is_repeated(scene: Scene, case: str) -> None:
    fault = (LOST | ANSWERS | {"429 with Retry-After": conduct.answered(429, Retry_After="1")})[case]
    rule = scene.proxy.fault(fault, DESTROY, times=1)
    document = scene.tenant().client.execute("print(1)")
    eventually(lambda: rule.met, within=5, what="its destruction was tried")
    scene.e2b.assert_gone(document["id"], within=5)
    eventually(lambda: len(scene.proxy.record.arrived(DESTROY)) >= 2, within=5, what="it was tried again")
    waits = "sandbox not destroyed yet"
    assert not any(document["id"] in str(line) for line in scene.gateway.service.log_lines() if waits in str(line))


def test_repetitions_have_a_budget(scene: Scene) -> None:
    """So that an upstream that struggles is not struck down by them: in the end one in ten calls is made again."""
    door = scene.door()
    sandbox = door.made(timeout=60)
    rule = scene.proxy.fault(conduct.answered(502), f"^POST /sandboxes/{sandbox}/timeout")
    attempts = []
    for _ in range(60):
        before = rule.met
        scene.assert_refused(door.set_timeout(sandbox, 90), 502, "upstream-refused")
        attempts.append(rule.met - before)
    assert attempts[0] == 3
    assert sum(attempts[-20:]) <= 20 + 3, attempts
    assert door.kill(sandbox).status == 204
