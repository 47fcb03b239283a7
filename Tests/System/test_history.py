"""What went on, for charts: `/admin/v1/history`."""

import datetime
import json
import sqlite3
import time

import pytest

from conftest import NewGateway
from harness.client import Client
from harness.gateway import Gateway

RANGES = {"1h": (60, 60), "24h": (600, 144), "30d": (3600, 720)}
MINUTE = 60_000_000_000


def history(gateway: Gateway, span: str) -> dict:
    reply = Client(gateway.admin_url, gateway.admin_token, gateway.contract).get(f"/admin/v1/history?range={span}")
    assert reply.status == 200, reply.body
    return reply.document


def minutes(gateway: Gateway) -> list[tuple[int, int, dict]]:
    """What gateways have written down, by the minute and the gateway."""
    with sqlite3.connect(gateway.ledger) as database:
        rows = database.execute("SELECT at, epoch, document FROM history_minute ORDER BY at, epoch").fetchall()
    return [(at, epoch, json.loads(document)) for at, epoch, document in rows]


@pytest.mark.parametrize("span", RANGES)
def test_every_step_is_there(gateway: Gateway, span: str) -> None:
    document = history(gateway, span)
    step, count = RANGES[span]
    assert (document["range"], document["step_seconds"], len(document["points"])) == (span, step, count)
    instants = [datetime.datetime.fromisoformat(point["at"]).timestamp() for point in document["points"]]
    assert all(later - earlier == step for earlier, later in zip(instants, instants[1:]))
    assert instants[-1] % step == 0
    assert 0 < time.time() - instants[-1] < step + 75
    # Nothing went on that long ago.
    first = document["points"][0]
    assert (first["calls"], first["refusals"], first["runtime_ms"], first["complete"]) == ({}, {}, 0, True)
    assert first["latency_ms"] == {"p50": None, "p95": None, "p99": None}
    assert first["upstream"]["held"] is None and first["pool"] == {"ready": None, "hits": 0, "misses": 0}


def test_a_range_must_be_one_there_is(gateway: Gateway) -> None:
    client = Client(gateway.admin_url, gateway.admin_token, gateway.contract)
    client.get("/admin/v1/history?range=1y").problem("invalid-request")
    assert client.get("/admin/v1/history").document["range"] == "1h"


def test_what_went_on_is_written_down_and_told(new_gateway: NewGateway) -> None:
    """Two lives of a gateway; what they wrote is set back by hand, so that nobody waits for the minute to be over."""
    gateway = new_gateway(GATEWAY_UPSTREAM_SANDBOXES="9")
    tenant = gateway.tenant()
    for code in ("print(1)", "1 / 0"):
        tenant.client.execute(code)
    tenant.client.post("print(1)", timeout_seconds=-1).problem("invalid-request")
    gateway.client(None).get("/v1/whoami").problem("missing-credential")
    for _ in range(5):
        assert gateway.client(None).get("/healthz").status == 200
    gateway.stop()
    written = minutes(gateway)
    assert len({epoch for _, epoch, _ in written}) == 1
    gateway.start()
    tenant.client.execute("print(2)")
    gateway.stop()
    written = minutes(gateway)
    assert len({epoch for _, epoch, _ in written}) == 2
    assert all('"most": 9' in json.dumps(document["gauges"]) for *_, document in written)
    with sqlite3.connect(gateway.ledger) as database:
        # All of it into one minute of the hour before, each life's.
        rows = database.execute("SELECT at, epoch FROM history_minute ORDER BY at").fetchall()
        hour = rows[0][0] // (60 * MINUTE) * 60 * MINUTE
        for place, (at, epoch) in enumerate(rows):
            database.execute(
                "UPDATE history_minute SET at = ? WHERE at = ? AND epoch = ?", (hour - (place + 1) * MINUTE, at, epoch)
            )
    gateway.start()

    for span in ("24h", "30d"):
        points = history(gateway, span)["points"]

        def total(what: str) -> dict[str, int]:
            names = {name for point in points for name in point[what]}
            return {name: sum(point[what].get(name, 0) for point in points) for name in names}

        assert total("executions") == {"completed": 2, "failed": 1}
        assert total("refusals") == {"invalid-request": 1, "missing-credential": 1}
        calls = total("calls")
        assert calls["completed"] >= 3 and calls["refused"] == 2
        assert sum(point["runtime_ms"] for point in points) == tenant.client.usage()["runtime"][0]["used_ms"]
        [*told] = [point for point in points if point["executions"]]
        assert told
        for point in told:
            latency = point["latency_ms"]
            assert 0 < latency["p50"] <= latency["p95"] <= latency["p99"] < 60_000
            assert point["upstream"]["limit"] == point["upstream"]["held"] == 0, "both lives were over"
    gateway.command("ledger", "check")
