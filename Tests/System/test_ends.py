"""How executions end that do not simply return: each in its outcome, with nothing left behind."""

import json

import pytest

from harness.gateway import Gateway, LocalE2B, Tenant
from harness.service import command_lines

LIMIT = 10 * 1024 * 1024


def finish(gateway: Gateway, local_e2b: LocalE2B, tenant: Tenant, code: str, **fields: object) -> dict:
    """Runs code that behaves badly and sees to it that nothing of it remains."""
    document = tenant.client.execute(code, **fields)
    record = gateway.assert_settled(tenant, document["id"])
    assert record["outcome"] == document["outcome"]
    assert document["runtime_ms"] <= document["granted_timeout_ms"]
    local_e2b.assert_gone(document["id"])
    return document


@pytest.mark.parametrize(
    "code",
    [
        "while True: pass",
        "import time\ntime.sleep(600)",
        "while True:\n    try:\n        while True: pass\n    except BaseException: pass",
        "import signal, time\nsignal.signal(signal.SIGINT, signal.SIG_IGN)\nwhile True: time.sleep(1)",
        "import re\nre.match('(a+)+$', 'a' * 64 + 'b')",
        "import threading\nthreading.Event().wait()",
    ],
    ids=["busy", "asleep", "interrupts swallowed", "interrupts ignored", "regular expression", "waiting"],
)
def test_endless_code_times_out(gateway: Gateway, local_e2b: LocalE2B, tenant: Tenant, code: str) -> None:
    document = finish(gateway, local_e2b, tenant, f"print('begun', flush=True)\n{code}", timeout_seconds=4.5)
    assert document["outcome"] == "timed_out"
    assert document["output"] == "begun\n"
    assert document["granted_timeout_ms"] == 4500
    assert document["runtime_ms"] == 4500, "the ceiling, no more"
    assert "4.5 s" in document["error"]


def test_fork_bomb(gateway: Gateway, local_e2b: LocalE2B, tenant: Tenant) -> None:
    code = "import os\nwhile True:\n    try:\n        os.fork()\n    except OSError:\n        pass"
    document = finish(gateway, local_e2b, tenant, code, timeout_seconds=5)
    assert document["outcome"] in ("timed_out", "failed", "killed")
    assert tenant.client.execute("print('still here')")["output"] == "still here\n"


def test_ten_gigabytes_of_memory(gateway: Gateway, local_e2b: LocalE2B, tenant: Tenant) -> None:
    code = "kept = []\nwhile len(kept) < 100: kept.append(bytearray(100 * 1024 * 1024))\nprint('got it')"
    document = finish(gateway, local_e2b, tenant, code, timeout_seconds=20)
    assert document["outcome"] == "failed"
    assert "got it" not in document["output"]
    assert document["exception"]["name"] in ("MemoryError", "ContextRestarting")


def test_a_gigabyte_of_output(gateway: Gateway, local_e2b: LocalE2B, tenant: Tenant) -> None:
    code = "line = 'x' * 1023 + '\\n'\nfor _ in range(1024 * 1024): print(line, end='')"
    document = finish(gateway, local_e2b, tenant, code)
    assert document["truncated"] is True
    assert len(document["output"]) <= LIMIT
    assert document["output"].startswith("x" * 1023)
    assert document["outcome"] in ("completed", "failed", "timed_out", "killed")


def test_output_up_to_the_limit_is_whole(gateway: Gateway, local_e2b: LocalE2B, tenant: Tenant) -> None:
    document = finish(gateway, local_e2b, tenant, f"print('y' * ({LIMIT} - 1))")
    assert document["truncated"] is False
    assert document["output"] == "y" * (LIMIT - 1) + "\n"
    document = finish(gateway, local_e2b, tenant, f"print('é' * ({LIMIT} // 2 + 1), end='')")
    assert document["truncated"] is True
    assert document["output"] == "é" * (LIMIT // 2)


@pytest.mark.parametrize(
    "code",
    [
        "import os, signal\nos.kill(os.getpid(), signal.SIGKILL)",
        "import os\nos._exit(0)",
        "import ctypes\nctypes.string_at(0)",
    ],
    ids=["SIGKILL", "_exit", "segmentation fault"],
)
def test_killing_its_own_interpreter(gateway: Gateway, local_e2b: LocalE2B, tenant: Tenant, code: str) -> None:
    document = finish(gateway, local_e2b, tenant, f"print('before', flush=True)\n{code}")
    assert document["outcome"] == "failed"
    assert document["output"] == "before\n"
    assert document["error"]


@pytest.mark.parametrize("code", ["import sys\nsys.exit(3)", "raise SystemExit('bye')", "exit()"])
def test_leaving_python(gateway: Gateway, local_e2b: LocalE2B, tenant: Tenant, code: str) -> None:
    assert finish(gateway, local_e2b, tenant, code)["outcome"] in ("completed", "failed")


def test_background_processes_end_with_the_sandbox(gateway: Gateway, local_e2b: LocalE2B, tenant: Tenant) -> None:
    code = "import subprocess\nsubprocess.Popen(['sleep', '987654'], start_new_session=True)\nprint('done')"
    document = finish(gateway, local_e2b, tenant, code)
    assert document["output"] == "done\n"

    assert b"sleep\x00987654\x00" not in command_lines()


def test_deep_recursion(gateway: Gateway, local_e2b: LocalE2B, tenant: Tenant) -> None:
    document = finish(gateway, local_e2b, tenant, "def deeper(): return deeper()\ndeeper()")
    assert document["outcome"] == "failed"
    assert document["exception"]["name"] == "RecursionError"


def test_enormous_result(gateway: Gateway, local_e2b: LocalE2B, tenant: Tenant) -> None:
    document = finish(gateway, local_e2b, tenant, "'z' * (30 * 1024 * 1024)")
    assert len(json.dumps(document)) < 2 * LIMIT
    assert document["truncated"] is True or document["outcome"] != "completed"
