"""What a gateway leaves that dies, or is held up for too long, is put right by the others within 30 s; nothing of theirs is."""

import contextlib
import threading
import time
from collections.abc import Iterator

import httpx
import pytest

from harness.client import EventStream
from harness.contract import Contract
from harness.counting_e2b import CountingE2B, Task
from harness.fleet import TAKEOVER, Fleet, Member
from harness.gateway import Tenant
from harness.ports import INTERPRETER, OwnSandbox
from harness.postgresql import PostgreSQL
from harness.sandboxes import Door
from harness.waiting import eventually

AMPLE = ("--rate", "10000/s", "--burst", "10000", "--executions", "50", "--sandboxes", "20", "--runtime", "86400s/day")
# So long that nobody's own deadline ends it first.
PATIENCE = 60
TIMEOUT = ("--timeout", f"{PATIENCE}s")


class Scene:
    """A fleet, its upstream, a tenant that uses all of it, and what each gateway holds."""

    def __init__(self, fleet: Fleet, upstream: CountingE2B):
        self.fleet, self.upstream = fleet, upstream
        self.tenant = fleet.tenant(*AMPLE, *TIMEOUT)
        self.running: dict[str, str] = {}
        self.rest: dict[str, Iterator[dict]] = {}
        self._streams = contextlib.ExitStack()

    def run_at(self, member: Member) -> None:
        """An execution that goes on."""
        stream: EventStream = self._streams.enter_context(
            member.client(self.tenant.token).stream(Task(member.name, ends=False).code, timeout_seconds=PATIENCE)
        )
        events = iter(stream)
        self.running[member.name] = next(events)["id"]
        assert next(events)["type"] == "stdout"
        self.rest[member.name] = events

    def own_sandbox_at(self, member: Member) -> OwnSandbox:
        return OwnSandbox(Tenant(member, self.tenant.name, self.tenant.key_id, self.tenant.token))

    def epoch_of(self, member: Member) -> int:
        """The number under which its execution is leased."""
        return int(self.fleet.query(f"SELECT epoch FROM lease WHERE execution = '{self.running[member.name]}'")[0][0])

    def spares(self) -> dict[int, set[str]]:
        """Warm sandboxes that nobody has, by the number of their gateway."""
        found: dict[int, set[str]] = {}
        for sandbox, kept in self.upstream.living("spare").items():
            if sandbox not in self.upstream.used:
                found.setdefault(int(kept.labels["e2b-gateway-run"]), set()).add(sandbox)
        return found

    def broken_off(self, member: Member) -> None:
        """Its caller is not left waiting: the connection breaks."""
        with pytest.raises((httpx.TransportError, AssertionError)):
            list(self.rest.pop(member.name))

    def close(self) -> None:
        self._streams.close()
        door = Door(self.tenant, client=self.fleet.living[0].client(self.tenant.token))
        for sandbox in door.ids():
            door.kill(sandbox)


@pytest.fixture
def scene(
    tmp_path_factory: pytest.TempPathFactory, contract: Contract, postgresql: PostgreSQL
) -> Iterator[Scene]:
    with CountingE2B() as upstream:
        with Fleet.start(
            tmp_path_factory.mktemp("fleet"), contract, upstream.url, postgresql,
            GATEWAY_POOL_MINIMUM="2", GATEWAY_POOL_MAXIMUM="2",
        ) as fleet:  # fmt: skip
            scene = Scene(fleet, upstream)
            yield scene
            for member in fleet.living:
                member.thaw()
            fleet.start_all()
            scene.close()
            fleet.wait_until_settled()
            fleet.assert_sound()
        eventually(lambda: not upstream.living(), within=10, what="nothing is left upstream")


