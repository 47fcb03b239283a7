"""HTTP/1.1 as bytes: where a head and a body end, and nothing changed on the way."""

import asyncio
import dataclasses
from collections.abc import AsyncIterator

_PIECE = 64 * 1024
LONGEST_HEAD = 256 * 1024


@dataclasses.dataclass(frozen=True)
class Head:
    """A request's or a reply's, as it came."""

    raw: bytes

    @property
    def first_line(self) -> list[str]:
        return self.raw.split(b"\r\n", 1)[0].decode("latin-1").split(" ", 2)

    @property
    def headers(self) -> dict[str, str]:
        """By their names in lower case; of several of a name the last."""
        lines = self.raw.decode("latin-1").split("\r\n")[1:]
        pairs = (line.partition(":") for line in lines if line)
        return {name.lower(): value.strip() for name, _, value in pairs}

    @property
    def status(self) -> int:
        """Of a reply."""
        return int(self.first_line[1])

    @property
    def is_chunked(self) -> bool:
        return "chunked" in self.headers.get("transfer-encoding", "").lower()

    @property
    def length(self) -> int | None:
        """Of the body, where the head tells it."""
        length = self.headers.get("content-length")
        return None if length is None else int(length)


async def read_head(reader: asyncio.StreamReader) -> Head | None:
    """The next head, or None where the other end has closed instead."""
    try:
        return Head(await reader.readuntil(b"\r\n\r\n"))
    except asyncio.IncompleteReadError as end:
        if end.partial:
            raise
        return None


def request_body(head: Head, reader: asyncio.StreamReader) -> AsyncIterator[bytes]:
    if head.is_chunked:
        return _chunks(reader)
    return _counted(reader, head.length or 0)


def reply_body(head: Head, method: str, reader: asyncio.StreamReader) -> AsyncIterator[bytes]:
    """The body's bytes, the framing of chunks among them."""
    if method == "HEAD" or head.status in (204, 304):
        return _counted(reader, 0)
    if head.is_chunked:
        return _chunks(reader)
    if head.length is not None:
        return _counted(reader, head.length)
    return _until_the_end(reader)


def ends_with_the_connection(head: Head, method: str) -> bool:
    """Whether nothing can follow a reply on its connection."""
    if "close" in head.headers.get("connection", "").lower():
        return True
    has_body = method != "HEAD" and head.status not in (204, 304)
    return has_body and not head.is_chunked and head.length is None


def unframed(head: Head, body: bytes) -> bytes:
    """The content of a whole body."""
    if not head.is_chunked:
        return body
    content = b""
    while True:
        size, _, rest = body.partition(b"\r\n")
        length = int(size.split(b";")[0], 16)
        if not length:
            return content
        content, body = content + rest[:length], rest[length + 2 :]


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data)


LAST_CHUNK = b"0\r\n\r\n"


def reply(status: int, content: bytes, content_type: str | None, headers: dict[str, str]) -> bytes:
    """A whole reply."""
    return reply_head(status, content_type, headers | {"content-length": str(len(content))}) + content


def reply_head(status: int, content_type: str | None, headers: dict[str, str]) -> bytes:
    named = ({"content-type": content_type} if content_type else {}) | headers
    lines = [f"HTTP/1.1 {status} As told", *(f"{name}: {value}" for name, value in named.items())]
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n"


async def _counted(reader: asyncio.StreamReader, length: int) -> AsyncIterator[bytes]:
    while length:
        piece = await reader.read(min(length, _PIECE))
        if not piece:
            raise asyncio.IncompleteReadError(b"", length)
        length -= len(piece)
        yield piece


async def _chunks(reader: asyncio.StreamReader) -> AsyncIterator[bytes]:
    while True:
        line = await reader.readuntil(b"\r\n")
        yield line
        size = int(line.split(b";")[0], 16)
        if size:
            async for piece in _counted(reader, size + 2):
                yield piece
            continue
        while (trailer := await reader.readuntil(b"\r\n")) != b"\r\n":
            yield trailer
        yield trailer
        return


async def _until_the_end(reader: asyncio.StreamReader) -> AsyncIterator[bytes]:
    while piece := await reader.read(_PIECE):
        yield piece
