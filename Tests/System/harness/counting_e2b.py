"""An upstream that keeps its sandboxes and counts for itself what ran in them."""

import base64
import collections
import contextlib
import dataclasses
import json
import threading
import time
import types
from collections.abc import Iterator

from harness.fake_e2b import Exchange, carried
from harness.keeping_e2b import KeepingE2B, Kept


@dataclasses.dataclass(frozen=True)
class Task:
    """A piece of code that this upstream alone understands: how long it takes, what it prints, and for whom it is counted."""

    name: str = ""
    seconds: float = 0
    prints: str = "on\n"
    whose: str = ""
    ends: bool = True

    @property
    def code(self) -> str:
        return json.dumps(dataclasses.asdict(self))


class Count:
    """What ran for somebody."""

    def __init__(self) -> None:
        self.running = 0
        self.most = 0
        self.seconds = 0.0
        self.runs = 0


class CountingE2B(KeepingE2B):
    """E2B's control plane, and an interpreter that does tasks. What a task takes is counted from its arrival until the instant
    before its end is told, so that never more is counted than ran."""

    def behave(self) -> None:
        super().behave()
        self.counts: dict[str, Count] = collections.defaultdict(Count)
        # How often each named task was begun.
        self.begun: collections.Counter[str] = collections.Counter()
        # The sandbox that each named task was given last, and all that were given one.
        self.places: dict[str, str] = {}
        self.used: set[str] = set()
        # The keys by which sandboxes were asked for, in order.
        self.api_keys: list[str] = []
        self.create, self.execute = self._create, self._execute

    def count(self, whose: str) -> Count:
        with self._lock:
            return self.counts[whose]

    def living(self, kind: str | None = None) -> dict[str, Kept]:
        """The sandboxes there are; those of executions (`execution`), of tenants (`sandbox`) or warm ones (`spare`)."""
        with self._lock:
            return {
                sandbox: kept for sandbox, kept in self.kept.items()
                if kind is None or kept.labels.get("e2b-gateway") == kind
            }  # fmt: skip

    def sandbox_of(self, task: str) -> str | None:
        """The sandbox in which a named task was begun, while it lives."""
        with self._lock:
            sandbox = self.places.get(task)
            return sandbox if sandbox in self.kept else None

    def plant(self, labels: dict[str, str]) -> str:
        """A sandbox that nobody knows to have asked for."""
        order = {"templateID": "base", "timeout": 600, "metadata": labels, "allow_internet_access": False}
        return self.make(types.SimpleNamespace(headers={}, order=order))["sandboxID"]

    @contextlib.contextmanager
    def _counted(self, task: Task, sandbox: str) -> Iterator[None]:
        began = time.monotonic()
        with self._lock:
            if task.name:
                self.places[task.name] = sandbox
                self.used.add(sandbox)
            self.begun[task.name] += 1
            count = self.counts[task.whose]
            count.runs += 1
            count.running += 1
            count.most = max(count.most, count.running)
        try:
            yield
        finally:
            with self._lock:
                count.running -= 1
                count.seconds += time.monotonic() - began

    def _create(self, exchange: Exchange) -> None:
        self.api_keys.append(exchange.headers["X-API-Key"])
        exchange.answer(201, self.make(exchange))

    def _execute(self, exchange: Exchange) -> None:
        task = _task(exchange.order["code"])
        with self._counted(task, exchange.headers["e2b-sandbox-id"]):
            exchange.begin_events()
            exchange.event({"type": "stdout", "text": task.prints})
            exchange.wfile.flush()
            while not task.ends:
                self._work(exchange, 5)
                exchange.event({"type": "keepalive"})
            self._work(exchange, task.seconds)
        exchange.event({"type": "end_of_execution"})
        exchange.end_events()

    def _work(self, exchange: Exchange, seconds: float) -> None:
        """In vain once the gateway has left, or upstream is closed."""
        exchange.connection.settimeout(max(seconds, 0.001))
        with contextlib.suppress(TimeoutError):
            if not exchange.connection.recv(1):
                exchange.close_connection = True
                raise ConnectionAbortedError
        exchange.connection.settimeout(None)


def _task(cell: str) -> Task:
    try:
        return Task(**json.loads(carried(cell)["code"]))
    except (TypeError, ValueError, KeyError, base64.binascii.Error):
        with contextlib.suppress(ValueError, TypeError):
            return Task(**json.loads(cell))
        return Task()
