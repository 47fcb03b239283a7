"""The commands, with and without a running gateway, and what they say when they cannot."""

import json
import stat

import pytest

from conftest import NewGateway
from harness.gateway import Gateway, Tenant


@pytest.fixture(scope="module")
def resting(new_module_gateway: Gateway) -> Gateway:
    """A gateway that does not run: commands open its ledger themselves."""
    new_module_gateway.stop()
    return new_module_gateway


@pytest.fixture(scope="module")
def new_module_gateway(session_gateway: NewGateway) -> Gateway:
    return session_gateway()


@pytest.fixture(params=["running", "resting"])
def administered(request: pytest.FixtureRequest, gateway: Gateway, resting: Gateway) -> Gateway:
    return gateway if request.param == "running" else resting


def test_tenants_keys_and_quotas(administered: Gateway) -> None:
    name = f"team-{len(administered.json_command('tenant', 'list'))}"
    tenant = administered.json_command("tenant", "create", name)
    assert (tenant["name"], tenant["disabled"]) == (name, False)
    assert administered.json_command("tenant", "show", name) == tenant
    assert tenant in administered.json_command("tenant", "list")

    issued = administered.json_command("key", "issue", name)
    administered.secrets.add(issued["token"])
    assert issued["tenant"] == name
    assert issued["token"].startswith(f"e2b_01{issued['key_id']}")
    [key] = administered.json_command("key", "list", name)
    assert (key["key_id"], key["state"]) == (issued["key_id"], "active")
    assert issued["token"] not in json.dumps(key)

    words = ["--rate", "7/min", "--burst", "9", "--executions", "2", "--runtime", "60s/hour", "--timeout", "5s"]
    changed = administered.json_command("quota", "set", name, *words)
    assert changed == administered.json_command("quota", "get", name)
    assert changed["rate"] == {"permits": 7, "period_seconds": 60, "burst": 9}
    assert (changed["executions"], changed["timeout_seconds"]) == (2, 5)
    assert changed["runtime_seconds"]["hour"] == 60

    revoked = administered.json_command("key", "revoke", issued["key_id"])
    assert revoked["state"] == "revoked"
    assert administered.json_command("key", "list", name) == [revoked]


def test_every_change_is_audited_with_its_actor(administered: Gateway) -> None:
    name = f"audited-{len(administered.json_command('tenant', 'list'))}"
    administered.command("tenant", "create", name)
    administered.command("quota", "set", name, "--executions", "3")
    records = [
        json.loads(record["record"])
        for record in administered.json_command("audit", "list", "--tenant", name, "--limit", "1000")
    ]
    assert [record["action"] for record in records] == ["tenant.created", "policy.set"]
    assert all(record["actor"].startswith("local") for record in records)
    assert (records[1]["before"]["executions"], records[1]["after"]["executions"]) == (5, 3)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["tenant", "show", "nobody"], "nobody"),
        (["tenant", "create", "Not A Name"], "a-z"),
        (["tenant", "create", ""], "name"),
        (["key", "issue", "nobody"], "nobody"),
        (["key", "revoke", "0123456789abcdef"], "0123456789abcdef"),
        (["key", "revoke", "not-a-key"], "not-a-key"),
        (["quota", "get", "nobody"], "nobody"),
        (["quota", "set", "nobody", "--executions", "1"], "nobody"),
        (["quota", "set", "nobody"], "limit"),
        (["quota", "set", "nobody", "--rate", "fast"], "10/s"),
        (["quota", "set", "nobody", "--runtime", "1s/fortnight"], ""),
        (["tenant", "explode"], ""),
        (["no-such-command"], ""),
    ],
    ids=" ".join,
)
def test_a_command_that_cannot_says_why(administered: Gateway, arguments: list[str], said: str) -> None:
    done = administered.run(*arguments)
    assert done.returncode != 0
    assert said in done.stderr, done.stderr
    assert done.stdout == ""
    assert "Fatal" not in done.stderr


def test_a_tenant_cannot_be_made_twice(administered: Gateway) -> None:
    name = f"twice-{len(administered.json_command('tenant', 'list'))}"
    administered.command("tenant", "create", name)
    done = administered.run("tenant", "create", name)
    assert done.returncode != 0
    assert "exists" in done.stderr


