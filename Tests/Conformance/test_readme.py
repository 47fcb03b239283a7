"""The README's table of compatibility says what this suite checks."""

import sys

import pytest

from conftest import COLLECTED
from harness.service import ROOT
from sdk.results import Results

sys.path.append(str(ROOT / "scripts"))
import compatibility  # noqa: E402


def test_the_table_says_what_is_checked(request: pytest.FixtureRequest) -> None:
    """And no more, if all of the suite is there; whether it passed, scripts/conformance compares at its end."""
    results = Results.all_passed(request.config.stash[COLLECTED])
    expected = compatibility.cells(results)
    told = compatibility.told_by_readme(compatibility.title(results))
    assert {call: told.get(call) for call in expected} == expected
    if request.config.args_source is not pytest.Config.ArgsSource.ARGS:
        assert told.keys() == expected.keys()
