"""Every gateway in turn is stopped and started anew while hundreds call: none of their calls is lost, and none is repeated."""

import random

import pytest

from harness.contract import Contract
from harness.counting_e2b import CountingE2B, Task
from harness.fleet import Fleet
from harness.postgresql import PostgreSQL
from harness.storm import Call, Storm
from harness.waiting import eventually

AMPLE = ("--rate", "100000/s", "--burst", "100000", "--executions", "1000", "--runtime", "86400s/day")
CALLERS = 200


def test_a_rolling_restart(tmp_path_factory: pytest.TempPathFactory, contract: Contract, postgresql: PostgreSQL) -> None:
    with (
        CountingE2B() as upstream,
        Fleet.start(
            tmp_path_factory.mktemp("fleet"), contract, upstream.url, postgresql, GATEWAY_LOG_LEVEL="notice"
        ) as fleet,
    ):
        tenant = fleet.tenant(*AMPLE)

        def ask(_: int, dice: random.Random) -> Call:
            task = Task(seconds=dice.choice([0.5, 1, 2]), whose=tenant.name)
            return Call(tenant.token, {"code": task.code, "timeout_seconds": 20}, streams=dice.random() < 0.5)

        with Storm(fleet.proxy.url, CALLERS, ask) as storm:
            for member in fleet:
                served = len(storm.answers)
                eventually(lambda: len(storm.answers) > served + CALLERS, within=60, what="calls are served")
                before = fleet.proxy.calls()[member.name]
                assert before > 0
                member.drain()
                fleet.proxy.wait_for(*(other.name for other in fleet.others(member)))
                assert member.service is not None and member.service.wait(within=60) == 0
                fleet.start_all()
                eventually(lambda: fleet.proxy.calls()[member.name] > before, within=20, what="it is sent calls again")
        lost = [str(answer) for answer in storm.answers if not answer.is_served]
        assert not lost, (len(lost), len(storm.answers), lost[:5])
        assert {answer.document["outcome"] for answer in storm.answers} == {"completed"}
        assert upstream.count(tenant.name).runs == len(storm.answers), "each ran once"
        fleet.wait_until_settled(5)
        eventually(lambda: not upstream.living(), within=20, what="no sandbox is left")
        fleet.assert_sound()
