"""What can go wrong between a gateway and its upstream."""

import asyncio
import json
import random
import threading
from collections.abc import Callable, Iterable

from harness.faults import messages
from harness.faults.exchange import Exchange, Part
from harness.faults.messages import Head
from harness.faults.rules import Fault


async def passed_on(exchange: Exchange) -> None:
    """No fault at all."""
    await exchange.forward()
    async for piece in exchange.reply():
        await exchange.send(piece)


# Time


def delayed(seconds: float, then: Fault = passed_on) -> Fault:
    """Upstream hears of it later."""

    async def conduct(exchange: Exchange) -> None:
        await asyncio.sleep(seconds)
        await then(exchange)

    return conduct


def answered_late(seconds: float) -> Fault:
    """Upstream does it at once, and the gateway hears of it later."""

    async def conduct(exchange: Exchange) -> None:
        await exchange.forward()
        reply = [piece async for piece in exchange.reply()]
        await asyncio.sleep(seconds)
        for piece in reply:
            await exchange.send(piece)

    return conduct


def held(gate: threading.Event, then: Fault = passed_on) -> Fault:
    """Goes on when the test opens the gate."""

    async def conduct(exchange: Exchange) -> None:
        while not gate.is_set():
            await asyncio.sleep(0.01)
        await then(exchange)

    return conduct


def slowly(pause: float, size: int = 1, part: Part = "reply") -> Fault:
    """Slow-loris: so many bytes at once, and a pause after each."""

    async def conduct(exchange: Exchange) -> None:
        await exchange.forward()
        async for piece in exchange.reply(part):
            for start in range(0, len(piece), size):
                await exchange.send(piece[start : start + size])
                await asyncio.sleep(pause)

    return conduct


async def unanswered(exchange: Exchange) -> None:
    """A black hole: upstream never hears of it, and nobody answers as long as the gateway waits."""
    await exchange.take_request()
    await asyncio.Event().wait()


async def silenced(exchange: Exchange) -> None:
    """Upstream does it, and the answer never comes."""
    await exchange.forward()
    async for _ in exchange.reply():
        pass
    await asyncio.Event().wait()


# Connections


async def reset_unheard(exchange: Exchange) -> None:
    """Reset before upstream heard of it."""
    exchange.reset()


async def closed_unheard(exchange: Exchange) -> None:
    """An orderly close before upstream heard of it."""
    await exchange.take_request()
    await exchange.close()


async def reply_lost(exchange: Exchange) -> None:
    """Upstream does it and answers, and the connection is reset before a byte of that."""
    await exchange.forward()
    async for _ in exchange.reply():
        pass
    exchange.reset()


def broken_off(at: int, part: Part = "reply", *, orderly: bool = False) -> Fault:
    """Reset, or closed in good order, after so many bytes."""

    async def conduct(exchange: Exchange) -> None:
        await exchange.forward()
        left = at
        async for piece in exchange.reply(part):
            await exchange.send(piece[:left])
            left -= len(piece)
            if left <= 0:
                break
        if orderly:
            await exchange.close()
        else:
            exchange.reset()

    return conduct


# Bytes


def rearranged(change: Callable[[bytes], bytes], part: Part = "reply") -> Fault:
    """The bytes are others than upstream sent, whatever its head says of them."""

    async def conduct(exchange: Exchange) -> None:
        await exchange.forward()
        await exchange.send(change(b"".join([piece async for piece in exchange.reply(part)])))

    return conduct


def duplicated(start: int = 0, stop: int | None = None, part: Part = "reply") -> Fault:
    """The bytes from `start` to before `stop` come twice; by default the whole reply."""
    return rearranged(lambda sent: sent[:stop] + sent[start:stop] + (sent[stop:] if stop is not None else b""), part)


def shuffled(size: int, seed: int = 0, part: Part = "body") -> Fault:
    """Pieces of so many bytes come in another order."""

    def change(sent: bytes) -> bytes:
        pieces = [sent[start : start + size] for start in range(0, len(sent), size)]
        dice, order = random.Random(seed), list(pieces)
        while order == pieces and len(set(pieces)) > 1:
            dice.shuffle(order)
        return b"".join(order)

    return rearranged(change, part)


def altered(change: Callable[[bytes], bytes], *, content_type: str = "application/json", status: int | None = None) -> Fault:
    """Upstream does it; its answer's content is another, in good HTTP."""

    async def conduct(exchange: Exchange) -> None:
        await exchange.forward()
        raw, *body = [piece async for piece in exchange.reply()]
        head = Head(raw)
        content = change(messages.unframed(head, b"".join(body)))
        await exchange.send(messages.reply(status or head.status, content, content_type, {}))

    return conduct


# Answers that upstream never gave


def answered(
    status: int,
    content: object = None,
    *,
    content_type: str | None = "application/json",
    forwarding: bool = False,
    **headers: str,
) -> Fault:
    """Such an answer: bytes as they are, anything else as JSON, by default E2B's shape of an error. Upstream does it all
    the same if `forwarding`."""
    if content is None:
        content = {"code": status, "message": "as the test tells"}
    body = content if isinstance(content, bytes) else json.dumps(content).encode()
    named = {name.replace("_", "-"): value for name, value in headers.items()}

    async def conduct(exchange: Exchange) -> None:
        if forwarding:
            await exchange.forward()
            async for _ in exchange.reply():
                pass
        else:
            await exchange.take_request()
        await exchange.send(messages.reply(status, body, content_type, named))

    return conduct


def flooding(
    pieces: Callable[[], Iterable[bytes]],
    *,
    status: int = 200,
    content_type: str | None = None,
    length: int | None = None,
    pause: float = 0,
) -> Fault:
    """An answer that is made while it is sent, as long as there are pieces: in chunks, or of a length that is told."""

    async def conduct(exchange: Exchange) -> None:
        await exchange.take_request()
        framing = {"transfer-encoding": "chunked"} if length is None else {"content-length": str(length)}
        await exchange.send(messages.reply_head(status, content_type, framing))
        for piece in pieces():
            await exchange.send(messages.chunk(piece) if length is None else piece)
            await asyncio.sleep(pause)
        if length is None:
            await exchange.send(messages.LAST_CHUNK)

    return conduct


def endless_head(line: bytes = b"x-filler: " + b"x" * 8000 + b"\r\n") -> Fault:
    """A head that does not end."""

    async def conduct(exchange: Exchange) -> None:
        await exchange.take_request()
        await exchange.send(b"HTTP/1.1 201 As told\r\n")
        while True:
            await exchange.send(line)
            await asyncio.sleep(0)

    return conduct
