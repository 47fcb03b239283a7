"""Awaiting conditions, never the clock."""

import time
from collections.abc import Callable
from typing import TypeVar

Value = TypeVar("Value")


def eventually(condition: Callable[[], Value], *, within: float, what: str, pause: float = 0.02) -> Value:
    """Polls until the condition is truthy and returns its value; fails once `within` seconds are over."""
    deadline = time.monotonic() + within
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {within} s: {what}; last seen: {value!r}")
        time.sleep(pause)
