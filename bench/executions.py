#!/usr/bin/env python3
"""How long a call takes through the gateway and the local E2B on this machine, and what memory it costs.

    make bench            # builds for production, then runs this

Prints p50, p99 and the number of samples of each figure. Nothing here is asserted: a number is a fact about a machine.
"""

import argparse
import json
import os
import pathlib
import statistics
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "Tests/System"))
os.environ.setdefault("GATEWAY_BINARY", str(ROOT / ".build/release/e2b-gateway"))

from harness.contract import Contract  # noqa: E402
from harness.gateway import Gateway  # noqa: E402
from harness.service import Service, resident_bytes  # noqa: E402

import httpx  # noqa: E402


def milliseconds(samples: list[float]) -> str:
    ordered = sorted(samples)
    p99 = ordered[min(len(ordered) - 1, round(len(ordered) * 0.99))]
    return f"p50 {statistics.median(ordered):7.1f} ms   p99 {p99:7.1f} ms   n {len(ordered)}"


def call(client: httpx.Client, code: str) -> dict:
    reply = client.post("/v1/executions", json={"code": code}).raise_for_status().json()
    assert reply["outcome"] == "completed", reply
    return reply


def hello(client: httpx.Client, count: int, pause: float) -> list[float]:
    """Whole calls, with a pause in which the local E2B can make another sandbox ready."""
    samples = []
    for _ in range(count):
        started = time.perf_counter()
        call(client, "print('hello')")
        samples.append((time.perf_counter() - started) * 1000)
        time.sleep(pause)
    return samples


def first_byte(client: httpx.Client, count: int) -> list[float]:
    """From the code's flush to the arrival of the event, on one clock."""
    code = "import sys, time; print(time.time()); sys.stdout.flush(); time.sleep(0.3)"
    samples = []
    for _ in range(count):
        headers = {"accept": "application/x-ndjson"}
        with client.stream("POST", "/v1/executions", json={"code": code}, headers=headers) as response:
            for line in response.iter_lines():
                event = json.loads(line)
                if event["type"] == "stdout":
                    samples.append((time.time() - float(event["text"])) * 1000)
        time.sleep(1)
    return samples


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=20, help="samples of each figure")
    count = parser.parse_args().count

    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        for warm, title, pause in [(2, "hello world, a sandbox ready", 4.0), (0, "hello world, none ready", 0.0)]:
            place = folder / title.replace(" ", "-").replace(",", "")
            place.mkdir()
            e2b = Service(
                "local-e2b", "--port", "0", "--warm", str(warm), "--output", "json",
                settings={}, folder=place, name="e2b",
            )
            gateway = Gateway(place, Contract(ROOT / "openapi.yaml"), e2b.url).initialise().start()
            try:
                tenant = gateway.tenant("--rate", "1000/s", "--burst", "1000")
                print(f"{'gateway, resident, idle':34} {resident_bytes(gateway.service.pid) / 1e6:7.1f} MB")
                credentials = {"authorization": f"Bearer {tenant.token}"}
                with httpx.Client(base_url=gateway.url, headers=credentials, timeout=60, trust_env=False) as client:
                    if warm:
                        hello(client, 3, pause)
                    print(f"{title:34} {milliseconds(hello(client, count, pause))}")
                    if warm:
                        print(f"{'flush to first byte':34} {milliseconds(first_byte(client, count))}")
            finally:
                gateway.stop()
                e2b.stop()


if __name__ == "__main__":
    main()
