"""Executions of the fake upstream that go on until a test lets them."""

import select
import threading

from harness.fake_e2b import Exchange


class Turnstile:
    """To be used as `fake.execute`: each execution stops here, and `let(n)` lets `n` of them go on, oldest first."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._permits = 0
        self._line: list[Exchange] = []

    @property
    def inside(self) -> int:
        return len(self._line)

    def let(self, executions: int) -> None:
        with self._changed:
            self._permits += executions
            self._changed.notify_all()

    def __call__(self, exchange: Exchange) -> None:
        exchange.begin_events()
        with self._changed:
            self._line.append(exchange)
            while not (self._permits and self._line[0] is exchange):
                self._changed.wait(0.05)
                if exchange.owner.closed.is_set() or _was_left(exchange):
                    self._line.remove(exchange)
                    return
            self._line.remove(exchange)
            self._permits -= 1
            self._changed.notify_all()
        exchange.event({"type": "end_of_execution"})
        exchange.end_events()


def _was_left(exchange: Exchange) -> bool:
    """Whether the gateway has closed its end: nothing else makes the connection readable now."""
    poll = select.poll()  # a whole run has more files open than `select` can count
    poll.register(exchange.connection, select.POLLIN)
    return bool(poll.poll(0))
