"""Random deaths, pauses and outages under random calls: every call is answered or broken off, and once all is quiet the books
are in order and nothing is left that nobody knows."""

import collections
import contextlib
import functools
import json
import os
import random
import time
from collections.abc import Callable

import httpx
import pytest

from harness.client import NDJSON
from harness.contract import Contract
from harness.counting_e2b import CountingE2B, Task
from harness.crowd import Threads
from harness.fleet import TAKEOVER, Fleet, Member
from harness.gateway import Tenant
from harness.postgresql import PostgreSQL
from harness.sandboxes import TEMPLATE, Door
from harness.waiting import eventually

SEEDS = [int(seed) for seed in os.environ.get("FLEET_SEEDS", "1").split()]
SECONDS = int(os.environ.get("FLEET_SECONDS", "25"))
CALLERS = 24
QUOTA = ("--rate", "10000/s", "--burst", "10000", "--executions", "40", "--sandboxes", "40", "--runtime", "86400s/day")

# What may be answered, whatever goes wrong: never that a caller is unknown, nor a fault of a gateway's own.
ANSWERS = {200, 201, 202, 204, 404, 409, 429, 502, 503, 504}


class Callers(Threads):
    """Threads that call through the proxy until they are sent home, and remember what they were told."""

    def __init__(self, fleet: Fleet, tenants: list[Tenant], seed: int):
        self.statuses: collections.Counter[int | str] = collections.Counter()
        # What callers were told of executions that are over: outcome and charge.
        self.told: dict[str, tuple[str, int]] = {}
        self.faults: list[str] = []
        self._fleet, self._tenants = fleet, tenants
        super().__init__(
            *(functools.partial(self._call, random.Random(f"{seed}/{number}")) for number in range(CALLERS))
        )

    def _call(self, dice: random.Random) -> None:
        tenant = dice.choice(self._tenants)
        headers = {"authorization": f"Bearer {tenant.token}"}
        with httpx.Client(base_url=self._fleet.proxy.url, headers=headers, trust_env=False, timeout=60) as http:
            while not self._is_over.is_set():
                kind = dice.choices([self._document, self._stream, self._drive], weights=[5, 5, 2])[0]
                try:
                    kind(http, dice)
                except (httpx.RemoteProtocolError, httpx.ReadError, httpx.ConnectError, httpx.WriteError) as failure:
                    self.statuses[type(failure).__name__] += 1
                    time.sleep(0.05)
                except Exception as fault:  # a thread that dies must not pass for one that is content
                    self.faults.append(repr(fault))
                    return

    def _note(self, reply: httpx.Response) -> bool:
        """Whether it went well."""
        self.statuses[reply.status_code] += 1
        if reply.status_code not in ANSWERS:
            self.faults.append(f"{reply.request.method} {reply.request.url.path}: {reply.status_code} {reply.text[:300]}")
        if reply.status_code >= 429:
            time.sleep(0.05)
        return reply.status_code < 300

    def _finished(self, document: dict) -> None:
        self.told[document["id"]] = document["outcome"], document["runtime_ms"]

    def _document(self, http: httpx.Client, dice: random.Random) -> None:
        task = Task(seconds=dice.choice([0, 0.02, 0.2, 1]))
        reply = http.post("/v1/executions", json={"code": task.code, "timeout_seconds": dice.choice([0.5, 5])})
        if self._note(reply):
            self._finished(reply.json())

    def _stream(self, http: httpx.Client, dice: random.Random) -> None:
        """One that is read to its end, left, or stopped through whichever gateway."""
        order = {"code": Task(seconds=dice.choice([0, 0.2, 3])).code, "timeout_seconds": 8}
        conduct = dice.choice(["read", "read", "leave", "stop"])
        with http.stream("POST", "/v1/executions", json=order, headers={"accept": NDJSON}) as reply:
            if reply.status_code != 200:
                reply.read()
                self._note(reply)
                return
            self.statuses[200] += 1
            for line in reply.iter_lines():
                event = json.loads(line)
                if event["type"] == "finished":
                    self._finished(event)
                elif event["type"] == "started":
                    if conduct == "leave":
                        return
                    if conduct == "stop":
                        self._note(http.delete(f"/v1/executions/{event['id']}"))

    def _drive(self, http: httpx.Client, dice: random.Random) -> None:
        """A sandbox of the tenant's own, which may be left behind."""
        made = http.post("/v2/sandboxes", json={"templateID": TEMPLATE, "timeout": 300})
        if not self._note(made):
            return
        path = f"/sandboxes/{made.json()['sandboxID']}"
        for _ in range(dice.randrange(4)):
            match dice.randrange(4):
                case 0:
                    self._note(http.get(path))
                case 1:
                    self._note(http.post(f"{path}/timeout", json={"timeout": dice.randrange(60, 600)}))
                case 2:
                    self._note(http.post(f"{path}/pause", json={}))
                case _:
                    self._note(http.post(f"{path}/connect", json={"timeout": 120}))
        if dice.random() < 0.8:
            self._note(http.delete(path))