def test_tables_are_for_people(administered: Gateway) -> None:
    name = f"table-{len(administered.json_command('tenant', 'list'))}"
    assert name in administered.command("tenant", "create", name)
    assert "executions" in administered.command("quota", "get", name)
    assert name in administered.command("tenant", "list")


def test_init_keeps_secrets_to_their_owner(gateway: Gateway) -> None:
    for path in (gateway.ledger, gateway.root_key_file, gateway.folder / "gateway.db.socket"):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600, path


def test_init_does_not_overwrite(gateway: Gateway) -> None:
    before = gateway.root_key_file.read_bytes()
    assert gateway.run("init").returncode != 0
    assert gateway.root_key_file.read_bytes() == before


def test_a_wrong_root_key_is_said(resting: Gateway) -> None:
    done = resting.run("tenant", "list", GATEWAY_ROOT_KEY="0" * 64)
    assert done.returncode != 0
    assert "root key" in done.stderr.lower()


def test_a_missing_ledger_is_said(gateway: Gateway, tmp_path) -> None:
    done = gateway.run("tenant", "list", GATEWAY_LEDGER=f"sqlite:{tmp_path}/none.db")
    assert done.returncode != 0
    assert "init" in done.stderr, "what to do about it"


# config check


def test_config_check_lists_where_settings_come_from(gateway: Gateway) -> None:
    rows = {row["setting"]: row["source"] for row in gateway.json_command("config", "check")}
    assert rows["GATEWAY_TRUSTED_PROXIES"] == "default"
    assert rows["E2B_API_KEY"] != "default"


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"GATEWAY_LISTEN": "everywhere"}, "GATEWAY_LISTEN"),
        ({"GATEWAY_LEDGER": "mysql://x"}, "GATEWAY_LEDGER"),
        ({"GATEWAY_ROOT_KEY": "short"}, "GATEWAY_ROOT_KEY"),
        ({"GATEWAY_DRAIN_SECONDS": "soon"}, "GATEWAY_DRAIN_SECONDS"),
        ({"GATEWAY_LISTENN": "127.0.0.1:1"}, "GATEWAY_LISTENN"),
    ],
    ids=lambda value: str(value),
)
def test_a_setting_that_is_wrong_stops_the_start(gateway: Gateway, settings: dict[str, str], named: str) -> None:
    for arguments in (("config", "check"), ("serve",)):
        done = gateway.run(*arguments, **settings)
        assert done.returncode != 0
        assert named in done.stderr, done.stderr
        assert "short" not in done.stderr or named != "GATEWAY_ROOT_KEY", "a secret is not repeated"


def test_a_token_where_the_e2b_key_belongs_is_recognised(gateway: Gateway, tenant: Tenant) -> None:
    done = gateway.run("serve", E2B_API_KEY=tenant.token)
    assert done.returncode != 0
    assert "E2B_API_KEY" in done.stderr
    assert "GATEWAY_TOKEN" in done.stderr
    assert tenant.token not in done.stderr


def test_serve_without_an_upstream_key_says_so(gateway: Gateway) -> None:
    done = gateway.run("serve", E2B_API_KEY="")
    assert done.returncode != 0
    assert "E2B_API_KEY" in done.stderr


def test_settings_in_files(gateway: Gateway, tmp_path) -> None:
    good = tmp_path / "gateway.yaml"
    good.write_text("GATEWAY_DRAIN_SECONDS: 7\n")
    assert "gateway.yaml" in gateway.command("config", "check", "--config", str(good))
    bad = tmp_path / "bad.yaml"
    bad.write_text("GATEWAY_LISTEN: 127.0.0.1:1\nGATEWAY_DRAIN_SECONDS: soon\n")
    done = gateway.run("config", "check", "--config", str(bad))
    assert done.returncode != 0
    assert "bad.yaml" in done.stderr and "GATEWAY_DRAIN_SECONDS" in done.stderr and "2" in done.stderr


# run


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


def test_help_names_every_command(gateway: Gateway) -> None:
    text = gateway.command("--help")
    for command in ("init", "serve", "demo", "local-e2b", "run", "tenant", "key", "quota", "config", "audit"):
        assert command in text
