"""What runs while something is done to it, and what the audit log says of it afterwards."""

import contextlib
from collections.abc import Iterator

from harness.client import EventStream
from harness.gateway import Gateway, Tenant

ROOM = ("--rate", "1000/s", "--burst", "1000", "--executions", "10", "--sandboxes", "10", "--runtime", "86400s/day")
ENDLESS = "import time\nprint('on', flush=True)\nwhile True: time.sleep(0.1)"
SOON = "import time\nprint('on', flush=True)\ntime.sleep(1.5)\nprint('over')"


@contextlib.contextmanager
def running(tenant: Tenant, code: str = ENDLESS) -> Iterator[tuple[str, EventStream]]:
    """An execution that runs: its id, and the events that follow."""
    with tenant.client.stream(code, timeout_seconds=25) as stream:
        events = iter(stream)
        execution = next(events)["id"]
        assert next(events)["type"] == "stdout"
        yield execution, stream


def audited(gateway: Gateway, tenant: str, action: str | None = None) -> list[dict]:
    """The audit's records of those who are or were called so."""
    words = ["audit", "search", "--tenant", tenant, "--limit", "1000"]
    records = [line["record"] for line in gateway.json_command(*words)]
    return [record for record in records if action in (None, record["action"])]
