#!/usr/bin/env python3
"""What the gateway adds to a call to a sandbox, and what memory large bodies and many open streams cost it.

    make bench            # builds for production, then runs this

The sandboxes are a scripted server's, so that what is measured is the gateway alone. Nothing here is asserted: a number is
a fact about a machine. What is wanted: under 2 ms added at p50, flat memory for 1 GB each way, 1,000 open streams in under
400 MB.
"""

import argparse
import os
import pathlib
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Iterator

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "Tests/System"))
os.environ.setdefault("GATEWAY_BINARY", str(ROOT / ".build/release/e2b-gateway"))

from harness.contract import Contract  # noqa: E402
from harness.gateway import Gateway, Tenant  # noqa: E402
from harness.ports import DAEMON, INTERPRETER, OwnSandbox, PortExchange, Ports, echo  # noqa: E402
from harness.service import resident_bytes  # noqa: E402

import httpx  # noqa: E402

MEGABYTE = 1 << 20
BLOCK = bytes(MEGABYTE)


def calls(url: str, path: str, headers: dict[str, str], count: int) -> list[float]:
    """Milliseconds of calls one after the other, on one connection."""
    samples = []
    with httpx.Client(base_url=url, trust_env=False, timeout=60) as client:
        for _ in range(count):
            started = time.perf_counter()
            client.post(path, headers=headers, content=b"{}").raise_for_status()
            samples.append((time.perf_counter() - started) * 1000)
            time.sleep(0.006)  # the gateway lets a tenant call 200 times a second
    return samples


def added(ports: Ports, sandbox: OwnSandbox, path: str, port: int, count: int) -> None:
    ports.answer = echo
    headers = sandbox.headers(port)
    # By turns, so that what else this machine does falls on both.
    direct: list[float] = []
    through: list[float] = []
    for _ in range(10):
        direct += calls(ports.origin, path, headers, count // 10)
        through += calls(sandbox.gateway.url, path, headers, count // 10)
    before, after = statistics.median(direct), statistics.median(through)
    print(
        f"POST {path:26} direct p50 {before:6.2f} ms   through p50 {after:6.2f} ms   added {after - before:6.2f} ms   "
        f"n {len(through)}"
    )


class Peak:
    """The most memory that a process holds while a block lasts, beyond what it held before."""

    def __init__(self, gateway: Gateway):
        self._pid = gateway.service.pid
        self._is_over = threading.Event()
        self.before = self.highest = resident_bytes(self._pid)
        self._watching = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> "Peak":
        self._watching.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._is_over.set()
        self._watching.join()

    def _watch(self) -> None:
        while not self._is_over.wait(0.05):
            self.highest = max(self.highest, resident_bytes(self._pid))

    def __str__(self) -> str:
        return f"resident {self.before / MEGABYTE:6.1f} MB before, {self.highest / MEGABYTE:6.1f} MB at most"


def download(ports: Ports, gateway: Gateway, sandbox: OwnSandbox, megabytes: int) -> None:
    def answer(exchange: PortExchange) -> None:
        exchange.begin(length=megabytes * MEGABYTE)
        for _ in range(megabytes):
            exchange.wfile.write(BLOCK)

    ports.answer = answer
    started, received = time.perf_counter(), 0
    with Peak(gateway) as peak, sandbox.stream("GET", "/files?path=x") as stream:
        for piece in stream.iter_raw(1 << 18):
            received += len(piece)
    assert received == megabytes * MEGABYTE
    print(f"download of {megabytes} MB in {time.perf_counter() - started:5.1f} s   {peak}")


def upload(ports: Ports, gateway: Gateway, sandbox: OwnSandbox, megabytes: int) -> None:
    received = 0

    def answer(exchange: PortExchange) -> None:
        nonlocal received
        for piece in exchange.pieces():
            received += len(piece)
        exchange.whole(200, b"[]")

    def source() -> Iterator[bytes]:
        for _ in range(megabytes):
            yield BLOCK

    ports.answer = answer
    started = time.perf_counter()
    with Peak(gateway) as peak:
        assert sandbox.call("POST", "/files?path=x", content=source()).status_code == 200
    assert received == megabytes * MEGABYTE
    print(f"upload of {megabytes} MB in {time.perf_counter() - started:7.1f} s   {peak}")


def streams(ports: Ports, gateway: Gateway, tenant: Tenant, count: int) -> None:
    def answer(exchange: PortExchange) -> None:
        exchange.begin()
        exchange.chunk(b"on")
        exchange.hang()

    ports.answer = answer
    sandboxes = [OwnSandbox(tenant) for _ in range(-(-count // 250))]
    connections = []
    try:
        with Peak(gateway) as peak:
            for number in range(count):
                sandbox = sandboxes[number % len(sandboxes)]
                connections.append(sandbox.begin("POST", "/process.Process/Connect", "Content-Length: 0"))
                time.sleep(0.006)
            for connection in connections:
                assert connection.recv(12) == b"HTTP/1.1 200"
            time.sleep(1)
        print(f"{count} open streams   {peak}")
    finally:
        for connection in connections:
            connection.close()


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--calls", type=int, default=1000)
    options.add_argument("--megabytes", type=int, default=1024)
    options.add_argument("--streams", type=int, default=1000)
    chosen = options.parse_args()
    with Ports() as ports, tempfile.TemporaryDirectory() as folder:
        gateway = Gateway(pathlib.Path(folder), Contract(ROOT / "openapi.yaml"), ports.origin)
        gateway.initialise().start()
        try:
            tenant = gateway.tenant("--sandboxes", "50", "--runtime", "86400s/day")
            sandbox = OwnSandbox(tenant, timeout=3600)
            added(ports, sandbox, "/filesystem.Filesystem/Stat", DAEMON, chosen.calls)
            added(ports, sandbox, "/contexts", INTERPRETER, chosen.calls)
            added(ports, sandbox, "/execute", INTERPRETER, chosen.calls)
            download(ports, gateway, sandbox, chosen.megabytes)
            upload(ports, gateway, sandbox, chosen.megabytes)
            streams(ports, gateway, tenant, chosen.streams)
        finally:
            gateway.stop()


if __name__ == "__main__":
    main()
