"""What was seen of each call, by SDK and way in: the material of the README's table."""

import dataclasses
import json
import pathlib

import pytest

from sdk.doors import MODES
from sdk.generations import IS_CURRENT, VERSIONS
from sdk.styles import STYLES

# The generation before goes by each way in, but over TLS with one style each: the transport is the same.
WAYS = (
    [f"{mode}/{style}" for mode in MODES for style in STYLES]
    if IS_CURRENT
    else ["plain/sync", "plain/async", "tls/async", "wildcard/sync"]
)


@dataclasses.dataclass(frozen=True)
class Call:
    """One call of the SDK, as a test's marker names it."""

    name: str
    # The version of `e2b` that brought it; None for all that are tested.
    since: str | None = None
    # `works`, or the exception it raises because the gateway does not offer it.
    answer: str = "works"


def calls_of(item: pytest.Item) -> list[Call]:
    return [Call(*marker.args, **marker.kwargs) for marker in item.iter_markers("call")]


class Results:
    """Collects while tests run; a call has passed by a way in when all of its tests there have."""

    def __init__(self) -> None:
        self._answers: dict[str, str] = {}
        self._passed: dict[str, dict[str, bool]] = {}

    def note(self, call: Call, way: str, passed: bool) -> None:
        self._answers[call.name] = call.answer
        ways = self._passed.setdefault(call.name, {})
        ways[way] = ways.get(way, True) and passed

    @classmethod
    def all_passed(cls, calls: list[Call]) -> dict:
        """The document there would be if every test of these calls passed."""
        results = cls()
        for call in calls:
            for way in WAYS:
                results.note(call, way, True)
        return results.document()

    def document(self) -> dict:
        calls = {
            name: {"answer": answer, "passed": self._passed[name]} for name, answer in sorted(self._answers.items())
        }
        return {"versions": VERSIONS, "ways": WAYS, "calls": calls}

    def write(self, folder: pathlib.Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{'current' if IS_CURRENT else 'previous'}.json"
        path.write_text(json.dumps(self.document(), indent=1) + "\n")
