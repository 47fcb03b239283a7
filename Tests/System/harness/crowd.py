"""Callers and an administrator who go on whatever becomes of the gateway, and remember what they were told."""

import dataclasses
import functools
import json
import random
import threading
import time
from collections.abc import Callable
from typing import Self

import httpx

from harness.living_e2b import Piece

# How often each kind of call is made, out of all.
_KINDS = {"document": 60, "stream": 15, "leave": 8, "cancel": 9, "time out": 8}


@dataclasses.dataclass(frozen=True)
class Told:
    """What a caller was told about an execution that is over."""

    outcome: str
    runtime_ms: int


class Promises:
    """Everything that the gateway has said so far, and must stand by however often it is killed."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.finished: dict[str, Told] = {}
        # Executions that somebody was given the name of.
        self.begun: set[str] = set()
        # Keys that were issued in a rotation.
        self.keys: set[str] = set()
        # For each tenant the limit that was confirmed last and those asked for since: one of them holds.
        self.limits: dict[str, frozenset[int]] = {}
        self.refusals: dict[int, int] = {}

    def begin(self, execution: str) -> None:
        with self._lock:
            self.begun.add(execution)

    def finish(self, document: dict) -> None:
        with self._lock:
            self.finished[document["id"]] = Told(document["outcome"], document["runtime_ms"])
            self.begun.add(document["id"])

    def refuse(self, status: int) -> None:
        with self._lock:
            self.refusals[status] = self.refusals.get(status, 0) + 1


class Threads:
    """Threads that go on until they are sent home, and see for themselves when that is."""

    def __init__(self, *targets: Callable[[], None]):
        self._is_over = threading.Event()
        self._threads = [threading.Thread(target=target) for target in targets]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._is_over.set()
        for thread in self._threads:
            thread.join()


class Crowd(Threads):
    """Callers and an administrator, a thread each."""

    def __init__(
        self, url: str, admin_url: str, admin_token: str, tenants: dict[str, tuple[str, str]], seed: int, callers: int
    ):
        self.promises = Promises()
        self.calls = 0
        self.faults: list[str] = []
        self._url, self._admin_url, self._admin_token = url, admin_url, admin_token
        # Each tenant's key and token as they are now; both the old and the new token of a rotation work.
        self._tenants = tenants
        calls = (functools.partial(self._call, random.Random(f"{seed}/{number}")) for number in range(callers))
        super().__init__(*calls, functools.partial(self._administer, random.Random(f"{seed}/admin")))

    def _forever(self, http: httpx.Client, act) -> None:
        while not self._is_over.is_set():
            try:
                act(http)
            except httpx.TransportError:
                time.sleep(0.02)  # it was killed: soon there is another
            except Exception as fault:  # a thread that dies must not pass for one that is content
                self.faults.append(repr(fault))
                return

    # Callers

    def _call(self, rng: random.Random) -> None:
        with httpx.Client(base_url=self._url, trust_env=False, timeout=20) as http:
            self._forever(http, lambda http: self._one(http, rng))

    def _one(self, http: httpx.Client, rng: random.Random) -> None:
        [kind] = rng.choices(list(_KINDS), weights=list(_KINDS.values()))
        piece = Piece(seconds=rng.choice([0, 0, 0.005, 0.03, 0.1]), raises=rng.random() < 0.2)
        order: dict = {"timeout_seconds": 5}
        if kind == "time out":
            piece, order = Piece(ends=False), {"timeout_seconds": 0.2}
        if kind in ("leave", "cancel"):
            piece = Piece(seconds=0.3)
        _, token = self._tenants[rng.choice(list(self._tenants))]
        headers = {"authorization": f"Bearer {token}"}
        order["code"] = piece.code
        self.calls += 1
        if kind in ("document", "time out"):
            reply = http.post("/v1/executions", json=order, headers=headers)
            self._heard(reply.status_code, reply.json())
            return
        headers["accept"] = "application/x-ndjson"
        with http.stream("POST", "/v1/executions", json=order, headers=headers) as reply:
            if reply.status_code != 200:
                self._heard(reply.status_code, json.loads(reply.read()))
                return
            for line in reply.iter_lines():
                event = json.loads(line)
                if event["type"] == "started":
                    self.promises.begin(event["id"])
                    if kind == "leave":
                        return
                    if kind == "cancel":
                        http.delete(
                            f"/v1/executions/{event['id']}", headers={"authorization": f"Bearer {token}"}
                        )
                elif event["type"] == "finished":
                    self.promises.finish(event)

    def _heard(self, status: int, document: dict) -> None:
        if status == 200:
            self.promises.finish(document)
        elif status in (429, 502, 503, 504):
            self.promises.refuse(status)
            time.sleep(0.01)
        else:
            self.faults.append(f"{status}: {document}")

    # The administrator

    def _administer(self, rng: random.Random) -> None:
        headers = {"authorization": f"Bearer {self._admin_token}"}
        with httpx.Client(base_url=self._admin_url, headers=headers, trust_env=False, timeout=20) as http:
            self._forever(http, lambda http: self._rotate(http, rng) if rng.random() < 0.3 else self._limit(http, rng))

    def _rotate(self, http: httpx.Client, rng: random.Random) -> None:
        name = rng.choice(list(self._tenants))
        key, _ = self._tenants[name]
        reply = http.post(f"/admin/v1/keys/{key}/rotation", json={"overlap_seconds": 3600})
        if reply.status_code == 201:
            issued = reply.json()
        elif reply.status_code == 409:  # a kill took the answer of the rotation before
            reply = http.post(f"/admin/v1/tenants/{name}/keys")
            if reply.status_code != 201:
                return self.promises.refuse(reply.status_code)
            issued = reply.json()
        else:
            return self.promises.refuse(reply.status_code)
        self.promises.keys.add(issued["key_id"])
        self._tenants[name] = issued["key_id"], issued["token"]
        self._is_over.wait(rng.uniform(0.05, 0.2))

    def _limit(self, http: httpx.Client, rng: random.Random) -> None:
        name, limit = rng.choice(list(self._tenants)), rng.randint(3, 9)
        possible = self.promises.limits.get(name)
        if possible:
            self.promises.limits[name] = possible | {limit}
        reply = http.patch(f"/admin/v1/tenants/{name}/policy", json={"executions": limit})
        if reply.status_code == 200:
            self.promises.limits[name] = frozenset([limit])
        else:
            self.promises.refuse(reply.status_code)
        self._is_over.wait(rng.uniform(0.05, 0.2))
