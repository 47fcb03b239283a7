"""Several gateways on one PostgreSQL and one upstream, behind HAProxy."""

import contextlib
import dataclasses
import os
import pathlib
import signal
import socket
import threading
from collections.abc import Iterator
from typing import Self

from harness.client import Client
from harness.contract import Contract
from harness.gateway import Gateway, Tenant
from harness.haproxy import HAProxy
from harness.leaks import Needles
from harness.postgresql import PostgreSQL
from harness.waiting import eventually

# How soon what one gateway changes reaches the others, in seconds; and how soon the others have put right what a dead one left.
CHANGE, TAKEOVER = 1, 30


class Member(Gateway):
    """A gateway of a fleet: it keeps its port however often it is started, and has a name by which its connections to the
    database are known there."""

    def __init__(self, name: str, folder: pathlib.Path, contract: Contract, upstream: str, database: str, **settings: str):
        folder.mkdir()
        self.name = name
        # Keeps the port while the gateway does not run.
        self._port_holder = socket.socket()
        self._port_holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._port_holder.bind(("127.0.0.1", 0))
        self.port: int = self._port_holder.getsockname()[1]
        shared = {
            "GATEWAY_LEDGER": f"{database}?application_name={name}",
            "GATEWAY_CONTROL_SOCKET": str(folder / "control"),
            "GATEWAY_LISTEN": f"127.0.0.1:{self.port}",
            "GATEWAY_ROOT_KEY_FILE": str(folder.parent / "root.key"),
            # The proxy looks five times a second.
            "GATEWAY_DRAIN_NOTICE_SECONDS": "1",
        }
        super().__init__(folder, contract, upstream, **(shared | settings))
        self.root_key_file = folder.parent / "root.key"

    @property
    def is_alive(self) -> bool:
        return self.service is not None and self.service.is_alive

    def drain(self) -> None:
        """Tells it to go; it does once what it runs is over."""
        assert self.service
        self.service.terminate()

    def kill(self) -> None:
        assert self.service
        self.service.kill()

    def freeze(self) -> None:
        assert self.service
        os.kill(self.service.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        assert self.service
        os.kill(self.service.pid, signal.SIGCONT)

    def forget(self) -> None:
        """At the end."""
        self.stop()
        self._port_holder.close()


@dataclasses.dataclass
class Fleet:
    """Gateways `g1`, `g2` and so on. Tenants belong to the first of them, and can be served by all."""

    members: list[Member]
    postgresql: PostgreSQL
    database: str
    proxy: HAProxy

    @classmethod
    def start(
        cls, folder: pathlib.Path, contract: Contract, upstream: str, postgresql: PostgreSQL, *, count: int = 3,
        database: str | None = None, **settings: str,
    ) -> Self:  # fmt: skip
        database = database or postgresql.make_database()
        members = [
            Member(f"g{number}", folder / f"g{number}", contract, upstream, database, **settings)
            for number in range(1, count + 1)
        ]
        members[0].initialise()
        for member in members:
            member.admin_token = members[0].admin_token
        fleet = cls(members, postgresql, database, HAProxy(folder, {member.name: member.port for member in members}))
        try:
            fleet.start_all()
        except BaseException:
            fleet.drop()
            raise
        return fleet

    def start_all(self) -> None:
        """Those that do not run, all at once."""
        for member in self.members:
            if not member.is_alive:
                member.start(waits=False)
        for member in self.members:
            assert member.service
            member.service.wait_until_ready()
        self.proxy.wait_for(*(member.name for member in self.members))

    def __getitem__(self, index: int) -> Member:
        return self.members[index]

    def __iter__(self) -> Iterator[Member]:
        return iter(self.members)

    @property
    def living(self) -> list[Member]:
        return [member for member in self.members if member.is_alive]

    def others(self, member: Member) -> list[Member]:
        return [other for other in self.members if other is not member]

    # Callers

    def tenant(self, *quota: str) -> Tenant:
        """A new tenant, made by one of the gateways that run, and known to all."""
        maker = self.living[0]
        tenant = maker.tenant(*quota)
        for member in self.living:
            eventually(
                lambda: member.client(tenant.token).get("/v1/whoami").status == 200,
                within=10, what=f"{member.name} knows {tenant.name}",
            )  # fmt: skip
        return tenant

    def client(self, token: str | None) -> Client:
        """A caller that comes through the proxy."""
        return Client(self.proxy.url, token, self.members[0].contract)

    # What the database says

    def epochs(self) -> dict[int, bool]:
        """The numbers of the gateways so far, each with whether it is thought to be alive."""
        rows = self.query("SELECT epoch, ended_at IS NULL FROM gateway")
        return {int(epoch): is_alive == "t" for epoch, is_alive in rows}

    def elected(self) -> Member | None:
        """The one whose session has the lock that all stand for."""
        rows = self.query(
            """SELECT DISTINCT application_name FROM pg_stat_activity JOIN pg_locks USING (pid)
            WHERE datname = current_database() AND state = 'idle' AND locktype = 'advisory' AND mode = 'ExclusiveLock'"""
        )
        assert len(rows) <= 1, rows
        return next((member for member in self.members if [member.name] in rows), None)

    def leases(self) -> list[str]:
        """The executions that hold one."""
        return [execution for (execution,) in self.query("SELECT execution FROM lease")]

    def executions(self, tenant: Tenant) -> dict[str, tuple[str, int]]:
        """The outcome and the charge of each of a tenant's executions; of one that is not over, the empty text and zero."""
        rows = self.query(
            f"""SELECT execution.id, coalesce(outcome, ''), coalesce(charged, 0) FROM execution
            JOIN tenant ON tenant.id = execution.tenant WHERE tenant.name = '{tenant.name}'"""
        )
        return {execution: (outcome, int(charged)) for execution, outcome, charged in rows}

    def query(self, sql: str) -> list[list[str]]:
        return self.postgresql.query(sql, self.database)

    @contextlib.contextmanager
    def deaf(self) -> Iterator[None]:
        """While the block lasts, no gateway is told of anything: connections that listen are cut as soon as they are there."""
        is_over, cuts = threading.Event(), 0

        def cut_again_and_again() -> None:
            nonlocal cuts
            while not is_over.wait(0.05):
                cuts += self.cut("query LIKE 'LISTEN%'")

        cutter = threading.Thread(target=cut_again_and_again)
        cutter.start()
        try:
            eventually(lambda: cuts >= len(self.living), within=10, what="all were cut off")
            yield
        finally:
            is_over.set()
            cutter.join()

    def cut(self, where: str = "true") -> int:
        """Ends connections of gateways to the database."""
        return self.postgresql.cut_connections(self.database, where)

    # What has to hold

    def wait_until_settled(self, within: float = TAKEOVER) -> None:
        eventually(lambda: not self.leases(), within=within, pause=0.2, what="no lease is left")

    def assert_sound(self) -> None:
        """The ledger's own check, the audit chain, and every execution with an intent and an outcome."""
        for words in (("ledger", "check"), ("audit", "verify")):
            done = self.members[0].run(*words)
            assert done.returncode == 0, f"{words}: {done.stdout}{done.stderr}"
        rows = self.query(
            """SELECT record::jsonb ->> 'action', execution, count(*) FROM audit
            WHERE record::jsonb ->> 'action' IN ('execution.admitted', 'execution.finished') GROUP BY 1, 2"""
        )
        assert all(count == "1" for _, _, count in rows), [row for row in rows if row[2] != "1"][:5]
        admitted = {execution for action, execution, _ in rows if action == "execution.admitted"}
        finished = {execution for action, execution, _ in rows if action == "execution.finished"}
        assert admitted == finished, admitted ^ finished

    def __enter__(self) -> Self:
        return self

    def __exit__(self, failure: type[BaseException] | None, *_: object) -> None:
        if failure:
            self.drop()
        else:
            self.end()

    def drop(self) -> None:
        """Kills all of it."""
        for member in self.members:
            if member.is_alive:
                member.kill()
        self.proxy.stop()

    def end(self) -> None:
        """Stops all of it; what they logged tells no secret and no fault of theirs."""
        for member in self.members:
            if member.is_alive:
                member.thaw()
                member.drain()
        with contextlib.ExitStack() as ends:
            ends.callback(self.proxy.stop)
            for member in self.members:
                ends.callback(member.forget)
        secrets = {secret for member in self.members for secret in member.secrets}
        needles = Needles(part.encode() for secret in secrets for part in (secret, secret[-64:]))
        for member in self.members:
            if not member.service:
                continue  # it was never started
            assert not needles.found_in(member.service.log.read_bytes()), member.service.log
            faults = [line for line in member.service.log.read_text().splitlines() if "request failed" in line]
            assert not faults, faults[:3]
