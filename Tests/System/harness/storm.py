"""Hundreds of callers at once, each with a connection of its own on which it asks again and again."""

import asyncio
import collections
import dataclasses
import json
import random
import threading
import time
from collections.abc import Callable, Sequence
from typing import Self
from urllib.parse import urlsplit

from harness.client import NDJSON


@dataclasses.dataclass(frozen=True)
class Call:
    """What a caller asks for."""

    token: str = dataclasses.field(repr=False)
    body: dict
    streams: bool = False
    idempotency_key: str | None = None

    def written(self, host: str) -> bytes:
        body = json.dumps(self.body).encode()
        lines = [
            "POST /v1/executions HTTP/1.1", f"Host: {host}", f"Authorization: Bearer {self.token}",
            "Content-Type: application/json", f"Content-Length: {len(body)}",
        ]  # fmt: skip
        lines += [f"Accept: {NDJSON}"] if self.streams else []
        lines += [f"Idempotency-Key: {self.idempotency_key}"] if self.idempotency_key else []
        return "\r\n".join([*lines, "", ""]).encode() + body


@dataclasses.dataclass(frozen=True)
class Answer:
    """What came of a call. Without a status it was broken off before there was one."""

    call: Call
    status: int | None
    document: dict
    # When it was asked and when the answer was whole, by the monotonic clock.
    began: float
    ended: float
    # Why a caller has no whole answer.
    fault: str | None = None

    @property
    def seconds(self) -> float:
        return self.ended - self.began

    @property
    def is_served(self) -> bool:
        return self.status == 200 and self.fault is None and self.document.get("type") in (None, "finished")

    @property
    def slug(self) -> str:
        return str(self.document.get("type", "")).rpartition("/")[2]

    def __str__(self) -> str:
        return f"{self.status} {self.fault or self.document} after {self.seconds:.1f} s"


class Storm:
    """Calls until it is told to end: each caller asks for what `asks` gives it next, and rests after a refusal."""

    def __init__(
        self, url: str, callers: int, asks: Callable[[int, random.Random], Call], *, seed: object = 0, rest: float = 0.05,
        patience: float = 60,
    ):  # fmt: skip
        """`rest` is the average pause after a refusal, and `patience` the longest that an answer may take, in seconds."""
        self.answers: list[Answer] = []
        self._address = urlsplit(url)
        self._callers, self._asks, self._seed = callers, asks, seed
        self._rest, self._patience = rest, patience
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._call_all()))
        self._failure: BaseException | None = None

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._is_over.set()
        self._thread.join()
        if self._failure:
            raise self._failure

    def during(self, seconds: float) -> "Storm":
        with self:
            self._is_over.wait(seconds)
        return self

    @property
    def statuses(self) -> collections.Counter[str]:
        """How many answers of each kind, for a report."""
        return collections.Counter(
            answer.fault or (answer.slug if answer.status != 200 else str(answer.status)) for answer in list(self.answers)
        )

    def served(self) -> list[Answer]:
        return [answer for answer in list(self.answers) if answer.is_served]

    async def _call_all(self) -> None:
        try:
            await asyncio.gather(*(self._caller(number) for number in range(self._callers)))
        except BaseException as failure:
            self._failure = failure

    async def _caller(self, number: int) -> None:
        dice = random.Random(f"{self._seed}/{number}")
        connection = _Connection(self._address.hostname, self._address.port)
        while not self._is_over.is_set():
            call = self._asks(number, dice)
            answer = await connection.ask(call, self._patience)
            self.answers.append(answer)
            if not answer.is_served:
                await asyncio.sleep(dice.uniform(0, 2 * self._rest))
        connection.close()


class _Connection:
    """Of one caller, made anew where it was closed."""

    def __init__(self, host: str | None, port: int | None):
        self._host, self._port = host, port
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def ask(self, call: Call, patience: float) -> Answer:
        began = time.monotonic()
        status, document, fault = None, {}, None
        try:
            async with asyncio.timeout(patience):
                if not self._streams:
                    self._streams = await asyncio.open_connection(self._host, self._port, limit=1 << 20)
                reader, writer = self._streams
                writer.write(call.written(f"{self._host}:{self._port}"))
                status, headers = await _head(reader)
                body = await _body(reader, headers)
                document = json.loads(body.splitlines()[-1] if status == 200 and call.streams else body)
                if headers.get("connection", "").lower() == "close":
                    self.close()
        except TimeoutError:
            fault = f"no whole answer in {patience} s"
        except (OSError, EOFError, ValueError, IndexError) as failure:
            fault = repr(failure)
        if fault:
            self.close()
        return Answer(call, status, document, began, time.monotonic(), fault)

    def close(self) -> None:
        if self._streams:
            self._streams[1].transport.abort()
        self._streams = None


async def _head(reader: asyncio.StreamReader) -> tuple[int, dict[str, str]]:
    lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    fields = (line.partition(":") for line in lines[1:] if line)
    return int(lines[0].split()[1]), {name.lower(): value.strip() for name, _, value in fields}


async def _body(reader: asyncio.StreamReader, headers: dict[str, str]) -> bytes:
    if "content-length" in headers:
        return await reader.readexactly(int(headers["content-length"]))
    pieces = []
    while size := int(await reader.readuntil(b"\r\n"), 16):
        pieces.append((await reader.readexactly(size + 2))[:-2])
    await reader.readuntil(b"\r\n")
    return b"".join(pieces)


def share(answers: Sequence[Answer], token: str) -> list[Answer]:
    """Those to one token's calls."""
    return [answer for answer in answers if answer.call.token == token]
