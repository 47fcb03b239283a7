"""Without its ledger the gateway admits nothing, says so quickly, and recovers by itself."""

import sqlite3
import time

from conftest import NewGateway
from harness.waiting import eventually


def test_a_ledger_that_cannot_be_written(new_gateway: NewGateway) -> None:
    gateway = new_gateway()
    tenant = gateway.tenant("--rate", "1000/s", "--burst", "1000")
    with tenant.client.stream("import time\ntime.sleep(2)\nprint('on')") as stream:
        events = iter(stream)
        execution_id = next(events)["id"]

        blocker = sqlite3.connect(gateway.ledger, isolation_level=None, timeout=10)
        blocker.execute("BEGIN IMMEDIATE")  # from now on nobody else can write
        begun = time.monotonic()
        reply = tenant.client.post("print(1)")
        assert time.monotonic() - begun < 1.5
        problem = reply.problem("ledger-unavailable")
        assert problem["retry_after_ms"] > 0
        readiness = gateway.client(None).get("/readyz")
        assert (readiness.status, readiness.document["ledger"]) == (503, "unavailable")
        assert gateway.client(None).get("/healthz").status == 200

        *_, finished = events  # what runs goes on
        assert finished["outcome"] == "completed"
        blocker.execute("ROLLBACK")
        blocker.close()

    eventually(lambda: tenant.client.post("print(1)").status == 200, within=10, what="calls are admitted again")
    eventually(
        lambda: tenant.client.execution(execution_id)["state"] == "finished",
        within=10,
        what="the settlement that had to wait is written",
    )
    assert gateway.assert_settled(tenant, execution_id)["outcome"] == "completed"
    assert gateway.client(None).get("/readyz").status == 200
