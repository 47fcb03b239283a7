"""Which requests a fault befalls."""

import dataclasses
import random
import re
import threading
from collections.abc import Awaitable, Callable, Mapping

from harness.faults.exchange import Exchange

# What is done with an exchange instead of passing it on.
Fault = Callable[[Exchange], Awaitable[None]]


@dataclasses.dataclass
class Rule:
    """A fault and the requests that it befalls: of those that match, the `nth` alone, or a `share` by the dice, and no more
    than `times` of them."""

    on: str
    fault: Fault
    nth: int | None = None
    share: float = 1
    times: int | None = None
    where: Callable[[Mapping[str, str]], bool] | None = None
    dice: random.Random = dataclasses.field(default_factory=lambda: random.Random(0))
    # How many requests matched, and how many of those it befell.
    seen: int = 0
    met: int = 0

    def befalls(self, method: str, path: str, headers: Mapping[str, str]) -> bool:
        """Counts the request."""
        if not re.search(self.on, f"{method} {path}") or (self.where and not self.where(headers)):
            return False
        self.seen += 1
        if self.nth not in (None, self.seen) or self.met == self.times or self.dice.random() >= self.share:
            return False
        self.met += 1
        return True


class Rules:
    """Those in force. The first that befalls a request decides."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._rules: list[Rule] = []

    def add(self, rule: Rule) -> Rule:
        with self._lock:
            self._rules.append(rule)
        return rule

    def lift(self, rule: Rule | None = None) -> None:
        """One, or all of them. Whom a fault has befallen already goes through it."""
        with self._lock:
            self._rules = [other for other in self._rules if rule is not None and other is not rule]

    def fault(self, method: str, path: str, headers: Mapping[str, str]) -> Fault | None:
        with self._lock:
            return next((rule.fault for rule in self._rules if rule.befalls(method, path, headers)), None)
