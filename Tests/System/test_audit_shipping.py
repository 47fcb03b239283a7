"""The audit log goes where it is told as it grows: all of it, in order, whatever the receivers do."""

import concurrent.futures
import pathlib
import stat
import threading
import time
from collections.abc import Iterator

import httpx
import pytest

from conftest import NewGateway
from harness.audit_log import (
    Collector,
    Conduct,
    FileReader,
    SyslogReceiver,
    assert_chain,
    audited,
    break_off,
    close_unread,
    file_lines,
    hang,
    never_close,
    never_read,
    records,
    refuse,
    refuse_more_than,
    reset,
    reset_at_the_end,
    wait_for_all,
)
from harness.fake_e2b import FakeE2B
from harness.free_port import free_port
from harness.gateway import Gateway, Tenant
from harness.waiting import eventually

# In hexadecimal, as those expect it who look for secrets afterwards.
BEARER = "5ca1ab1e" * 8
FAST = ("--rate", "10000/s", "--burst", "10000", "--executions", "100", "--runtime", "86400s/day")


@pytest.fixture(scope="module")
def fake() -> Iterator[FakeE2B]:
    with FakeE2B() as fake:
        yield fake


def run_some(tenant: Tenant, count: int) -> None:
    """Two records each."""
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        for reply in pool.map(lambda _: tenant.client.post("print(1)"), range(count)):
            assert reply.status == 200


class Calls:
    """Somebody who calls all the time, and must not notice anything."""

    def __init__(self, tenant: Tenant):
        self.tenant = tenant
        self.times: list[float] = []
        self.faults: list[str] = []
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._call)

    def _call(self) -> None:
        while not self._over.is_set():
            begun = time.monotonic()
            reply = self.tenant.client.post("print(1)")
            self.times.append(time.monotonic() - begun)
            ready = httpx.get(f"{self.tenant.gateway.url}/readyz", trust_env=False)
            if (reply.status, ready.status_code) != (200, 200):
                self.faults.append(f"{reply.status} {ready.text}")
            self._over.wait(0.02)

    def __enter__(self) -> "Calls":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()
        assert not self.faults
        assert len(self.times) > 2 and max(self.times) < 3


def logged(gateway: Gateway, message: str) -> list[dict]:
    return [line for line in gateway.service.log_lines() if line["message"] == message]


def failures(gateway: Gateway) -> list[dict]:
    return logged(gateway, "the audit sink does not take records")


@pytest.mark.parametrize("over", ["tcp", "unix"])
def test_everything_arrives_everywhere(new_gateway: NewGateway, fake: FakeE2B, tmp_path: pathlib.Path, over: str) -> None:
    path = tmp_path / "audit.log"
    socket = tmp_path / "log.sock" if over == "unix" else None
    with SyslogReceiver(path=socket) as syslog, Collector() as collector:
        gateway = new_gateway(
            fake.url,
            GATEWAY_AUDIT_FILE=str(path),
            GATEWAY_AUDIT_SYSLOG=syslog.address,
            GATEWAY_AUDIT_COLLECTOR_URL=collector.url,
            GATEWAY_AUDIT_COLLECTOR_TOKEN=BEARER,
        )
        gateway.secrets.add(BEARER)
        tenant = gateway.tenant(*FAST)
        run_some(tenant, 20)
        gateway.command("quota", "set", tenant.name, "--runtime", "1ms/day")
        tenant.client.post("print(1)").problem("runtime-exhausted")
        lines = wait_for_all(gateway, FileReader(path), syslog, collector)

        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        by_sequence = {record["sequence"]: record for record in records(lines)}
        for message in syslog.messages:
            if message.sequence is None:
                continue
            record = by_sequence[message.sequence]["record"]
            assert message.kind == record["action"]
            assert message.priority == (108 if record["action"].endswith(".refused") else 109)
            assert message.process == gateway.service.pid
        assert {108, 109} == {message.priority for message in syslog.messages}
        for post in collector.posts:
            assert post.headers["content-type"] == "application/x-ndjson"
            assert post.headers["authorization"] == f"Bearer {BEARER}"
            sequences = [record["sequence"] for record in records(post.lines)]
            if sequences:
                assert post.headers["audit-position"] == f"main/{sequences[0]}-{sequences[-1]}"

        gateway.command("audit", "verify", "--file", str(path))

        # At the end everything is shipped but the record of the end itself, which comes with the next start.
        gateway.stop()
        assert len(records(file_lines(path))) == max(by_sequence)
        gateway.start()
        lines = wait_for_all(gateway, FileReader(path), syslog, collector)
        actions = [record["record"]["action"] for record in records(lines)]
        assert actions[-2:] == ["gateway.stopped", "gateway.started"] or "gateway.stopped" in actions[len(by_sequence) :]
        assert len(records([line for batch in collector.batches for line in batch])) == len(records(lines)), (
            "what was noted at the end is not sent again"
        )