class Weather:
    """What befalls gateways and their database, by the dice of a seed; at most two gateways are away at once."""

    def __init__(self, fleet: Fleet, seed: int):
        self._fleet, self._dice = fleet, random.Random(f"{seed}/weather")
        self.happened: collections.Counter[str] = collections.Counter()
        # When who is away comes back.
        self._returns: dict[str, tuple[float, Callable[[], object]]] = {}

    def last(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            self._bring_back(time.monotonic())
            [kind] = self._dice.choices(
                [self._kill, self._freeze, self._drain, self._cut, self._restart_server, self._kill_server, self._nothing],
                weights=[4, 3, 4, 6, 1, 1, 6],
            )
            kind()
            self.happened[kind.__name__.removeprefix("_")] += 1
            time.sleep(self._dice.uniform(0.2, 1.5))

    def clear_up(self) -> None:
        self._bring_back(float("inf"))
        self._fleet.start_all()

    def _bring_back(self, now: float) -> None:
        for name, (due, come_back) in list(self._returns.items()):
            if due <= now:
                del self._returns[name]
                come_back()

    def _someone(self) -> Member | None:
        if len(self._returns) >= 2:
            return None
        return self._dice.choice([member for member in self._fleet if member.name not in self._returns])

    def _away(self, member: Member, seconds: float, come_back: Callable[[], object]) -> None:
        self._returns[member.name] = time.monotonic() + seconds, come_back

    def _kill(self) -> None:
        if member := self._someone():
            member.kill()
            self._away(member, self._dice.uniform(0, 6), lambda: member.start(waits=False))

    def _freeze(self) -> None:
        if member := self._someone():
            member.freeze()
            self._away(member, self._dice.choice([1, 5, 19]), member.thaw)

    def _drain(self) -> None:
        member = self._someone()
        # One that has hardly begun knows no order yet.
        if member and member.name in self._fleet.proxy.serving():
            member.drain()

            def start_once_it_is_gone() -> None:
                assert member.service is not None and member.service.wait(within=60) == 0
                member.start(waits=False)

            self._away(member, self._dice.uniform(3, 8), start_once_it_is_gone)

    def _cut(self) -> None:
        self._fleet.cut(f"hashtext(pid::text || '{self._dice.random()}') % 2 = 0")

    def _restart_server(self) -> None:
        self._fleet.postgresql.restart()

    def _kill_server(self) -> None:
        self._fleet.postgresql.kill()
        time.sleep(self._dice.choice([0, 3]))
        self._fleet.postgresql.start()

    def _nothing(self) -> None:
        pass


@pytest.mark.parametrize("seed", SEEDS)
def test_a_history_of_a_fleet(tmp_path_factory: pytest.TempPathFactory, contract: Contract, seed: int) -> None:
    with contextlib.ExitStack() as ends:
        server = PostgreSQL()
        ends.callback(server.remove)
        upstream = ends.enter_context(CountingE2B())
        fleet = ends.enter_context(
            Fleet.start(
                tmp_path_factory.mktemp("fleet"), contract, upstream.url, server, GATEWAY_LOG_LEVEL="notice",
                GATEWAY_POOL_MINIMUM="1", GATEWAY_POOL_MAXIMUM="3", GATEWAY_DRAIN_SECONDS="5",
            )
        )  # fmt: skip
        tenants = [fleet.tenant(*QUOTA) for _ in range(2)]
        weather = Weather(fleet, seed)
        with Callers(fleet, tenants, seed) as callers:
            weather.last(SECONDS)
            weather.clear_up()
            # And they are served.
            served, said = callers.statuses[200], f"{weather.happened}, {callers.statuses}"
            eventually(
                lambda: callers.statuses[200] > served + CALLERS, within=30, what=f"calls are served again, after {said}"
            )
        assert not callers.faults, (callers.faults[:5], said)
        fleet.wait_until_settled()
        assert_in_order(fleet, upstream, tenants, callers)
        for member in fleet:
            member.stop()
        eventually(lambda: not upstream.living(), within=10, what="nothing is left upstream")


def assert_in_order(fleet: Fleet, upstream: CountingE2B, tenants: list[Tenant], callers: Callers) -> None:
    def owned() -> set[str]:
        return {sandbox for tenant in tenants for sandbox in Door(tenant, client=fleet[0].client(tenant.token)).ids()}

    # What died while a create was under way, or a sandbox doomed, is found by looking upstream again and again.
    eventually(
        lambda: set(upstream.living("sandbox")) == owned() and not upstream.living("execution"),
        within=TAKEOVER + 60, pause=0.5, what="upstream has what tenants own, and nothing else",
    )  # fmt: skip
    epochs = {str(epoch) for epoch, is_alive in fleet.epochs().items() if is_alive}
    eventually(
        lambda: {kept.labels["e2b-gateway-run"] for kept in upstream.living("spare").values()} <= epochs,
        within=TAKEOVER, what="and warm sandboxes of those that live",
    )  # fmt: skip
    assert len(epochs) == len(fleet.members)
    fleet.assert_sound()
    for tenant in tenants:
        executions = fleet.executions(tenant)
        for execution, told in callers.told.items():
            if execution in executions and executions[execution] != told:
                # Its settlement had to wait for the database, and its gateway died before it was written.
                outcome, charge = executions[execution]
                assert outcome == "killed" and charge >= told[1], (execution, told, executions[execution])
        doors = [Door(tenant, client=member.client(tenant.token)) for member in fleet]
        for number, sandbox in enumerate(doors[0].ids()):
            assert doors[number % len(doors)].kill(sandbox).status == 204
        for member in fleet:
            usage = member.client(tenant.token).usage()
            assert usage["executions"]["running"] == usage["sandboxes"]["running"] == 0
            assert usage["runtime"][0]["reserved_ms"] == 0
    known = {execution for tenant in tenants for execution in fleet.executions(tenant)}
    assert callers.told.keys() <= known, "nothing is lost that a caller was told of"
    fleet.assert_sound()
