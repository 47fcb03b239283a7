"""What passed, so that a test can tell what upstream was really asked."""

import dataclasses
import re
import time


@dataclasses.dataclass
class Passage:
    """One request and what became of it. Values of headers are not kept: there are secrets among them."""

    method: str
    path: str
    header_names: frozenset[str]
    at: float = dataclasses.field(default_factory=time.monotonic)
    # Whether a rule applied to it.
    was_faulted: bool = False
    # Whether upstream was asked.
    was_forwarded: bool = False
    # What upstream answered, as far as it did; the gateway may have been told otherwise.
    status: int | None = None
    # How many bytes of a reply the gateway was sent.
    sent_bytes: int = 0
    # Whether the gateway closed its connection before the reply was over.
    was_left: bool = False
    is_over: bool = False

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


class Record:
    """All passages, in the order of their arrival."""

    def __init__(self) -> None:
        self._passages: list[Passage] = []

    def add(self, passage: Passage) -> Passage:
        self._passages.append(passage)
        return passage

    def clear(self) -> None:
        self._passages = []

    def arrived(self, on: str) -> list[Passage]:
        """Requests whose `METHOD path` has a match of this pattern."""
        return [passage for passage in list(self._passages) if re.search(on, str(passage))]

    def forwarded(self, on: str) -> list[Passage]:
        """Those of them that upstream got to see."""
        return [passage for passage in self.arrived(on) if passage.was_forwarded]

    def under_way(self) -> list[Passage]:
        return [passage for passage in list(self._passages) if not passage.is_over]
