"""An execution is over and its sandbox is to go, and something goes wrong: the caller hears nothing of it, and it goes all the
same."""

import pytest

from harness.faults import conduct
from harness.faults.rules import Fault
from harness.faults.scene import DESTROY, PROMPT, Scene
from harness.waiting import eventually

FAULTS: dict[str, Fault] = {
    "reset": conduct.reset_unheard,
    "reply lost": conduct.reply_lost,
    "502": conduct.answered(502),
    "503": conduct.answered(503),
    "504": conduct.answered(504),
    "429": conduct.answered(429, Retry_After="1"),
    "401": conduct.answered(401),
    "500 though done": conduct.answered(500, forwarding=True),
    "a head without end": conduct.endless_head(),
}


@pytest.mark.parametrize("case", FAULTS)
def test_it_is_tried_until_it_is_gone(scene: Scene, case: str) -> None:
    """Three attempts fail, or four: one more than a call is repeated by itself."""
    tenant = scene.tenant()
    rule = scene.proxy.fault(FAULTS[case], DESTROY, times=4)
    document = tenant.client.execute("print(1)")
    assert (document["outcome"], document["output"]) == ("completed", "1\n")
    assert scene.assert_free(tenant) == document["runtime_ms"], "what comes after the end costs nothing"
    assert len(scene.gateway.audit(document["id"])) == 2
    eventually(lambda: rule.met, within=5, what="its destruction was tried")
    scene.e2b.assert_gone(document["id"], within=PROMPT)
    if case not in ("reply lost", "500 though done"):
        assert rule.met == 4


def test_nobody_listens_for_a_while(scene: Scene) -> None:
    tenant = scene.gateway.tenant("--timeout", "60s")
    with tenant.client.stream("import time\ntime.sleep(30)") as stream:
        execution = next(iter(stream))["id"]
        assert scene.e2b.sandboxes_of(execution)
        with scene.proxy.refusing():
            events = stream.all()
            assert events[-1]["type"] == "failed", "its connection was cut"
    scene.assert_nothing_left()
    assert scene.assert_free(tenant) <= 2000
