"""Calls E2B with its official SDK, once for each line it is sent, and answers each with the milliseconds it took.

Runs in an environment that has the SDK and nothing of ours: see upstream_speed.py, which starts it.
"""

import json
import sys
import time

from e2b_code_interpreter import Sandbox


def call() -> dict[str, float]:
    """What an app does for one piece of code in a sandbox of its own."""
    started = time.perf_counter()
    sandbox = Sandbox.create()
    created = time.perf_counter()
    execution = sandbox.run_code("1+1")
    executed = time.perf_counter()
    assert sandbox.kill()
    killed = time.perf_counter()
    assert execution.text == "2" and not execution.error, execution
    return {
        "create": (created - started) * 1000,
        "run": (executed - created) * 1000,
        "kill": (killed - executed) * 1000,
        "whole": (killed - started) * 1000,
    }


for _ in sys.stdin:
    print(json.dumps(call()), flush=True)