def test_as_it_happens(new_gateway: NewGateway, fake: FakeE2B, tmp_path: pathlib.Path) -> None:
    path = tmp_path / "audit.log"
    gateway = new_gateway(fake.url, GATEWAY_AUDIT_FILE=str(path))
    tenant = gateway.tenant()
    execution = tenant.client.execute("print(1)")["id"]

    def both() -> bool:
        return sum(record["record"].get("execution") == execution for record in records(file_lines(path))) == 2

    eventually(both, within=10, what="it is in the file")


def test_receivers_that_are_down_get_it_later(new_gateway: NewGateway, fake: FakeE2B, tmp_path: pathlib.Path) -> None:
    http, tcp, folder = free_port(), free_port(), tmp_path / "later"
    gateway = new_gateway(
        fake.url,
        GATEWAY_AUDIT_FILE=str(folder / "audit.log"),
        GATEWAY_AUDIT_SYSLOG=f"tcp://127.0.0.1:{tcp}",
        GATEWAY_AUDIT_COLLECTOR_URL=f"http://127.0.0.1:{http}/audit?key=not-for-logs",
    )
    tenant = gateway.tenant(*FAST)
    with Calls(tenant):
        eventually(lambda: len(failures(gateway)) == 3, within=10, what="each of them was found to be down")
        run_some(tenant, 20)
        assert {line["sink"] for line in failures(gateway)} == {"file", "syslog", "collector"}
        folder.mkdir()
        with SyslogReceiver(port=tcp) as syslog, Collector(port=http) as collector:
            wait_for_all(gateway, FileReader(folder / "audit.log"), syslog, collector, within=60)
            eventually(
                lambda: len(logged(gateway, "the audit sink takes records again")) == 3, within=10, what="it says so"
            )
            assert len(failures(gateway)) == 3, "no more than a warning a minute"


def test_a_collector_that_misbehaves(new_gateway: NewGateway, fake: FakeE2B) -> None:
    answers = [refuse(500), break_off, refuse(503, Retry_After="1"), refuse(307, Location="/elsewhere")]
    with Collector(*answers, usually=refuse_more_than(7)) as collector:
        gateway = new_gateway(fake.url, GATEWAY_AUDIT_COLLECTOR_URL=collector.url)
        tenant = gateway.tenant(*FAST)
        with Calls(tenant):
            run_some(tenant, 20)
            wait_for_all(gateway, collector, within=60)
        assert {413, 500, 503, 307} <= {post.status for post in collector.posts}
        assert max(map(len, collector.batches)) <= 7
    assert "not-for-logs" not in gateway.service.log.read_text()


@pytest.mark.parametrize(
    ("over", "conduct"),
    [
        ("tcp", [reset, close_unread, reset_at_the_end, never_close]),
        ("unix", [close_unread, never_read]),
    ],
)
def test_a_syslog_receiver_that_misbehaves(
    new_gateway: NewGateway, fake: FakeE2B, tmp_path: pathlib.Path, over: str, conduct: list[Conduct]
) -> None:
    path = tmp_path / "log.sock" if over == "unix" else None
    with SyslogReceiver(*conduct, path=path) as syslog:
        gateway = new_gateway(fake.url, GATEWAY_AUDIT_SYSLOG=syslog.address)
        tenant = gateway.tenant(*FAST)
        with Calls(tenant):
            run_some(tenant, 50)
            wait_for_all(gateway, syslog, within=60)
        assert not syslog.conduct, "each conduct had its turn"
        assert failures(gateway)


