"""Several runs side by side share the tests: each takes the next file that none has taken."""

import json
import os
import pathlib
from collections.abc import Iterable, Iterator
from itertools import groupby

import pytest

from harness.contract import Contract


class Share:
    """One run's part in it, through a folder that all of them have.

    `taken/` names the files that a run has taken, `seen/` holds what each run saw once it has none left.
    """

    def __init__(self, folder: pathlib.Path, runs: int) -> None:
        self._taken, self._seen, self._runs = folder / "taken", folder / "seen", runs
        for part in (self._taken, self._seen):
            part.mkdir(parents=True, exist_ok=True)

    @classmethod
    def of(cls, config: pytest.Config) -> "Share | None":
        folder = config.getoption("--share")
        return cls(pathlib.Path(folder), config.getoption("--runs")) if folder else None

    def items(self, all_items: Iterable[pytest.Item]) -> Iterator[pytest.Item]:
        """Those that fall to this run; what judges the others falls to each."""
        for file, items in groupby(all_items, lambda item: item.path):
            members = list(items)
            if members[0].get_closest_marker("last") or self._takes(file.name):
                yield from members

    def _takes(self, name: str) -> bool:
        try:
            os.close(os.open(self._taken / name, os.O_CREAT | os.O_EXCL))
        except FileExistsError:
            return False
        return True

    def complete(self, contract: Contract) -> bool:
        """Says what this run saw. Whether it was the last to say so; the contract then knows what all of them saw."""
        mine = self._seen / f"{os.getpid()}.json"
        partial = mine.with_suffix(".partial")
        partial.write_text(json.dumps([sorted(contract.seen), sorted(contract.seen_problems)]))
        partial.rename(mine)
        said = list(self._seen.glob("*.json"))
        for file in said:
            seen, problems = json.loads(file.read_text())
            contract.seen |= {(operation, status) for operation, status in seen}
            contract.seen_problems |= set(problems)
        return len(said) == self._runs


def run(session: pytest.Session, share: Share) -> None:
    """What pytest's own loop does, with the items that fall to this run."""
    items = share.items(session.items)
    item = next(items, None)
    while item is not None:
        following = next(items, None)
        item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
        if session.shouldfail:
            raise session.Failed(session.shouldfail)
        if session.shouldstop:
            raise session.Interrupted(session.shouldstop)
        item = following
