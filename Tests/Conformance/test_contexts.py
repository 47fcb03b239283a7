"""Several kernels in one sandbox."""

import e2b
import pytest

from sdk.program import Program


@pytest.mark.call("create_code_context")
def test_contexts_share_no_variables(sandbox) -> None:
    context = sandbox.create_code_context(cwd="/tmp", language="python")
    assert context.language == "python" and context.cwd == "/tmp"
    sandbox.run_code("only_here = 1", context=context)
    assert sandbox.run_code("only_here", context=context).text == "1"
    assert sandbox.run_code("only_here").error.name == "NameError"
    assert sandbox.run_code("import os; os.getcwd()", context=context).text == "/tmp"
    sandbox.remove_code_context(context)


@pytest.mark.call("list_code_contexts")
def test_list(sandbox) -> None:
    context = sandbox.create_code_context()
    assert context.id in [one.id for one in sandbox.list_code_contexts()]
    sandbox.remove_code_context(context)
    assert context.id not in [one.id for one in sandbox.list_code_contexts()]


@pytest.mark.call("restart_code_context")
def test_restart(sandbox) -> None:
    context = sandbox.create_code_context()
    sandbox.run_code("lost = 1", context=context)
    sandbox.restart_code_context(context.id)
    assert sandbox.run_code("lost", context=context).error.name == "NameError"
    sandbox.remove_code_context(context)


@pytest.mark.call("remove_code_context")
def test_remove(sandbox) -> None:
    context = sandbox.create_code_context()
    sandbox.remove_code_context(context)
    with pytest.raises(e2b.NotFoundException):
        sandbox.run_code("1", context=context)
    with pytest.raises(e2b.NotFoundException):
        sandbox.remove_code_context(context.id)


def test_a_context_and_a_language(sandbox) -> None:
    context = sandbox.create_code_context()
    with pytest.raises(e2b.InvalidArgumentException):
        sandbox.run_code("1", context=context, language="python")
    sandbox.remove_code_context(context)


def test_a_context_of_another_sandbox(sdk: Program, sandbox) -> None:
    context = sdk.second.create_code_context()
    with pytest.raises(e2b.NotFoundException):
        sandbox.run_code("1", context=context)
