"""The Connect protocol (connectrpc.com) with JSON, as far as E2B's SDKs speak it.

A unary call is a POST of `application/json`; a stream is `application/connect+json`, in which each message
stands behind a byte of flags and four of its length. The last message of a stream has flag 2 and says how
it ended.
"""

import asyncio
import base64
import binascii
import json
import struct

from .exchange import Gone, Refusal

UNARY = "application/json"
STREAM = "application/connect+json"
LARGEST_MESSAGE = 16 << 20
KEEPALIVE_SECONDS = 90
"""Between signs of life in a silent stream, if the caller does not say."""

STATUS = {
    "canceled": 499,
    "unknown": 500,
    "invalid_argument": 400,
    "deadline_exceeded": 504,
    "not_found": 404,
    "already_exists": 409,
    "permission_denied": 403,
    "resource_exhausted": 429,
    "failed_precondition": 400,
    "unimplemented": 501,
    "internal": 500,
    "unauthenticated": 401,
}

USERS = ("user", "root")
"""Names that callers may act as. A sandbox here has one user, who answers to both."""


class Failure(Exception):
    """A call that failed: one of Connect's codes, and what happened."""

    def __init__(self, code, message):
        super().__init__(message)
        self.code = code
        self.message = message

    @property
    def document(self):
        return {"code": self.code, "message": self.message}


class Call:
    """What a method of a service is given besides its message."""

    def __init__(self, exchange):
        self._exchange = exchange
        self.environment = exchange.environment
        milliseconds = exchange.headers.get("connect-timeout-ms")
        self.timeout = None
        """Seconds until the caller gives up, or None."""
        if milliseconds:
            if not milliseconds.isdecimal() or len(milliseconds) > 10:
                raise Failure("invalid_argument", f"invalid Connect-Timeout-Ms: {milliseconds}")
            self.timeout = int(milliseconds) / 1000 or None
        seconds = exchange.headers.get("keepalive-ping-interval", "")
        self.keepalive = int(seconds) if seconds.isdecimal() and 0 < int(seconds) <= 3600 else KEEPALIVE_SECONDS

    async def send(self, message):
        """One message of a stream."""
        await self._exchange.send(enveloped(message))


class Services:
    """Finds the method a path names. A service has `unary`, `streams` and `inputs`: name -> coroutine function.

    `unary` takes (message, call) and returns a message; `streams` takes the same and sends messages;
    `inputs` takes an asynchronous iterator of messages, and returns one.
    """

    def __init__(self, services):
        self._services = services

    async def answer(self, exchange):
        service, _, method = exchange.path.removeprefix("/").partition("/")
        service = self._services.get(service)
        if service is None or not (method in service.unary or method in service.streams or method in service.inputs):
            await exchange.drain()
            raise Refusal(404, f"{exchange.method} {exchange.path} is not offered by the local E2B")
        if exchange.method != "POST":
            raise Refusal(405, f"{exchange.path} is called with POST")
        media_type = exchange.headers.get("content-type", "").partition(";")[0].strip().lower()
        if media_type != (UNARY if method in service.unary else STREAM):
            await exchange.drain()
            raise Refusal(415, f"{exchange.path} does not take '{media_type}'")
        if method in service.unary:
            await self._call(exchange, service.unary[method])
        elif method in service.streams:
            await self._stream(exchange, service.streams[method])
        else:
            await self._take_in(exchange, service.inputs[method])

    async def _call(self, exchange, method):
        try:
            check_encoding(exchange, "content-encoding")
            check_user(exchange)
            body = await exchange.body(LARGEST_MESSAGE)
            reply = await within_deadline(method, decoded(body), Call(exchange))
        except Failure as failure:
            await exchange.reply_json(failure.document, status=STATUS[failure.code])
        else:
            await exchange.reply_json(reply)

    async def _stream(self, exchange, method):
        last = {}
        try:
            check_encoding(exchange, "connect-content-encoding")
            check_user(exchange)
            messages = [message async for message in unwrapped(exchange)]
            if len(messages) != 1:
                raise Failure("invalid_argument", "a stream of answers is asked for with one message")
            await exchange.begin(200, {"content-type": STREAM})
            stream = asyncio.current_task()
            exchange.on_departure(stream.cancel)
            await within_deadline(method, messages[0], Call(exchange))
        except Failure as failure:
            last = {"error": failure.document}
        except asyncio.CancelledError:
            raise Gone from None
        await finish_stream(exchange, last)

    async def _take_in(self, exchange, method):
        try:
            check_encoding(exchange, "connect-content-encoding")
            check_user(exchange)
            reply = await within_deadline(method, unwrapped(exchange), Call(exchange))
        except Failure as failure:
            await finish_stream(exchange, {"error": failure.document})
            return
        await exchange.begin(200, {"content-type": STREAM})
        await exchange.send(enveloped(reply))
        await finish_stream(exchange, {})


