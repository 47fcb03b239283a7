"""What a gateway sends as one cell does what its code does as the first cell of a fresh ipykernel.

The cells are the ones the gateway sends; the kernels are real ones, of three environments that `scripts/setup --tests`
makes: E2B's own, the last IPython of the generation before, and the newest.
"""

import itertools
import json
import os
import pathlib
import re
import subprocess
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from conftest import NewGateway
from harness.fake_e2b import FakeE2B
from harness.gateway import LocalE2B, Tenant
from harness.service import ROOT
from harness.snippets import SNIPPETS

TRANSCRIPTS = ROOT / "Tests/LocalE2B/Transcripts"

# Not comparable from run to run: they take long, end the kernel, depend on other executions, or write to file
# descriptors, which ipykernel reads in a thread. What differs for a reason stands in docs/architecture.md; a NUL in code
# (99) makes a plain cell of IPython 8 hang.
INCOMPARABLE = ("35", "47", "48", "54", "59", "7", "84", "86", "89", "94", "99")

NORMALISED = [
    # Bounded, since a picture in base64 is one long name to the rest of it.
    (re.compile(r"(?:/[\w.-]{1,40}){0,6}/first-cell-\w+"), "FOLDER"),
    (re.compile(r"ipykernel_\d+"), "ipykernel_PID"),
    (re.compile(r"pid=\d+"), "pid=PID"),
    (re.compile(r"0x[0-9a-f]{6,}"), "ADDRESS"),
    (re.compile(r"[0-9.]+ (?:μs|µs|ns|ms|s)\b"), "TIME"),
]


@pytest.fixture(scope="module")
def libraries() -> str:
    """Those of the sandboxes, for pictures and tables."""
    folder = pathlib.Path(os.environ.get("LOCAL_E2B_VENV", "/opt/e2b-gateway/sandbox-venv"))
    (found,) = folder.glob("lib/python3*/site-packages")
    return str(found)


@pytest.fixture(scope="module")
def fake() -> Iterator[FakeE2B]:
    with FakeE2B() as fake:
        yield fake


@pytest.fixture(scope="module")
def tenant(session_gateway: NewGateway, fake: FakeE2B) -> Tenant:
    return session_gateway(fake.url).tenant("--rate", "1000/s", "--burst", "1000")


def cell(fake: FakeE2B, tenant: Tenant, code: str) -> str:
    """The cell that a gateway sends for the code."""
    fake.behave()
    tenant.client.execute(code)
    (order,) = fake.received
    return order["code"]


