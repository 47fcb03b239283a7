"""One request and the ways in which it can be passed on, or not."""

import asyncio
import contextlib
import socket
import struct
from collections.abc import AsyncIterator
from typing import Literal, Self

from harness.faults import messages
from harness.faults.messages import Head
from harness.faults.record import Passage

# From which byte on a fault counts: of the whole reply, or of its body.
Part = Literal["reply", "body"]


class Exchange:
    """Upstream is asked on a connection of its own; the gateway's may go on to carry others."""

    def __init__(
        self,
        head: Head,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        upstream: tuple[str, int],
        passage: Passage,
    ):
        self.head = head
        self.passage = passage
        # Whether another request may follow on the gateway's connection.
        self.goes_on = True
        self._reader, self._writer = reader, writer
        self._address = upstream
        self._upstream: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
        self._upload: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._upload and not self._upload.done():
            self._upload.cancel()
            self.goes_on = False
        if self._upload:
            with contextlib.suppress(asyncio.CancelledError, OSError, EOFError):
                await self._upload
        if self._upstream:
            self._upstream[1].transport.abort()

    # Up

    async def forward(self) -> None:
        """Asks upstream; what still comes of the request's body follows while the reply is read."""
        self._upstream = await asyncio.open_connection(*self._address)
        self.passage.was_forwarded = True
        self._upstream[1].write(self.head.raw)
        self._upload = asyncio.create_task(self._pass_up(self._upstream[1]))

    async def _pass_up(self, writer: asyncio.StreamWriter) -> None:
        async for piece in messages.request_body(self.head, self._reader):
            writer.write(piece)
            await writer.drain()

    async def take_request(self) -> None:
        """Reads the request to its end, for nobody."""
        async for _ in messages.request_body(self.head, self._reader):
            pass

    # Down

    async def reply_head(self) -> Head:
        """Of the final answer; those before it are passed on."""
        assert self._upstream
        while (head := await messages.read_head(self._upstream[0])) and head.status < 200:
            await self.send(head.raw)
        if head is None:
            raise ConnectionError("upstream closed without an answer")
        self.passage.status = head.status
        if messages.ends_with_the_connection(head, self.passage.method):
            self.goes_on = False
        return head

    async def reply(self, part: Part = "reply") -> AsyncIterator[bytes]:
        """The reply's bytes as they come; where only the body's are asked for, its head is passed on before."""
        assert self._upstream
        head = await self.reply_head()
        if part == "body":
            await self.send(head.raw)
        else:
            yield head.raw
        async for piece in messages.reply_body(head, self.passage.method, self._upstream[0]):
            yield piece

    async def send(self, data: bytes) -> None:
        """To the gateway, no faster than it takes it."""
        self._writer.write(data)
        try:
            await self._writer.drain()
        except OSError:
            self.passage.was_left = True
            raise
        self.passage.sent_bytes += len(data)

    async def close(self) -> None:
        """An orderly end of the connection, whatever was announced."""
        self.goes_on = False
        self._writer.close()

    def reset(self) -> None:
        """The connection is torn down, as by a machine that is gone."""
        self.goes_on = False
        own: socket.socket = self._writer.get_extra_info("socket")
        own.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._writer.transport.abort()
