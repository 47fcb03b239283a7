"""The ledger's rows, read and added up by other code than the product's."""

import calendar
import collections
import contextlib
import json
import pathlib
import sqlite3
import time
from collections.abc import Iterator

from harness.crowd import Promises, Told


@contextlib.contextmanager
def opened(ledger: pathlib.Path) -> Iterator[sqlite3.Connection]:
    database = sqlite3.connect(f"file:{ledger}?mode=ro", uri=True, isolation_level=None)
    database.execute("BEGIN")
    try:
        yield database
    finally:
        database.close()


class Books:
    """Compares promises with the ledger, each promise once: the ledger's own check says that nothing changes later."""

    def __init__(self, ledger: pathlib.Path, promises: Promises):
        self._ledger = ledger
        self._promises = promises
        self._compared: set[str] = set()

    def broken_promises(self) -> list[str]:
        """What callers were told and the ledger does not say."""
        finished, begun = dict(self._promises.finished), set(self._promises.begun)
        limits, keys = dict(self._promises.limits), set(self._promises.keys)
        with opened(self._ledger) as ledger:
            rows = {
                execution: (finished_at is not None, Told(outcome, charged))
                for execution, finished_at, outcome, charged in ledger.execute(
                    "SELECT id, finished_at, outcome, charged FROM execution"
                )
            }
            known = {key for (key,) in ledger.execute("SELECT id FROM key")}
            policies = {name: json.loads(policy) for name, policy in ledger.execute("SELECT name, policy FROM tenant")}
        faults = [f"{execution} is lost" for execution in sorted(begun - rows.keys())]
        for execution, told in finished.items():
            if execution in self._compared or execution not in rows:
                continue
            self._compared.add(execution)
            is_finished, written = rows[execution]
            # A caller may be told before a settlement that has to wait; not here, where the disk is well.
            if not is_finished or written != told:
                faults.append(f"{execution}: the caller was told {told}, the ledger has {written}")
        faults += [f"the key {key} is lost" for key in sorted(keys - known)]
        for name, possible in limits.items():
            if policies[name]["executions"] not in possible:
                faults.append(f"{name}: limit {policies[name]['executions']} instead of one of {set(possible)}")
        return faults

    def unfinished(self) -> list[str]:
        with opened(self._ledger) as ledger:
            return [row[0] for row in ledger.execute("SELECT id FROM execution WHERE finished_at IS NULL")]

    def usage_faults(self) -> list[str]:
        """Tenants whose month's usage is not the sum of what their executions were charged in it."""
        now = time.gmtime()
        start = calendar.timegm((now.tm_year, now.tm_mon, 1, 0, 0, 0))
        sums: collections.Counter[str] = collections.Counter()
        faults = []
        with opened(self._ledger) as ledger:
            charges = ledger.execute(
                "SELECT name, admitted_at, charged FROM execution JOIN tenant ON tenant.id = execution.tenant"
            )
            for name, admitted_at, charged in charges:
                if admitted_at // 10**9 >= start:
                    sums[name] += charged or 0
            for name, document in ledger.execute("SELECT name, usage FROM usage JOIN tenant ON tenant.id = usage.tenant"):
                stated = sum(
                    window["usedMilliseconds"]
                    for window in json.loads(document)["windows"]
                    if window["window"] == "month" and window["startsAt"]["nanoseconds"] == start * 10**9
                )
                if stated != sums[name]:
                    faults.append(f"{name}: usage says {stated} ms, the executions {sums[name]} ms")
        return faults

    def counts(self) -> dict[str, int]:
        with opened(self._ledger) as ledger:
            return dict(ledger.execute("SELECT coalesce(outcome, 'running'), count(*) FROM execution GROUP BY 1"))
