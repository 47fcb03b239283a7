"""multipart/form-data (RFC 7578) as a stream: files of any size pass through, a part at a time."""

import re
import urllib.parse

from .exchange import Refusal

LARGEST_HEAD = 16 << 10
LONGEST_BOUNDARY = 70
QUOTED = r'"((?:[^"\\]|\\.)*)"'


async def multipart_files(content, media_type):
    """(filename, content) of each part that is named `file`; what is not read of it is skipped."""
    match = re.search(rf"boundary=(?:{QUOTED}|([^;\s]+))", media_type, re.IGNORECASE)
    boundary = (match.group(1) or match.group(2) or "").encode("latin-1", "replace") if match else b""
    if not 0 < len(boundary) <= LONGEST_BOUNDARY:
        raise Refusal(400, "error parsing multipart form: no multipart boundary param in Content-Type")
    form = Form(content, b"\r\n--" + boundary)
    async for _ in form.until_boundary():
        pass  # what stands before the first part
    while head := await form.next_head():
        part = form.until_boundary()
        name, filename = names(head)
        if name == "file":
            if filename is None:
                raise Refusal(400, "error getting multipart custom part file name: filename not found")
            yield filename, part
        async for _ in part:
            pass


class Form:
    def __init__(self, content, delimiter):
        self._content = aiter(content)
        self._delimiter = delimiter
        self._received = bytearray(b"\r\n")  # so that a boundary at the very start is one, too

    async def _receive(self):
        try:
            self._received += await anext(self._content)
        except StopAsyncIteration:
            raise Refusal(400, "error reading form: unexpected end of the body") from None

    async def until_boundary(self):
        kept = len(self._delimiter) - 1
        while (end := self._received.find(self._delimiter)) < 0:
            if len(self._received) > kept:
                piece = bytes(self._received[:-kept])
                del self._received[:-kept]
                yield piece
            await self._receive()
        piece = bytes(self._received[:end])
        del self._received[: end + len(self._delimiter)]
        if piece:
            yield piece

    async def next_head(self):
        """The head of the part after a boundary; None after the last boundary."""
        while len(self._received) < 2:
            await self._receive()
        if self._received.startswith(b"--"):
            return None
        while (end := self._received.find(b"\r\n\r\n")) < 0:
            if len(self._received) > LARGEST_HEAD:
                raise Refusal(400, "error reading form: the head of a part is too long")
            await self._receive()
        head = bytes(self._received[: end + 2])
        del self._received[: end + 4]
        return head.decode("utf-8", "surrogateescape")


def names(head):
    """A part's `name` and its `filename`, which here is a path."""
    match = re.search(r"^content-disposition:(.*)$", head, re.IGNORECASE | re.MULTILINE)
    line = match.group(1) if match else ""
    return parameter(line, "name"), parameter(line, "filename")


def parameter(line, name):
    if match := re.search(rf";\s*{name}\*=utf-8'[^']*'([^;\s]+)", line, re.IGNORECASE):
        return urllib.parse.unquote(match.group(1))
    if match := re.search(rf";\s*{name}=(?:{QUOTED}|([^;\s]+))", line, re.IGNORECASE):
        quoted, plain = match.groups()
        return plain if quoted is None else re.sub(r'\\(["\\])', r"\1", quoted)
    return None
