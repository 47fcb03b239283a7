"""An upstream that keeps the sandboxes it made until they are destroyed, and remembers what was asked of them."""

import dataclasses
import datetime
import itertools
import json
import threading
import time

from harness.fake_e2b import SANDBOX, Exchange, FakeE2B

_numbers = itertools.count(1)


@dataclasses.dataclass
class Kept:
    """A sandbox as upstream has it."""

    order: dict
    idempotency_key: str | None
    ends_at: float
    state: str = "running"

    @property
    def labels(self) -> dict[str, str]:
        return self.order["metadata"]


@dataclasses.dataclass(frozen=True)
class Change:
    """A call that concerns one sandbox."""

    method: str
    sandbox: str
    what: str
    body: dict


class KeepingE2B(FakeE2B):
    """E2B's control plane as it should be. `create` and `destroy` can be replaced as ever, `make` does what a create does
    without answering, and what is in `refusals` answers a call by its name, `timeout`, `pause` and so on, instead."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        super().__init__()

    def behave(self) -> None:
        super().behave()
        self.kept: dict[str, Kept] = {}
        self.changes: list[Change] = []
        self.keys: list[str | None] = []
        self.refusals: dict[str, tuple[int, object]] = {}
        self.create = lambda exchange: exchange.answer(201, self.make(exchange))
        self.destroy, self.probe = self._destroy, self._probe

    def make(self, exchange: Exchange) -> dict:
        sandbox = f"i{next(_numbers):020x}"
        key = exchange.headers.get("Idempotency-Key")
        with self._lock:
            self.keys.append(key)
            self.kept[sandbox] = Kept(exchange.order, key, time.time() + exchange.order["timeout"])
        return SANDBOX | {"sandboxID": sandbox}

    def lose(self, sandbox: str) -> None:
        """As if it had ended by itself."""
        with self._lock:
            del self.kept[sandbox]

    def changes_of(self, sandbox: str, what: str) -> list[dict]:
        return [change.body for change in self.changes if (change.sandbox, change.what) == (sandbox, what)]

    def _destroy(self, exchange: Exchange) -> None:
        with self._lock:
            known = self.kept.pop(exchange.order["sandboxID"], None)
        exchange.answer(204 if known else 404, b"" if known else {"code": 404, "message": "unknown"})

    def _probe(self, exchange: Exchange) -> None:
        path, _, query = exchange.path.partition("?")
        match path.removeprefix("/v2").split("/")[1:]:
            case ["sandboxes"]:
                with self._lock:
                    listed = [self._document(sandbox) for sandbox in self.kept]
                exchange.answer(200, listed)
            case ["sandboxes", "metrics"]:
                self.changes.append(Change("GET", "", "many", {"query": query}))
                asked = query.removeprefix("sandbox_ids=").split("%2C")
                exchange.answer(200, {"sandboxes": {sandbox: {"cpuUsedPct": 1.5} for sandbox in asked}})
            case ["sandboxes", sandbox, *rest]:
                self._concerning(exchange, sandbox, rest[0] if rest else "", query)
            case _:
                exchange.answer(404, {"code": 404, "message": "no route"})

    def _concerning(self, exchange: Exchange, sandbox: str, what: str, query: str) -> None:
        body = json.loads(exchange.body or b"{}") | ({"query": query} if query else {})
        self.changes.append(Change(exchange.command, sandbox, what, body))
        with self._lock:
            kept = self.kept.get(sandbox)
            document = self._document(sandbox) if kept else {}
        if what in self.refusals:
            return exchange.answer(*self.refusals[what])
        if not kept:
            return exchange.answer(404, {"code": 404, "message": f"sandbox {sandbox} was not found"})
        match what:
            case "timeout":
                kept.ends_at = time.time() + body["timeout"]
                exchange.answer(204, b"")
            case "pause":
                is_new, kept.state = kept.state == "running", "paused"
                exchange.answer(204 if is_new else 409, b"" if is_new else {"code": 409, "message": "already paused"})
            case "connect":
                was_asleep, kept.state = kept.state == "paused", "running"
                kept.ends_at = max(kept.ends_at, time.time() + body["timeout"])
                exchange.answer(201 if was_asleep else 200, SANDBOX | {"sandboxID": sandbox})
            case "metrics":
                exchange.answer(200, [{"timestamp": "2026-11-22T22:00:05Z", "cpuUsedPct": 12.5, "later": [1]}])
            case "logs":
                exchange.answer(200, {"logs": [{"timestamp": "2026-11-22T22:00:05Z", "message": "naïve", "level": "info"}]})
            case _:
                exchange.answer(200, document)

    def _document(self, sandbox: str) -> dict:
        kept = self.kept[sandbox]
        return {
            "sandboxID": sandbox,
            "templateID": kept.order["templateID"],
            "clientID": "6532622b",
            "state": kept.state,
            "metadata": kept.labels,
            "cpuCount": 2,
            "memoryMB": 512,
            "diskSizeMB": 1024,
            "envdVersion": "0.6.13",
            "endAt": datetime.datetime.fromtimestamp(kept.ends_at, datetime.UTC).isoformat(),
            "allowInternetAccess": kept.order["allow_internet_access"],
            # As E2B really does.
            "envdAccessToken": SANDBOX["envdAccessToken"],
        }
