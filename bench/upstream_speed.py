#!/usr/bin/env python3
"""How long a call takes through the gateway and how long the official SDK takes for the same without one, and what comes of
200 calls a second.

    make bench-upstream   # builds for production, then runs this

Upstream is `simulated-upstream` (bench/upstream): a create takes 150 ms, an execution's round trip 30 ms, a kill none. The
calls are made by turns in one run, so that what else this machine does falls on all of them: the SDK's create, run and kill,
a gateway without a warm pool, one with it. Then one gateway gets calls at a rate, from callers that do not wait for each
other.

Ends with 1 where a target is missed: this is a bench, not a test, and a number is a fact about a machine.
"""

import argparse
import contextlib
import dataclasses
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "Tests/System"))
os.environ.setdefault("GATEWAY_BINARY", str(ROOT / ".build/release/e2b-gateway"))

from harness.contract import Contract  # noqa: E402
from harness.gateway import UPSTREAM_KEY, Gateway, Tenant  # noqa: E402
from harness.service import Service, environment  # noqa: E402
from harness.waiting import eventually  # noqa: E402

import httpx  # noqa: E402
import open_loop  # noqa: E402

SDK = ROOT / ".cache/conformance-current/bin/python"
SIMULATED_UPSTREAM = ROOT / ".build/release/simulated-upstream"
CODE = "1+1"
CONTEXT = {"rows": [{"id": number, "name": f"row {number}", "value": number * 1.5} for number in range(100)]}
#: Nothing that a limit would refuse: what is measured is a call that is let in.
UNLIMITED = ("--rate", "10000/s", "--burst", "10000", "--executions", "1000", "--runtime", "86400s/hour",
             "--runtime", "2000000s/day")  # fmt: skip


class Upstream:
    """A simulated upstream as a process of its own."""

    def __init__(self, folder: pathlib.Path, options: argparse.Namespace):
        folder.mkdir()
        delays = ("--create-ms", str(options.create_ms), "--execute-ms", str(options.execute_ms))
        self.service = Service(
            "--listen", "127.0.0.1:0", *delays, settings={}, folder=folder, name="upstream", program=SIMULATED_UPSTREAM
        )
        self.url = self.service.url

    @property
    def counts(self) -> dict[str, int]:
        return httpx.get(f"{self.url}/_counts", trust_env=False).raise_for_status().json()


