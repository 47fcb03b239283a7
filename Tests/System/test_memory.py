"""The gateway's memory does not follow the size of what passes through it."""

import threading
import time

import pytest

from conftest import NewGateway
from harness.gateway import Gateway, Tenant
from harness.numbers import Numbers
from harness.service import is_release, resident_bytes

MEGABYTE = 1_000_000


@pytest.fixture(scope="module")
def gateway(session_gateway: NewGateway) -> Gateway:
    """One that has done nothing else, so that its memory is its own."""
    return session_gateway()


@pytest.fixture
def patient_tenant(gateway: Gateway) -> Tenant:
    return gateway.tenant("--timeout", "150s", "--runtime", "86400s/day")


class PeakMemory:
    """The highest resident memory of a process while the block runs."""

    def __init__(self, pid: int):
        self.pid = pid
        self.bytes = resident_bytes(pid)
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def _watch(self) -> None:
        while not self._over.wait(0.05):
            self.bytes = max(self.bytes, resident_bytes(self.pid))

    def __enter__(self) -> "PeakMemory":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()
        self.bytes = max(self.bytes, resident_bytes(self.pid))


def test_idle(gateway: Gateway, patient_tenant: Tenant) -> None:
    for _ in range(3):
        patient_tenant.client.execute("print(1)")
    idle = resident_bytes(gateway.service.pid)
    Numbers.note("resident memory of the gateway, idle after some calls", idle / MEGABYTE, "MB")
    if is_release():
        assert idle < 100 * MEGABYTE


@pytest.mark.timeout(300)
def test_200_megabytes_to_a_slow_reader(gateway: Gateway, patient_tenant: Tenant) -> None:
    """The reader takes what a slow line would, so the rest must wait in the sandbox, not in the gateway."""
    code = "line = 'x' * 9999 + '\\n'\nfor _ in range({}): print(line, end='')"
    warm_up = code.format(200)
    stream_text(patient_tenant, warm_up, bytes_per_second=50 * MEGABYTE)

    before = resident_bytes(gateway.service.pid)
    begun = time.monotonic()
    with PeakMemory(gateway.service.pid) as peak:
        received = stream_text(patient_tenant, code.format(20_000), bytes_per_second=20 * MEGABYTE)
    seconds = time.monotonic() - begun
    assert received == 200 * MEGABYTE
    growth = (peak.bytes - before) / MEGABYTE
    Numbers.note("growth of the gateway's memory by 200 MB of stdout to a slow reader", growth, "MB")
    Numbers.note("streamed stdout", received / MEGABYTE / seconds, "MB/s")
    assert growth < 20


def test_a_reader_that_stands_still(gateway: Gateway, patient_tenant: Tenant) -> None:
    """Nothing piles up for a reader that takes nothing at all, and the deadline ends it."""
    before = resident_bytes(gateway.service.pid)
    with patient_tenant.client.stream("while True: print('x' * 10_000)", timeout_seconds=4) as stream:
        events = iter(stream)
        execution_id = next(events)["id"]
        with PeakMemory(gateway.service.pid) as peak:
            gateway.assert_settled(patient_tenant, execution_id)
    assert patient_tenant.client.execution(execution_id)["outcome"] == "timed_out"
    assert (peak.bytes - before) / MEGABYTE < 20


def stream_text(tenant: Tenant, code: str, bytes_per_second: int) -> int:
    """Reads a stream no faster than this; the bytes of stdout received."""
    received = 0
    begun = time.monotonic()
    with tenant.client.stream(code, timeout_seconds=150) as stream:
        for event in stream:
            if event["type"] == "stdout":
                received += len(event["text"])
                ahead = received / bytes_per_second - (time.monotonic() - begun)
                if ahead > 0:
                    time.sleep(ahead)
            elif event["type"] == "finished":
                assert event["outcome"] == "completed", event
    return received
