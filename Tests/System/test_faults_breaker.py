"""An upstream that fails again and again is left alone for a while; one create finds out when it is back."""

import concurrent.futures
import threading
import time

import pytest

from harness.faults import conduct
from harness.faults.rules import Fault
from harness.faults.scene import CREATE, Scene
from harness.gateway import Tenant
from harness.waiting import eventually

TOLERATED = 5
FIRST_PAUSE = 5.0

FAILURES: dict[str, Fault] = {
    "reply lost": conduct.reply_lost,
    "500": conduct.answered(500),
}


def fail(tenant: Tenant, times: int) -> None:
    for _ in range(times):
        assert tenant.client.post("print(1)").status in (502, 504)


def suspended(scene: Scene, tenant: Tenant, *, longest: float = FIRST_PAUSE) -> tuple[str, int]:
    """A call is refused without upstream hearing of it. Its execution, and how long to wait, in milliseconds."""
    before = len(scene.proxy.record.arrived(CREATE))
    reply = tenant.client.post("print(1)")
    problem = scene.assert_refused(reply, 502, "upstream-unreachable", may_retry=True)
    assert 0 < problem["retry_after_ms"] <= longest * 1000
    assert len(scene.proxy.record.arrived(CREATE)) == before
    return reply.headers["execution-id"], problem["retry_after_ms"]


def assert_suspended(scene: Scene, tenant: Tenant, *, longest: float = FIRST_PAUSE) -> int:
    """The same, on record and charged nothing; takes a while. How long to wait, in milliseconds."""
    execution_id, wait = suspended(scene, tenant, longest=longest)
    assert_charged_nothing(scene, tenant, execution_id)
    return wait


def assert_charged_nothing(scene: Scene, tenant: Tenant, execution_id: str) -> None:
    scene.assert_outcome(execution_id, "killed", "upstream-unreachable")
    assert scene.assert_free(tenant) == 0


def readiness(scene: Scene) -> tuple[int, str]:
    reply = scene.gateway.client(None).get("/readyz")
    return reply.status, reply.document["upstream"]


def wait_until_it_closes(scene: Scene) -> None:
    """For a test's end: the fault is lifted, and a create that may go finds out."""
    scene.proxy.lift()
    tenant = scene.tenant()
    eventually(lambda: tenant.client.post("print(1)").status == 200, within=15, pause=0.2, what="calls pass again")


@pytest.mark.parametrize("case", FAILURES)
def test_it_opens_and_closes(scene: Scene, case: str) -> None:
    tenant, door = scene.tenant(), scene.door()
    scene.proxy.fault(FAILURES[case], CREATE)
    fail(tenant, TOLERATED)
    opened = time.monotonic()
    assert readiness(scene) == (503, "circuit_open")
    first, _ = suspended(scene, tenant)
    door.create(timeout=60).problem("upstream-unreachable")
    scene.proxy.lift()
    second, _ = suspended(scene, tenant)
    for execution_id in (first, second):
        assert_charged_nothing(scene, tenant, execution_id)
    wait_until_it_closes(scene)
    assert time.monotonic() - opened > FIRST_PAUSE - 1, "not before its pause was over"
    eventually(lambda: readiness(scene) == (200, "ok"), within=10, what="it is ready")
    fail_and_recover(scene, tenant)


def fail_and_recover(scene: Scene, tenant: Tenant) -> None:
    """Closed again it tolerates as much as before."""
    scene.proxy.fault(conduct.answered(500), CREATE, times=TOLERATED - 1)
    fail(tenant, TOLERATED - 1)
    assert tenant.client.execute("print(1)")["outcome"] == "completed"


@pytest.mark.parametrize("status", [400, 401, 403, 409])
def test_who_answers_is_there(scene: Scene, status: int) -> None:
    scene.proxy.fault(conduct.answered(status), CREATE, times=TOLERATED + 2)
    fail(scene.tenant(), TOLERATED + 2)
    assert readiness(scene)[1] != "circuit_open"


def test_only_failures_in_a_row_count(scene: Scene) -> None:
    tenant = scene.tenant()
    for _ in range(3):
        fail_and_recover(scene, tenant)
    assert readiness(scene) == (200, "ok")


def test_one_finds_out_and_the_others_wait_longer_if_in_vain(scene: Scene) -> None:
    tenant, others, gate = scene.tenant(), scene.tenant(), threading.Event()
    failing = scene.proxy.fault(conduct.answered(500), CREATE)
    fail(tenant, TOLERATED)
    pause = assert_suspended(scene, tenant)
    scene.proxy.lift(failing)
    probe = scene.proxy.fault(conduct.held(gate, conduct.answered(500)), CREATE)
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        time.sleep(pause / 1000)  # the pause has to pass
        call = pool.submit(tenant.client.post, "print(1)")
        eventually(lambda: probe.met, within=10, what="one create goes")
        for _ in range(3):
            assert assert_suspended(scene, others) == 1000
        assert probe.met == 1, "one at a time"
        gate.set()
        assert call.result(10).problem("upstream-refused")
    assert assert_suspended(scene, others, longest=2 * FIRST_PAUSE) > FIRST_PAUSE * 1000
    assert readiness(scene) == (503, "circuit_open")
    wait_until_it_closes(scene)


def test_what_lives_is_still_served(scene: Scene) -> None:
    """Only creates are held back: sandboxes that are there can be driven, and ended."""
    door = scene.door()
    sandbox = door.made(timeout=60)
    scene.proxy.fault(conduct.answered(500), CREATE)
    fail(scene.tenant(), TOLERATED)
    assert readiness(scene) == (503, "circuit_open")
    assert door.set_timeout(sandbox, 120).status == 204
    assert door.pause(sandbox).status == 204
    assert door.connect(sandbox, timeout=120).status == 201
    assert door.kill(sandbox).status == 204
    eventually(lambda: sandbox not in scene.sandboxes(), within=5, what="it is gone")
    wait_until_it_closes(scene)