def test_one_that_hangs_holds_up_nobody_not_even_the_end(
    new_gateway: NewGateway, fake: FakeE2B, tmp_path: pathlib.Path
) -> None:
    path = tmp_path / "audit.log"
    with SyslogReceiver(usually=never_close) as syslog, Collector(usually=hang) as collector:
        gateway = new_gateway(
            fake.url,
            GATEWAY_AUDIT_FILE=str(path),
            GATEWAY_AUDIT_SYSLOG=syslog.address,
            GATEWAY_AUDIT_COLLECTOR_URL=collector.url,
        )
        tenant = gateway.tenant(*FAST)
        with Calls(tenant):
            assert syslog.hanging.wait(10) and collector.hanging.wait(10)
            run_some(tenant, 20)
            wait_for_all(gateway, FileReader(path))
        begun = time.monotonic()
        gateway.service.terminate()
        assert gateway.service.wait(within=30) == 0
        assert time.monotonic() - begun < 12


def test_a_gateway_that_is_killed_loses_nothing(new_gateway: NewGateway, fake: FakeE2B, tmp_path: pathlib.Path) -> None:
    path = tmp_path / "audit.log"
    with SyslogReceiver() as syslog, Collector() as collector:
        gateway = new_gateway(
            fake.url,
            GATEWAY_AUDIT_FILE=str(path),
            GATEWAY_AUDIT_SYSLOG=syslog.address,
            GATEWAY_AUDIT_COLLECTOR_URL=collector.url,
        )
        tenant = gateway.tenant(*FAST)
        for number in range(6):
            have = len(file_lines(path))
            with concurrent.futures.ThreadPoolExecutor(8) as pool:
                for _ in range(200):
                    pool.submit(call_and_forget, tenant)
                eventually(lambda: len(file_lines(path)) > have + 20 * (number + 1), within=20, what="it is being shipped")
                gateway.service.kill()
                pool.shutdown(cancel_futures=True)
            # As a power cut leaves it.
            if number % 2:
                with path.open("a") as file:
                    file.write('{"hash":"12')
            gateway.start()
        lines = wait_for_all(gateway, FileReader(path), syslog, collector)
        assert len(lines) == len(set(file_lines(path))) == len(file_lines(path)), "the file has nothing twice"
        assert_chain(file_lines(path))


def call_and_forget(tenant: Tenant) -> None:
    try:
        tenant.client.post("print(1)")
    except httpx.HTTPError:
        pass  # it was killed


def test_a_file_that_logrotate_takes_away(new_gateway: NewGateway, fake: FakeE2B, tmp_path: pathlib.Path) -> None:
    path, old = tmp_path / "audit.log", tmp_path / "audit.log.1"
    gateway = new_gateway(fake.url, GATEWAY_AUDIT_FILE=str(path))
    tenant = gateway.tenant(*FAST)
    run_some(tenant, 5)
    wait_for_all(gateway, FileReader(path))
    path.rename(old)
    before = file_lines(old)
    run_some(tenant, 5)
    expected = len(audited(gateway))
    eventually(lambda: len(records(before + file_lines(path))) >= expected, within=10, what="it goes on in a new file")
    assert file_lines(old) == before
    assert_chain(before + file_lines(path))


def test_a_new_destination_begins_at_the_beginning(new_gateway: NewGateway, fake: FakeE2B, tmp_path: pathlib.Path) -> None:
    first, second = tmp_path / "first.log", tmp_path / "second.log"
    gateway = new_gateway(fake.url, GATEWAY_AUDIT_FILE=str(first))
    wait_for_all(gateway, FileReader(first))
    gateway.stop()
    gateway.settings["GATEWAY_AUDIT_FILE"] = str(second)
    gateway.start()
    wait_for_all(gateway, FileReader(second))
    assert file_lines(second)[: len(file_lines(first))] == file_lines(first)
