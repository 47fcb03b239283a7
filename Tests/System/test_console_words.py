"""How the console writes and reads values, by its own modules in Node."""

import json
import subprocess

import pytest

from harness.service import ROOT

MODULES = ROOT / "Sources/Gateway/Console/Resources"


@pytest.fixture(scope="module")
def said(tmp_path_factory: pytest.TempPathFactory) -> dict:
    """What every expression below comes to, in one run."""
    folder = tmp_path_factory.mktemp("modules")
    for module in MODULES.glob("*.js"):
        (folder / module.name).write_text(module.read_text())
    (folder / "package.json").write_text('{"type": "module"}')
    program = """
        globalThis.location = { hash: '' };
        globalThis.addEventListener = () => {};
        const modules = {};
        for (const name of ['format', 'limits-fields', 'router', 'bars']) Object.assign(modules, await import(`./${name}.js`));
        const all = {};
        for (const text of JSON.parse(process.argv[2])) {
          try { all[text] = new Function(...Object.keys(modules), `return ${text}`)(...Object.values(modules)); }
          catch (error) { all[text] = `error: ${error.message}`; }
        }
        console.log(JSON.stringify(all));
    """
    (folder / "all.mjs").write_text(program)
    done = subprocess.run(["node", "all.mjs", json.dumps(list(EXPECTED))], cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


FIELD = "FIELDS.find((field) => field.name === '{}')"
CHANGE = "changeOf([[" + FIELD + ", {}]])"

EXPECTED = {
    "duration(0)": "0 s",
    "duration(850)": "850 ms",
    "duration(12_400)": "12.4 s",
    "duration(60_000)": "1 min",
    "duration(200_000)": "3 min 20 s",
    "duration(3_600_000)": "1 h",
    "duration(90_061_000)": "1 d 1 h",
    "bytes(1023)": "1023 B",
    "bytes(1536)": "1.5 KiB",
    "bytes(5 * 2 ** 20)": "5 MiB",
    "distance(1_000, 1_000)": "now",
    "distance(1_000, 91_000)": "2 min ago",
    "distance(7_201_000, 1_000)": "in 2 h",
    "rate({permits: 10, period_seconds: 1})": "10/s",
    "rate({permits: 600, period_seconds: 60})": "600/min",
    "plural(1, 'call')": "1 call",
    "plural(2_000, 'call')": "2,000 calls",
    "to(['tenants', 'a/b c'])": "#/tenants/a%2Fb%20c",
    "to(['audit'], {tenant: '', action: 'key.revoked'})": "#/audit?action=key.revoked",
    CHANGE.format("rate", "'20/s'"): {"rate": "20/s"},
    CHANGE.format("executions", "'7'"): {"executions": 7},
    CHANGE.format("executions", "'7.5'"): "error: Executions at once must be a whole number.",
    CHANGE.format("executions", "'many'"): "error: Executions at once must be a number from 0 on.",
    CHANGE.format("runtime-day", "''"): {"runtime_seconds": {"day": None}},
    CHANGE.format("runtime-day", "'-1'"): "error: A day must be a number from 0 on.",
    CHANGE.format("templates", "'a, b,'"): {"templates": ["a", "b"]},
    CHANGE.format("user_ports", "''"): {"user_ports": []},
    CHANGE.format("subject-rate", "''"): {"subject": {"rate": None}},
    CHANGE.format("shadow", "true"): {"shadow": True},
    # What belongs together is one change.
    f"changeOf([[{FIELD.format('runtime-day')}, '5'], [{FIELD.format('runtime-hour')}, ''],"
    f" [{FIELD.format('subject-day')}, '1'], [{FIELD.format('subject-executions')}, '2']])": {
        "runtime_seconds": {"day": 5, "hour": None},
        "subject": {"runtime_seconds": {"day": 1}, "executions": 2},
    },
    "tightest({runtime: [], executions: {running: 1, limit: 4}, sandboxes: {running: 0, limit: 5}})": 0.25,
    "tightest({runtime: [{limit_ms: 10, used_ms: 4, reserved_ms: 5}], executions: {running: 1, limit: 4},"
    " sandboxes: {running: 0, limit: 0}})": 0.9,
}


@pytest.mark.parametrize("expression", EXPECTED)
def test_it_says(said: dict, expression: str) -> None:
    assert said[expression] == EXPECTED[expression]
