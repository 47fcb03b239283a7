"""Code, its output as it comes, and its errors."""

import itertools

import e2b
import pytest

from harness.waiting import eventually
from sdk.program import Program
from sdk.styles import beside


@pytest.mark.call("run_code")
def test_the_last_expression_is_the_result(sandbox) -> None:
    execution = sandbox.run_code("x = 1\nx + 1")
    assert execution.text == "2"
    assert execution.error is None
    assert execution.execution_count >= 1
    assert [result.is_main_result for result in execution.results] == [True]


@pytest.mark.call("run_code(on_stdout=…, on_stderr=…, on_result=…, on_error=…)")
def test_callbacks(sandbox) -> None:
    seen: list[tuple[str, str]] = []
    code = "\n".join(
        [
            "import sys, time",
            "print('first', flush=True); time.sleep(0.3)",
            "print('second', file=sys.stderr, flush=True); time.sleep(0.3)",
            "from IPython.display import display; display('third')",
            "raise ValueError('fourth')",
        ]
    )
    execution = sandbox.run_code(
        code,
        on_stdout=lambda message: seen.append(("stdout", message.line)),
        on_stderr=lambda message: seen.append(("stderr", message.line)),
        on_result=lambda result: seen.append(("result", result.text)),
        on_error=lambda error: seen.append(("error", f"{error.name}: {error.value}")),
    )
    assert joined(seen) == [
        ("stdout", "first\n"),
        ("stderr", "second\n"),
        ("result", "third"),
        ("error", "ValueError: fourth"),
    ]
    assert "".join(execution.logs.stdout) == "first\n"
    assert "".join(execution.logs.stderr) == "second\n"
    assert "ValueError: fourth" in execution.error.traceback


def joined(seen: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """Output may come in any pieces."""
    return [(kind, "".join(text for _, text in pieces)) for kind, pieces in itertools.groupby(seen, lambda one: one[0])]


@pytest.mark.call("run_code(on_stdout=…, on_stderr=…, on_result=…, on_error=…)")
def test_output_comes_while_the_code_runs(sandbox) -> None:
    """The code ends only because its first line was seen."""
    code = """
import os, time
print("waiting", flush=True)
while not os.path.exists("/tmp/seen"): time.sleep(0.02)
print("seen")
os.remove("/tmp/seen")
"""
    lines: list[str] = []
    run = beside(lambda: sandbox.run_code(code, on_stdout=lambda message: lines.append(message.line), timeout=60))
    eventually(lambda: "".join(lines) == "waiting\n", within=20, what="the first line is there")
    sandbox.files.write("/tmp/seen", "")
    assert run.result(30).error is None
    assert "".join(lines) == "waiting\nseen\n"


@pytest.mark.call("run_code")
def test_an_error(sandbox) -> None:
    execution = sandbox.run_code("print('before')\n1 / 0")
    assert (execution.error.name, execution.error.value) == ("ZeroDivisionError", "division by zero")
    assert "".join(execution.logs.stdout) == "before\n"
    assert execution.results == []


@pytest.mark.call("run_code(envs=…)")
def test_environment_variables_are_for_one_run(sandbox) -> None:
    value = 'it\'s $HOME "quoted"\n'
    code = "import os; print(os.environ.get('ONLY_NOW'), end='')"
    assert "".join(sandbox.run_code(code, envs={"ONLY_NOW": value}).logs.stdout) == value
    assert "".join(sandbox.run_code(code).logs.stdout) == "None"


@pytest.mark.call("run_code(timeout=…)")
def test_a_timeout(sandbox) -> None:
    context = sandbox.create_code_context()
    with pytest.raises(e2b.TimeoutException):
        sandbox.run_code("import time; time.sleep(60)", context=context, timeout=1)
    sandbox.remove_code_context(context)
    assert sandbox.is_running()


@pytest.mark.call("Sandbox.kill during run_code")
@pytest.mark.call("Sandbox.kill during commands.run")
def test_kill_during_runs(sdk: Program) -> None:
    sandbox = sdk.create()
    started: list[object] = []
    code = beside(
        lambda: sandbox.run_code("import time; print('on', flush=True); time.sleep(60)", on_stdout=started.append)
    )
    command = beside(lambda: sandbox.commands.run("echo on; sleep 60", on_stdout=started.append))
    eventually(lambda: len(started) == 2, within=20, what="both run")
    assert sdk.Sandbox.kill(sandbox.sandbox_id)
    for run in (code, command):
        with pytest.raises(e2b.TimeoutException, match="killed|sandbox timeout"):
            run.result(30)


@pytest.mark.call("run_code(language=…)")
def test_another_language(sandbox) -> None:
    assert sandbox.run_code("40 + 2", language="python").text == "42"


def test_a_language_that_there_is_not(sandbox) -> None:
    with pytest.raises(e2b.SandboxException):
        sandbox.run_code("1", language="cobol")


def test_state_is_kept_from_run_to_run(sandbox) -> None:
    sandbox.run_code("import math\ndef area(r): return math.pi * r ** 2")
    assert sandbox.run_code("round(area(2), 3)").text == "12.566"


@pytest.mark.call("run_code")
def test_much_output(sandbox) -> None:
    execution = sandbox.run_code("for i in range(20_000): print(i, 'x' * 40)")
    lines = "".join(execution.logs.stdout).splitlines()
    assert len(lines) == 20_000
    assert lines[-1] == "19999 " + "x" * 40


@pytest.mark.call("run_code")
def test_text_of_all_the_world(sandbox) -> None:
    text = "naïve ☃ 漢字 \U0001f600 \u2028"
    assert "".join(sandbox.run_code(f"print({text!r})").logs.stdout) == text + "\n"


def test_rich_results(sandbox) -> None:
    code = (
        "import pandas\nfrom IPython.display import HTML, JSON, Markdown, display\n"
        "display(HTML('<b>bold</b>')); display(Markdown('# title')); display(JSON({'a': 1}))\n"
        "pandas.DataFrame({'a': [1, 2]})"
    )
    html, markdown, document, table = sandbox.run_code(code).results
    assert html.html == "<b>bold</b>"
    assert markdown.markdown == "# title"
    assert document.json == {"a": 1}
    assert table.is_main_result and table.data == {"a": [1, 2]} and "<table" in table.html