def test_one_is_killed_and_one_is_frozen(scene: Scene) -> None:
    """And the third has all to do, also what the killed one was elected for."""
    fleet, upstream, tenant = scene.fleet, scene.upstream, scene.tenant
    killed = eventually(fleet.elected, within=10, what="one is elected")
    frozen, third = fleet.others(killed)
    eventually(lambda: [len(own) for own in scene.spares().values()] == [2, 2, 2], within=30, what="all have warm ones")
    own = {member.name: scene.own_sandbox_at(member) for member in fleet}
    for member in fleet:
        scene.run_at(member)
    eventually(lambda: [len(held) for held in scene.spares().values()] == [2, 2, 2], within=30, what="warm ones again")
    epochs = {member.name: scene.epoch_of(member) for member in fleet}
    before = scene.spares()

    began = time.monotonic()
    killed.kill()
    frozen.freeze()
    scene.broken_off(killed)
    fleet.proxy.wait_for(third.name)

    def in_time() -> float:
        return began + TAKEOVER - time.monotonic()

    lost = [scene.running[member.name] for member in (killed, frozen)]
    eventually(lambda: fleet.leases() == [scene.running[third.name]], within=in_time(), pause=0.2, what="leases are settled")
    eventually(lambda: not any(map(upstream.sandbox_of, (killed.name, frozen.name))), within=in_time(), what="their sandboxes are gone")
    eventually(lambda: set(scene.spares()) == {epochs[third.name]}, within=in_time(), what="their warm sandboxes are gone")
    charged = fleet.executions(tenant)
    assert [charged[execution] for execution in lost] == [("killed", PATIENCE * 1000)] * 2, "unknown, so the ceiling"
    assert scene.spares()[epochs[third.name]] == before[epochs[third.name]], "the third one's are untouched"
    assert upstream.sandbox_of(third.name), "and what it runs"

    assert fleet.elected() is third
    ours = upstream.living()[own[third.name].id].labels
    stray = upstream.plant(ours | {"e2b-gateway": "execution", "e2b-gateway-execution": lost[0]})

    # What tenants drive themselves lives on, and is served.
    door = Door(tenant, client=third.client(tenant.token))
    assert set(door.ids()) == {sandbox.id for sandbox in own.values()}
    for sandbox in own.values():
        sandbox.gateway = third
        assert b"on" in sandbox.call("POST", "/execute", INTERPRETER, json={"code": Task().code}).content
    assert door.kill(own[killed.name].id).status == 204

    # The frozen one ends what it runs, and goes on under another number.
    frozen.thaw()
    last = list(scene.rest.pop(frozen.name))[-1]
    assert (last["type"], last.get("outcome")) == ("finished", "killed"), last
    scene.run_at(frozen)
    assert scene.epoch_of(frozen) > max(epochs.values())
    assert fleet.executions(tenant)[lost[1]] == ("killed", PATIENCE * 1000), "nothing is charged twice"
    eventually(lambda: scene.epoch_of(frozen) in scene.spares(), within=30, what="it has warm ones again")
    for execution in (scene.running[frozen.name], scene.running[third.name]):
        assert third.client(tenant.token).cancel(execution).status == 202
    for member in (frozen, third):
        assert list(scene.rest.pop(member.name))[-1]["outcome"] == "cancelled"

    eventually(lambda: stray not in upstream.living(), within=60, what="the third looks after what nobody holds")

    # The killed one comes back.
    fleet.start_all()
    assert killed.client(tenant.token).execute(Task(prints="back\n").code)["output"] == "back\n"
    for name in (frozen.name, third.name):
        assert Door(tenant, client=killed.client(tenant.token)).kill(own[name].id).status == 204
    usage = killed.client(tenant.token).usage()
    assert usage["executions"]["running"] == usage["sandboxes"]["running"] == 0
    assert usage["runtime"][0]["reserved_ms"] == 0


def test_a_gateway_dies_with_calls_in_line_and_creates_under_way(scene: Scene) -> None:
    """Of those no sandbox stands in the ledger: upstream's labels tell whose they are."""
    fleet, upstream, tenant = scene.fleet, scene.upstream, scene.tenant
    victim, *others = fleet
    eventually(lambda: [len(own) for own in scene.spares().values()] == [2, 2, 2], within=30, what="all have warm ones")
    held = threading.Event()

    def make_and_hold_back_the_answer(exchange) -> None:
        document = upstream.make(exchange)
        if held.wait(60):
            exchange.answer(201, document)

    upstream.create = make_and_hold_back_the_answer

    def ask() -> None:
        with contextlib.suppress(httpx.TransportError):
            victim.client(tenant.token).post(Task("in line", ends=False).code, timeout_seconds=PATIENCE)

    callers = [threading.Thread(target=ask) for _ in range(6)]
    for caller in callers:
        caller.start()
    eventually(lambda: len(fleet.leases()) == 6, within=20, what="all are admitted")
    eventually(lambda: len(upstream.living("execution")) >= 4, within=20, what="upstream has made what was asked for")
    began = time.monotonic()
    victim.kill()
    upstream.create = upstream._create
    for caller in callers:
        caller.join()
    held.set()
    fleet.wait_until_settled(began + TAKEOVER - time.monotonic())
    eventually(
        lambda: not upstream.living("execution") and len(scene.spares()) == 2,
        within=began + TAKEOVER - time.monotonic(), what="nothing of it is left upstream",
    )  # fmt: skip
    assert set(fleet.executions(tenant).values()) == {("killed", PATIENCE * 1000)}
    for member in others:
        assert member.client(tenant.token).usage()["executions"]["running"] == 0
        assert member.client(tenant.token).execute(Task().code)["outcome"] == "completed"