async def finish_stream(exchange, last):
    if not exchange.has_answered:
        await exchange.begin(200, {"content-type": STREAM})
    await exchange.send(enveloped(last, flags=2))
    await exchange.end()


async def within_deadline(method, message, call):
    try:
        async with asyncio.timeout(call.timeout):
            return await method(message, call)
    except TimeoutError:
        raise Failure("deadline_exceeded", "the deadline has passed") from None


async def unwrapped(exchange):
    """The messages of a stream, as they come."""
    received = bytearray()
    async for part in exchange.parts():
        received += part
        while len(received) >= 5:
            flags, length = struct.unpack(">BI", received[:5])
            if flags & 1:
                raise Failure("unimplemented", "compressed messages are not understood")
            if length > LARGEST_MESSAGE:
                raise Failure("resource_exhausted", f"a message exceeds {LARGEST_MESSAGE} bytes")
            if len(received) < 5 + length:
                break
            content = bytes(received[5 : 5 + length])
            del received[: 5 + length]
            yield decoded(content)
    if received:
        raise Failure("invalid_argument", "the last message is incomplete")


def enveloped(message, flags=0):
    content = json.dumps(message, separators=(",", ":")).encode()
    return struct.pack(">BI", flags, len(content)) + content


def check_encoding(exchange, header):
    encoding = exchange.headers.get(header, "identity")
    if encoding not in ("", "identity"):
        raise Failure("unimplemented", f"unknown compression '{encoding}': supported encodings are identity")


def check_user(exchange):
    if exchange.user is not None and exchange.user not in USERS:
        raise Failure("unauthenticated", f"invalid username: '{exchange.user}'")


# Messages are protobuf's JSON: a field may be missing or null, which is its default.


def decoded(content):
    try:
        message = json.loads(content) if content else {}
    except (ValueError, RecursionError):
        raise Failure("invalid_argument", "the message is not JSON") from None
    if not isinstance(message, dict):
        raise Failure("invalid_argument", "the message is not an object")
    return message


def field(message, name, kind, default):
    """A field of a message; refused if it is of another type."""
    value = message.get(name)
    if value is None:
        return default
    if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
        raise Failure("invalid_argument", f"'{name}' has the wrong type")
    return value


def text(message, name, default=""):
    """Text that a system call takes: no lone surrogates, no zero bytes."""
    value = field(message, name, str, default)
    if value and ("\0" in value or not is_encodable(value)):
        raise Failure("invalid_argument", f"'{name}' cannot be used: it holds a zero byte or half a character")
    return value


def is_encodable(value):
    try:
        value.encode()
        return True
    except UnicodeEncodeError:
        return False


def number(message, name, default=0):
    value = message.get(name)
    if isinstance(value, str) and value.isdecimal() and len(value) <= 10:
        return int(value)  # protobuf's JSON takes numbers as text, too
    value = field(message, name, int, default)
    if not 0 <= value < 1 << 32:
        raise Failure("invalid_argument", f"'{name}' is out of range")
    return value


def data(message, name):
    """Bytes, which travel as base64."""
    value = field(message, name, str, "")
    try:
        value = value.replace("-", "+").replace("_", "/")
        return base64.b64decode(value + "=" * (-len(value) % 4), validate=True)
    except (binascii.Error, ValueError):
        raise Failure("invalid_argument", f"'{name}' is not base64") from None