def answers(environment: str, libraries: str, cells: list[str]) -> list[list[dict]]:
    program = ROOT / "Tests/System/harness/first_cells.py"
    done = subprocess.run(
        [ROOT / f".cache/ipykernel-{environment}/bin/python", "-P", program, libraries],
        input=json.dumps(cells),
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert done.returncode == 0, done.stderr
    answers = [json.loads(normalised(json.dumps(answer, ensure_ascii=False))) for answer in json.loads(done.stdout)]
    return [by_stream(answer) for answer in answers]


def by_stream(events: list[dict]) -> list[dict]:
    """Of what the two streams say in a row, first all of the one, then all of the other: each is flushed by a clock of its own, in
    as many parts as come."""
    told: list[dict] = []
    for is_said, group in itertools.groupby(events, lambda event: event["type"] in ("stdout", "stderr")):
        said = list(group)
        if not is_said:
            told += said
            continue
        for stream in ("stdout", "stderr"):
            if parts := [event for event in said if event["type"] == stream]:
                told.append(parts[0] | {"text": "".join(part["text"] for part in parts)})
    return told


def normalised(text: str) -> str:
    for pattern, replacement in NORMALISED:
        text = pattern.sub(replacement, text)
    return text


def differences(names: Iterable[str], plain: list, carried: list) -> str:
    """For each snippet whose outcomes differ, where they begin to."""
    lines = []
    for name, *outcomes in zip(names, plain, carried, strict=True):
        before, after = (json.dumps(outcome, ensure_ascii=False) for outcome in outcomes)
        if before != after:
            start = max(0, len(os.path.commonprefix([before, after])) - 60)
            lines += [name, f"  plain:   {before[start : start + 200]}", f"  carried: {after[start : start + 200]}"]
    return "\n".join(lines)


def compare(fake: FakeE2B, tenant: Tenant, environment: str, libraries: str, snippets: dict[str, str]) -> None:
    cells = [cell(fake, tenant, code) for code in snippets.values()]
    outcomes = answers(environment, libraries, [*snippets.values(), *cells])
    different = differences(snippets, outcomes[: len(cells)], outcomes[len(cells) :])
    assert not different, different


# What tells kernels apart, and most of what an own cell could get wrong.
TELLING = (
    "names history out2 cell-magic await await-error interrupt-main interrupt-raise interrupt-await system-exit syntax2 "
    "bad-magic semicolon display plot-await hooks hooks-error str-raises exception-group custom-exc widgets"
).split()
# Where a shell of one's own, such as the local E2B's, could do otherwise than ipykernel's.
OF_A_SHELL = "await-error interrupt-raise interrupt-await bad-magic plot-await hooks exception-group custom-exc".split()


@pytest.mark.timeout(600)
@pytest.mark.parametrize(
    ("environment", "names"), [("e2b", list(SNIPPETS)), ("previous", TELLING), ("current", TELLING)]
)
def test_code_runs_as_the_first_cell(
    fake: FakeE2B, tenant: Tenant, environment: str, names: list[str], libraries: str
) -> None:
    compare(fake, tenant, environment, libraries, {name: SNIPPETS[name] for name in names})


@pytest.mark.long
@pytest.mark.timeout(900)
@pytest.mark.parametrize("environment", ["e2b", "previous", "current"])
def test_all_code_runs_as_the_first_cell(
    fake: FakeE2B, tenant: Tenant, environment: str, libraries: str
) -> None:
    requests = {path.name: json.loads(path.read_text()) for path in sorted(TRANSCRIPTS.glob("*.request.json"))}
    recorded = {
        name.removesuffix(".request.json"): request["code"]
        for name, request in requests.items()
        if isinstance(request, dict)
        and isinstance(request.get("code"), str)
        and request["code"]
        and not name.startswith(INCOMPARABLE)
    }
    assert len(recorded) > 80
    compare(fake, tenant, environment, libraries, SNIPPETS | recorded)


@pytest.mark.timeout(600)
def test_the_local_e2b_does_as_ipykernel(fake: FakeE2B, tenant: Tenant, local_e2b: LocalE2B) -> None:
    codes = [SNIPPETS[name] for name in OF_A_SHELL]
    cells = [cell(fake, tenant, code) for code in codes]
    with ThreadPoolExecutor(4) as workers:
        outcomes = list(workers.map(local_e2b.first_cell, [*codes, *cells]))
    outcomes = [by_stream(json.loads(normalised(json.dumps(outcome, ensure_ascii=False)))) for outcome in outcomes]
    different = differences(OF_A_SHELL, outcomes[: len(codes)], outcomes[len(codes) :])
    assert not different, different


def test_the_local_e2b_calls_hooks_after_an_await(local_e2b: LocalE2B) -> None:
    events = local_e2b.first_cell(SNIPPETS["plot-await"])
    assert [event["type"] for event in events][1:-1] == ["stdout", "result"]
    assert "png" in events[2]


@pytest.mark.parametrize("environment", ["e2b", "previous", "current"])
def test_a_kernel_that_cannot_be_prepared_runs_nothing(
    fake: FakeE2B, tenant: Tenant, environment: str, libraries: str
) -> None:
    broken = "import base64\nbase64.b64decode = None\n" + cell(fake, tenant, "print('ran')")
    ((failure, reply),) = answers(environment, libraries, [broken])
    assert (failure["type"], failure["name"], failure["value"]) == ("error", "GatewaySetupFailure", "TypeError")
    assert reply["status"] == "error"
