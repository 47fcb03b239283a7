"""Events: what a kernel tells the caller, one JSON object a line, ASCII only.

Every line goes to the server behind four bytes with its length (big-endian), so that the server can pass
lines on without looking for their ends.
"""

import contextlib
import json
import os
import struct
import threading

MAXIMUM_EVENT_BYTES = 32 << 20
"""The server gives up on a kernel that writes a longer line."""


class EventPipe:
    """Writes events to the server, and blocks while the server reads no further: the backpressure."""

    def __init__(self, descriptor, interruption):
        self._descriptor = descriptor
        self._interruption = interruption
        self.lock = threading.RLock()
        self.is_open = False
        """Whether an execution is running: events outside of one belong to nobody and are dropped."""
        self.error_was_sent = False
        self._in_child = False
        os.register_at_fork(after_in_child=self._forked)

    def _forked(self):
        self._in_child = True  # the events of an execution are its kernel's alone

    @contextlib.contextmanager
    def exclusive(self):
        """One thread at a time, and not to be interrupted."""
        with self._interruption, self.lock:
            yield

    def send(self, event):
        """Send one event: a dictionary with a `type`."""
        if self._in_child or not self.is_open:
            return
        if event["type"] == "error":
            self.error_was_sent = True
        line = encoded(event)
        if len(line) > MAXIMUM_EVENT_BYTES:
            line = encoded(too_large(event, len(line)))
        self.write(line)

    def write(self, line):
        """Write a whole line, whoever else writes."""
        with self.exclusive():
            rest = memoryview(struct.pack(">I", len(line)) + line)
            while rest:
                rest = rest[os.write(self._descriptor, rest) :]


def encoded(event):
    """One line. ASCII, because there are readers that split lines at U+2028 and U+0085 (httpx is one)."""
    try:
        text = json.dumps(event, default=plain, allow_nan=False)
        if "\\ud" in text:  # perhaps a lone surrogate, which no reader of UTF-8 accepts
            text = json.dumps(presentable(event), default=plain)
    except (ValueError, TypeError):
        text = json.dumps(presentable(event), default=plain)
    return text.encode() + b"\n"


def too_large(event, size):
    return {
        "type": "error",
        "name": "ResultTooLarge",
        "value": f"a {event['type']} of {size} bytes exceeds the limit of {MAXIMUM_EVENT_BYTES} bytes",
        "traceback": "",
    }


def plain(value):
    """Numpy's scalars and arrays as Python's; anything else as its text."""
    return value.tolist() if hasattr(value, "tolist") else str(value)


def presentable(value):
    """The value without what JSON cannot carry: NaN becomes null, a lone surrogate a question mark."""
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    if isinstance(value, float):
        return value if value - value == 0 else None
    if isinstance(value, dict):
        return {presentable(str(key)): presentable(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [presentable(item) for item in value]
    if hasattr(value, "tolist"):
        return presentable(value.tolist())
    return value
