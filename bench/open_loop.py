"""Calls at a given rate, whether or not those before them have been answered: an open loop.

Every call has its instant, drawn evenly from the whole time as independent callers would come, and its time is counted from
that instant on: what waits in here because the machine is busy counts against it.
"""

import asyncio
import collections
import dataclasses
import random
import time
import urllib.parse


@dataclasses.dataclass
class Load:
    """What came of it."""

    seconds: float
    #: Milliseconds of the calls that were answered as they should.
    times: list[float] = dataclasses.field(default_factory=list)
    #: How late each call was sent, in milliseconds: what the generator itself had no time for.
    lateness: list[float] = dataclasses.field(default_factory=list)
    #: What went wrong, and how often.
    errors: collections.Counter[str] = dataclasses.field(default_factory=collections.Counter)
    connections: int = 0
    #: Of a core that the generator took.
    cores: float = 0


class _Connection(asyncio.Protocol):
    """One kept connection, for one call at a time. Knows answers whose length is stated, as the gateway's are."""

    def __init__(self) -> None:
        self._received = bytearray()
        self._answer: asyncio.Future[tuple[bytes, bytes]] | None = None
        self.is_open = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport
        self.is_open = True

    def connection_lost(self, error: Exception | None) -> None:
        self.is_open = False
        if self._answer and not self._answer.done():
            self._answer.set_exception(error or ConnectionResetError("closed without an answer"))

    def data_received(self, data: bytes) -> None:
        self._received += data
        head, blank, body = bytes(self._received).partition(b"\r\n\r\n")
        if not blank or self._answer is None:
            return
        length = next((line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")), None)
        if length is None or len(body) < int(length.partition(b":")[2]):
            return
        self._received.clear()
        if b"connection: close" in head.lower():
            self.is_open = False
        if not self._answer.done():
            self._answer.set_result((head, body))

    async def call(self, request: bytes) -> tuple[bytes, bytes]:
        self._answer = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        return await self._answer

    def close(self) -> None:
        self._transport.close()


def request(url: str, token: str, body: bytes) -> bytes:
    """A call of `POST /v1/executions`, as bytes."""
    head = (
        "POST /v1/executions HTTP/1.1",
        f"Host: {urllib.parse.urlsplit(url).netloc}",
        f"Authorization: Bearer {token}",
        "Content-Type: application/json",
        f"Content-Length: {len(body)}",
    )
    return "\r\n".join(head).encode() + b"\r\n\r\n" + body


async def _run(url: str, sent: bytes, rate: float, seconds: float) -> Load:
    load = Load(seconds)
    address = urllib.parse.urlsplit(url)
    loop = asyncio.get_running_loop()
    idle: list[_Connection] = []
    drawn = random.Random(7)
    instants = sorted(drawn.uniform(0, seconds) for _ in range(round(rate * seconds)))
    start = loop.time() + 0.1

    async def one(due: float) -> None:
        load.lateness.append((loop.time() - due) * 1000)
        try:
            connection = None
            while idle and connection is None:
                kept = idle.pop()
                connection = kept if kept.is_open else None
            if connection is None:
                _, connection = await loop.create_connection(_Connection, address.hostname, address.port)
                load.connections += 1
            head, body = await connection.call(sent)
            if not head.startswith(b"HTTP/1.1 200"):
                load.errors[f"{head[9:12].decode()}: {body[:300].decode(errors='replace')}"] += 1
            elif b'"outcome":"completed"' not in body:
                load.errors[body[:300].decode(errors="replace")] += 1
            else:
                load.times.append((loop.time() - due) * 1000)
            if connection.is_open:
                idle.append(connection)
        except OSError as error:
            load.errors[repr(error)] += 1

    calls = []
    busy = time.process_time()
    for instant in instants:
        await asyncio.sleep(start + instant - loop.time())
        calls.append(asyncio.create_task(one(start + instant)))
    _, unanswered = await asyncio.wait(calls, timeout=60)
    load.cores = (time.process_time() - busy) / (loop.time() - start)
    if unanswered:
        load.errors["not answered within a minute"] = len(unanswered)
        for call in unanswered:
            call.cancel()
    for connection in idle:
        connection.close()
    return load


def run(url: str, sent: bytes, rate: float, seconds: float) -> Load:
    """Calls `rate` times a second for `seconds`, and waits a minute at most for the last answers."""
    return asyncio.run(_run(url, sent, rate, seconds))
