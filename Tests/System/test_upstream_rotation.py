"""Keys for E2B that change, or are revoked there, while callers go on: none of them notices, and nothing is left behind."""

import concurrent.futures
import contextlib
import itertools
import pathlib
import threading
from collections.abc import Callable, Iterator

import pytest

from conftest import NewGateway
from harness.client import Client
from harness.gateway import UPSTREAM_KEY, Gateway, Tenant
from harness.keyed_e2b import KeyedE2B
from harness.sandboxes import Door
from harness.waiting import eventually

AMPLE = ("--rate", "10000/s", "--burst", "10000", "--executions", "20", "--sandboxes", "20", "--runtime", "86400s/day")


class Load:
    """Callers who go on until they are sent home; every call of theirs must succeed."""

    def __init__(self, tenant: Tenant):
        self._tenant = tenant
        self._is_over = threading.Event()
        self._calls = [0, 0, 0, 0]
        self._faults: list[BaseException] = []

    def _go_on(self, caller: int, call: Callable[[], None]) -> None:
        try:
            while not self._is_over.is_set():
                call()
                self._calls[caller] += 1
        except BaseException as fault:
            self._faults.append(fault)

    def _execute(self) -> None:
        assert self._tenant.client.execute("print(6 * 7)")["output"] == "42\n"

    def _stream(self) -> None:
        with self._tenant.client.stream("print(6 * 7)") as events:
            assert events.all()[-1]["outcome"] == "completed"

    def _drive(self) -> None:
        door = Door(self._tenant)
        sandbox = door.made(timeout=60)
        assert door.detail(sandbox)["state"] == "running"
        assert door.set_timeout(sandbox, 90).status == 204
        assert sandbox in door.ids()
        assert door.kill(sandbox).status == 204

    def goes_on(self) -> None:
        """Each of the callers has begun and ended a call since."""
        before = list(self._calls)
        eventually(
            lambda: self._faults or all(now > then + 1 for now, then in zip(self._calls, before, strict=True)),
            within=60, what="all go on",
        )
        if self._faults:
            raise self._faults[0]

    @contextlib.contextmanager
    def running(self) -> Iterator["Load"]:
        calls = (self._execute, self._execute, self._stream, self._drive)
        with concurrent.futures.ThreadPoolExecutor(len(calls)) as pool:
            for caller, call in enumerate(calls):
                pool.submit(self._go_on, caller, call)
            try:
                yield self
            finally:
                self._is_over.set()
        assert not self._faults, self._faults[0]


@pytest.fixture
def keyed_e2b(tmp_path: pathlib.Path) -> Iterator[KeyedE2B]:
    e2b = KeyedE2B(tmp_path, "--warm", "3", "--maximum", "16")
    yield e2b
    e2b.service.stop()


@pytest.fixture
def loaded(new_gateway: NewGateway, keyed_e2b: KeyedE2B) -> Iterator[tuple[Gateway, Load]]:
    gateway = new_gateway(keyed_e2b.url)
    with Load(gateway.tenant(*AMPLE)).running() as load:
        load.goes_on()
        yield gateway, load
        load.goes_on()
    eventually(lambda: not keyed_e2b.sandboxes(), within=20, pause=0.2, what="no sandbox is left")


def upstream_keys(gateway: Gateway) -> dict[str, dict]:
    return {key["id"]: key for key in gateway.json_command("upstream-key", "list")}


def add(gateway: Gateway, key: str, *options: str) -> None:
    done = gateway.run("upstream-key", "add", *options, input=gateway.note_upstream_key(key))
    assert done.returncode == 0, done.stderr


def readiness(gateway: Gateway) -> dict:
    return Client(gateway.admin_url, None, gateway.contract).get("/readyz").document


# Sixteen times all callers go on, with a sandbox for each call.
@pytest.mark.timeout(600)
def test_a_rotation_under_load_fails_no_call_and_leaves_no_sandbox(
    keyed_e2b: KeyedE2B, loaded: tuple[Gateway, Load]
) -> None:
    gateway, load = loaded
    current = UPSTREAM_KEY
    for _ in itertools.repeat(None, 2):
        [old] = upstream_keys(gateway)
        successor = keyed_e2b.new_key()
        add(gateway, successor, "--activate")
        load.goes_on()
        keyed_e2b.revoke(current)
        load.goes_on()
        gateway.command("upstream-key", "retire", old)
        load.goes_on()
        gateway.command("upstream-key", "remove", old)
        load.goes_on()
        [key] = upstream_keys(gateway).values()
        assert (key["role"], key["health"]) == ("active", "accepted")
        assert "warnings" not in readiness(gateway)
        current = successor


def test_a_key_that_is_revoked_at_once_is_stepped_in_for(keyed_e2b: KeyedE2B, loaded: tuple[Gateway, Load]) -> None:
    gateway, load = loaded
    add(gateway, keyed_e2b.new_key())
    keyed_e2b.revoke(UPSTREAM_KEY)
    load.goes_on()
    assert sorted((key["role"], key["health"]) for key in upstream_keys(gateway).values()) == [
        ("active", "refused"), ("standby", "accepted"),
    ]
    assert readiness(gateway) == {
        "status": "ready", "ledger": "ok", "upstream": "ok", "warnings": ["upstream_key_refused"],
    }
    keyed_e2b.restore(UPSTREAM_KEY)
    gateway.command("upstream-key", "probe")
    assert "warnings" not in readiness(gateway)


def test_without_another_key_callers_are_told_whose_fault_it_is(
    new_gateway: NewGateway, keyed_e2b: KeyedE2B
) -> None:
    gateway = new_gateway(keyed_e2b.url)
    tenant = gateway.tenant()
    keyed_e2b.revoke(UPSTREAM_KEY)
    tenant.client.post("print(1)").problem("upstream-refused")
    Door(tenant).create().problem("upstream-refused")

    def unready() -> bool:
        told = readiness(gateway)
        return (told["status"], told["upstream"], told.get("warnings")) == (
            "unready", "upstream_refused", ["upstream_key_refused"],
        )

    eventually(unready, within=20, pause=0.2, what="readiness says so")
    keyed_e2b.restore(UPSTREAM_KEY)
    gateway.command("upstream-key", "probe")
    assert tenant.client.execute("print(1)")["output"] == "1\n"