class SDKWorker:
    """The official SDK, in an environment of its own, against an upstream."""

    def __init__(self, upstream: Upstream):
        addresses = {"E2B_API_URL": upstream.url, "E2B_SANDBOX_URL": upstream.url, "E2B_API_KEY": UPSTREAM_KEY}
        self._process = subprocess.Popen(
            [str(SDK), str(ROOT / "bench/sdk_worker.py")],
            env=environment(**addresses),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def call(self) -> dict[str, float]:
        assert self._process.stdin and self._process.stdout
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        return json.loads(self._process.stdout.readline())

    def stop(self) -> None:
        assert self._process.stdin
        self._process.stdin.close()
        self._process.wait(10)


@dataclasses.dataclass
class Place:
    """A gateway, its upstream and a tenant."""

    upstream: Upstream
    gateway: Gateway
    tenant: Tenant

    @property
    def pids(self) -> dict[str, int]:
        return {"gateway": self.gateway.service.pid, "upstream": self.upstream.service.pid}


@contextlib.contextmanager
def place(folder: pathlib.Path, options: argparse.Namespace, **settings: str) -> Iterator[Place]:
    folder.mkdir()
    upstream = Upstream(folder / "upstream", options)
    try:
        gateway = Gateway(folder, Contract(ROOT / "openapi.yaml"), upstream.url, **settings).initialise().start()
        try:
            yield Place(upstream, gateway, gateway.tenant(*UNLIMITED))
        finally:
            gateway.stop()
    finally:
        upstream.service.stop()


def caller(at: Place) -> Callable[..., float]:
    """Calls a gateway by the HTTP client that the SDK uses as well; milliseconds of one call."""
    credentials = {"authorization": f"Bearer {at.tenant.token}"}
    client = httpx.Client(base_url=at.gateway.url, headers=credentials, timeout=60, trust_env=False)

    def call(**fields: object) -> float:
        started = time.perf_counter()
        reply = client.post("/v1/executions", json={"code": CODE} | fields).raise_for_status().json()
        took = (time.perf_counter() - started) * 1000
        assert reply["outcome"] == "completed" and reply["output"] == "2\n", reply
        return took

    return call


def percentiles(samples: list[float]) -> dict[str, float]:
    ordered = sorted(samples)
    at = {f"p{share}": ordered[min(len(ordered) - 1, len(ordered) * share // 100)] for share in (90, 99)}
    return {"p50": statistics.median(ordered)} | at | {"n": len(ordered)}


def by_turns(folder: pathlib.Path, options: argparse.Namespace) -> dict[str, dict[str, float]]:
    """Each kind of call once, and again: p50, p90 and p99 of each in milliseconds, and the ratio of its p50 to the SDK's."""
    pool = {"GATEWAY_POOL_MINIMUM": "8", "GATEWAY_POOL_MAXIMUM": "16"}
    with (
        place(folder / "cold", options, GATEWAY_POOL_MAXIMUM="0") as cold_place,
        place(folder / "warm", options, **pool) as warm_place,
    ):
        sdk, cold, warm = SDKWorker(cold_place.upstream), caller(cold_place), caller(warm_place)
        parts: list[dict[str, float]] = []

        def direct() -> float:
            parts.append(sdk.call())
            return parts[-1]["whole"]

        kinds: dict[str, Callable[[], float]] = {
            "SDK, without a gateway": direct,
            "gateway, no pool": cold,
            "gateway, no pool, context": lambda: cold(context_data=CONTEXT),
            "gateway, warm pool": warm,
            "gateway, warm pool, context": lambda: warm(context_data=CONTEXT),
        }
        samples: dict[str, list[float]] = {name: [] for name in kinds}
        for turn in range(options.count + 3):
            eventually(lambda: warm_place.upstream.counts["live"] >= 8, within=30, what="the pool is full")
            for name, call in kinds.items():
                took = call()
                if turn >= 3:  # the first open connections and load code
                    samples[name].append(took)
        sdk.stop()
    figures = {name: percentiles(taken) for name, taken in samples.items()}
    base = figures["SDK, without a gateway"]["p50"]
    for of_kind in figures.values():
        of_kind["ratio"] = of_kind["p50"] / base
    for part in ("create", "run", "kill"):
        figures["SDK, without a gateway"][part] = statistics.median(taken[part] for taken in parts)
    return figures


def synced_write(folder: pathlib.Path) -> float:
    """Milliseconds of a small write that reaches the disk, at p50: every call waits for two of them."""
    samples = []
    with (folder / "synced").open("wb") as file:
        for _ in range(50):
            file.write(bytes(40_000))
            file.flush()
            started = time.perf_counter()
            os.fdatasync(file.fileno())
            samples.append((time.perf_counter() - started) * 1000)
            time.sleep(0.005)
    return statistics.median(samples)


def processor_seconds(pid: int) -> float:
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def sustained(folder: pathlib.Path, options: argparse.Namespace) -> dict[str, object]:
    """Calls at a rate against a gateway with a warm pool, and what is left afterwards."""
    pool = {"GATEWAY_POOL_MINIMUM": "20", "GATEWAY_POOL_MAXIMUM": str(options.pool)}
    with place(folder / "load", options, **pool) as loaded:
        sent = open_loop.request(loaded.gateway.url, loaded.tenant.token, json.dumps({"code": CODE}).encode())
        eventually(lambda: loaded.upstream.counts["live"] >= 20, within=30, what="the pool is full")
        before = {name: processor_seconds(pid) for name, pid in loaded.pids.items()}
        started = time.monotonic()
        load = open_loop.run(loaded.gateway.url, sent, options.rate, options.seconds)
        took = time.monotonic() - started
        cores = {name: (processor_seconds(pid) - before[name]) / took for name, pid in loaded.pids.items()}
        loaded.gateway.stop()
        with contextlib.suppress(AssertionError):
            eventually(lambda: not loaded.upstream.counts["live"], within=30, what="no sandbox is left")
        return {
            "calls": round(options.rate * options.seconds),
            "rate": options.rate,
            "seconds": options.seconds,
            "answered": len(load.times),
            # Whoever found no sandbox ready has waited for a create.
            "found_ready": sum(taken < options.create_ms for taken in load.times) / max(1, len(load.times)),
            "errors": dict(load.errors.most_common(10)),
            "milliseconds": percentiles(load.times or [0]),
            "sent_late_milliseconds": percentiles(load.lateness),
            "connections": load.connections,
            "cores": cores | {"generator": load.cores},
            "upstream": loaded.upstream.counts,
        }


def targets(calls: dict[str, dict[str, float]], load: dict) -> list[dict[str, object]]:
    wanted = []
    for name, figures in calls.items():
        if "gateway" in name and not name.startswith("SDK"):
            limit = 0.20 if "warm" in name else 1.0
            wanted.append({
                "what": f"{name}: of what the SDK takes, at p50", "at_most": limit, "measured": round(figures["ratio"], 3),
            })  # fmt: skip
    if load:
        errors = load["calls"] - load["answered"]
        wanted.append({"what": f"errors among {load['calls']} calls at {load['rate']:g}/s", "at_most": 0, "measured": errors})
        wanted.append({"what": "sandboxes left afterwards", "at_most": 0, "measured": load["upstream"]["live"]})
    return [one | {"met": one["measured"] <= one["at_most"]} for one in wanted]


def show(result: dict) -> None:
    machine = result["machine"]
    disk = machine["synced_write_ms"]
    print(f"{machine['cores']} cores, load {machine['load']}, a synced write takes {disk:.1f} ms")
    print(f"{'milliseconds':42} {'p50':>7} {'p90':>7} {'p99':>7} {'n':>6} {'of SDK':>7}")
    for name, of in result["calls"].items():
        print(f"{name:42} {of['p50']:7.1f} {of['p90']:7.1f} {of['p99']:7.1f} {of['n']:6} {of['ratio']:7.2f}")
    if load := result["load"]:
        of, late = load["milliseconds"], load["sent_late_milliseconds"]
        title = f"{load['rate']:g} calls a second for {load['seconds']:g} s"
        print(f"{title:42} {of['p50']:7.1f} {of['p90']:7.1f} {of['p99']:7.1f} {of['n']:6}")
        print(f"{'  sent later than meant':42} {late['p50']:7.1f} {late['p90']:7.1f} {late['p99']:7.1f} {late['n']:6}")
        print(f"  found a sandbox ready: {load['found_ready']:.1%}")
        print("  cores: " + ", ".join(f"{name} {share:.2f}" for name, share in load["cores"].items()))
        print("  upstream: " + ", ".join(f"{name} {count}" for name, count in load["upstream"].items()))
        for error, count in load["errors"].items():
            print(f"  {count} × {error}")
    for target in result["targets"]:
        print(f"{'met   ' if target['met'] else 'MISSED'} {target['what']}: {target['measured']}, at most {target['at_most']}")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=50, help="samples of each kind of call")
    parser.add_argument("--rate", type=float, default=200, help="calls a second")
    parser.add_argument("--seconds", type=float, default=60, help="for how long; 0 leaves this part out")
    parser.add_argument("--pool", type=int, default=300, help="sandboxes that may be ready while the rate lasts")
    parser.add_argument("--create-ms", type=int, default=150, help="how long upstream takes for a create")
    parser.add_argument("--execute-ms", type=int, default=30, help="how long upstream takes for an execution")
    parser.add_argument("--output", choices=("table", "json"), default="table")
    options = parser.parse_args()
    machine = {"cores": os.cpu_count(), "load": " ".join(f"{load:.2f}" for load in os.getloadavg())}
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        machine["synced_write_ms"] = synced_write(folder)
        calls = by_turns(folder, options)
        load = sustained(folder, options) if options.seconds else {}
    result = {"machine": machine, "calls": calls, "load": load, "targets": targets(calls, load)}
    if options.output == "json":
        print(json.dumps(result, indent=2))
    else:
        show(result)
    return 0 if all(target["met"] for target in result["targets"]) else 1


if __name__ == "__main__":
    sys.exit(main())
