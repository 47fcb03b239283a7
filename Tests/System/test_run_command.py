"""`e2b-gateway run`: a file through the gateway, from a terminal."""

import json

import pytest

from harness.gateway import Gateway, Tenant


@pytest.fixture
def run(gateway: Gateway, busy_tenant: Tenant):
    def run(*arguments: str, input: str | None = None, **settings: str):
        given = {"GATEWAY_URL": gateway.url, "GATEWAY_TOKEN": busy_tenant.token} | settings
        return gateway.run("run", *arguments, input=input, **given)

    return run


def test_run_streams_a_files_output(run, tmp_path) -> None:
    script = tmp_path / "script.py"
    script.write_text("import sys\nprint('é', context_data)\nprint('careful', file=sys.stderr)")
    context = tmp_path / "context"
    context.write_text("data")
    done = run(str(script), "--context", str(context))
    assert done.returncode == 0, done.stderr
    assert done.stdout == "é data\n"
    assert done.stderr == "careful\n"


def test_run_saves_charts(run, tmp_path) -> None:
    code = "import matplotlib.pyplot as plt\nfor _ in range(2):\n    plt.plot([1, 2])\n    plt.show()"
    done = run("-", "--charts", str(tmp_path / "charts"), input=code)
    assert done.returncode == 0, done.stderr
    saved = sorted((tmp_path / "charts").iterdir())
    assert len(saved) == 2
    assert all(path.read_bytes().startswith(b"\x89PNG") for path in saved)
    assert all(str(path) in done.stderr for path in saved)


@pytest.mark.parametrize(
    ("code", "exit_code"),
    [("print(1)", 0), ("1/0", 1), ("while True: pass", 124)],
    ids=["completed", "failed", "timed out"],
)
def test_the_exit_code_of_run_says_the_outcome(run, code: str, exit_code: int) -> None:
    assert run("-", "--timeout", "1500ms", input=code).returncode == exit_code


def test_run_gives_the_document_as_json(run) -> None:
    done = run("-", "--output", "json", input="print(1)")
    assert json.loads(done.stdout)["output"] == "1\n"


def test_run_under_a_key_repeats_its_reply(run) -> None:
    words = ("-", "--idempotency-key", "run-1")
    outputs = {run(*words, input="import uuid; print(uuid.uuid4())").stdout for _ in range(2)}
    assert len(outputs) == 1
    refused = run(*words, input="print(2)")
    assert refused.returncode == 125 and "Idempotency-Key" in refused.stderr


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"GATEWAY_TOKEN": "e2b_00"}, "token"),
        ({"GATEWAY_TOKEN": ""}, "GATEWAY_TOKEN"),
        ({"GATEWAY_URL": "http://127.0.0.1:1"}, "GATEWAY_URL"),
        ({"GATEWAY_URL": "nonsense"}, "GATEWAY_URL"),
    ],
    ids=str,
)
def test_run_that_is_refused_says_why(run, settings: dict[str, str], said: str) -> None:
    done = run("-", input="print(1)", **settings)
    assert done.returncode == 125
    assert said in done.stderr


def test_run_of_a_missing_file(run) -> None:
    done = run("/no/such/file.py")
    assert done.returncode not in (0, 1)
    assert "/no/such/file.py" in done.stderr
