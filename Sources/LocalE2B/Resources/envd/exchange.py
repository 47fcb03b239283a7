"""One request and its answer, on a socket of their own.

Both ways in frames: one byte for the kind, four for the length (big-endian), and the content.

    h  the head, JSON: of a request {"method", "path", "query", "headers", "user"?, "environment"}, of
       which `query` is an object; of an answer {"status", "headers"}; `headers` are pairs, names in lower case
    b  a part of the body
    e  the end; a body without it was broken off
"""

import asyncio
import json
import struct

LARGEST_FRAME = 32 << 20
PART = 64 << 10
"""Bytes of a body in one frame."""


class Gone(Exception):
    """The caller has left, or broke off in the middle."""


class Refusal(Exception):
    """An answer other than the one that was asked for: {"code": …, "message": …}, as envd gives it."""

    def __init__(self, status, message):
        super().__init__(message)
        self.status = status
        self.message = message


class Exchange:
    def __init__(self, reader, writer):
        self._reader = reader
        self._writer = writer
        self._body_has_ended = False
        self._watch = None
        self.has_answered = False

    async def __aenter__(self):
        kind, content = await self._frame()
        if kind != b"h":
            raise Gone
        head = json.loads(content)
        self.method = head["method"]
        self.path = head["path"]
        self.query = head["query"]
        self.headers = dict(head["headers"])
        self.user = head.get("user")
        self.environment = head["environment"]
        return self

    async def __aexit__(self, *failure):
        if self._watch:
            self._watch.cancel()

    # The request's body

    async def parts(self):
        """The body as it comes; raises Gone if it breaks off."""
        while not self._body_has_ended:
            kind, content = await self._frame()
            if kind == b"e":
                self._body_has_ended = True
            elif content:
                yield content

    async def body(self, limit):
        collected = bytearray()
        async for part in self.parts():
            collected += part
            if len(collected) > limit:
                raise Refusal(413, f"the request body exceeds {limit} bytes")
        return bytes(collected)

    async def drain(self):
        """Read a body to its end for nobody: its sender would else fail before it reads the answer."""
        async for _ in self.parts():
            pass

    async def _frame(self):
        try:
            kind, length = struct.unpack(">cI", await self._reader.readexactly(5))
            if length > LARGEST_FRAME:
                raise Gone
            return kind, await self._reader.readexactly(length)
        except (asyncio.IncompleteReadError, ConnectionError):
            raise Gone from None

    def on_departure(self, act):
        """After the body: call `act` when the caller leaves."""

        async def watch():
            await self._reader.read(1)
            act()

        self._watch = asyncio.get_running_loop().create_task(watch())

    # The answer

    async def begin(self, status, headers):
        self.has_answered = True
        head = json.dumps({"status": status, "headers": list(headers.items())})
        await self._write(b"h", head.encode())

    async def send(self, content):
        """A part of the body; waits while the reader is behind."""
        for start in range(0, len(content), PART):
            await self._write(b"b", content[start : start + PART])

    async def end(self):
        await self._write(b"e", b"")

    async def reply(self, status, headers, content):
        headers = headers | {"content-length": str(len(content))}
        await self.begin(status, headers)
        await self.send(content)
        await self.end()

    async def reply_json(self, value, headers={}, status=200):
        content = json.dumps(value, separators=(",", ":")).encode()
        await self.reply(status, {"content-type": "application/json"} | headers, content)

    async def refuse(self, refusal):
        if self.has_answered:
            raise Gone  # too late for words: the answer breaks off
        await self.reply_json({"code": refusal.status, "message": refusal.message}, status=refusal.status)

    async def _write(self, kind, content):
        self._writer.write(struct.pack(">cI", kind, len(content)) + content)
        await self._writer.drain()
