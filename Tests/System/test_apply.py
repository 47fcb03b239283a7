"""`e2b-gateway apply` and `tenant export`: tenants and limits as files say."""

import json
import os
import pty
import secrets
import subprocess
import threading
from collections.abc import Callable

import pytest
import yaml

from conftest import NewGateway
from harness.client import Client
from harness.gateway import Gateway
from harness.service import BINARY, ROOT, environment


@pytest.fixture(params=["running", "resting"])
def administered(request: pytest.FixtureRequest, gateway: Gateway, resting: Gateway) -> Gateway:
    return gateway if request.param == "running" else resting


@pytest.fixture
def name() -> str:
    return f"declared-{secrets.token_hex(4)}"


def apply(gateway: Gateway, text: str, *options: str, **settings: str) -> subprocess.CompletedProcess:
    """From a file of its own, without asking unless the options say so."""
    path = gateway.folder / f"{secrets.token_hex(4)}.yaml"
    path.write_text(text)
    words = options if {"--dry-run", "--yes"} & set(options) else ("--yes", *options)
    return gateway.run("apply", "-f", str(path), *words, **settings)


def changes(done: subprocess.CompletedProcess) -> list[dict]:
    assert done.returncode in (0, 1, 2), done.stderr
    return json.loads(done.stdout)["changes"]


def policy(gateway: Gateway, name: str) -> dict:
    return gateway.json_command("quota", "get", name)


FULL = """
tenants:
  {name}:
    suspended: {suspended}
    policy:
      rate: 600/min
      burst: 30
      executions: 7
      runtime_seconds: {{hour: 60, day: null}}
      templates: [code-interpreter-v1, base]
      subject: {{rate: 2/s, executions: 1, runtime_seconds: {{day: 600}}}}
"""


def test_from_nothing_to_what_is_declared_and_then_nothing_to_do(administered: Gateway, name: str) -> None:
    text = FULL.format(name=name, suspended="false")
    shown = apply(administered, text, "--dry-run")
    assert shown.returncode == 0, shown.stderr
    assert f"+ tenant {name}" in shown.stdout
    assert "    ~ executions: 5 -> 7" in shown.stdout
    assert "    + runtime_seconds.hour: 60" in shown.stdout
    assert "    - runtime_seconds.day: 3600, not limited any more" in shown.stdout
    assert "    + subject.runtime_seconds.day: 600" in shown.stdout
    assert "\x1b" not in shown.stdout, "no colours where no terminal is"
    assert administered.run("tenant", "show", name).returncode != 0, "a dry run changes nothing"
    assert apply(administered, text, "--dry-run", "--exit-code").returncode == 2

    done = apply(administered, text)
    assert done.returncode == 0, done.stderr
    assert "Applied: 1 change." in done.stdout
    found = policy(administered, name)
    assert found["rate"] == {"permits": 600, "period_seconds": 60, "burst": 30}
    assert (found["executions"], found["sandboxes"], found["runtime_seconds"]) == (7, 5, {"hour": 60})
    assert found["subject"]["runtime_seconds"] == {"day": 600}

    for options in ((), ("--dry-run", "--exit-code")):
        again = apply(administered, text, *options)
        assert (again.returncode, again.stdout) == (0, "Nothing to do: everything is as the files say.\n")
    records = administered.json_command("audit", "search", "--tenant", name)
    assert [each["record"]["action"] for each in records] == ["tenant.created", "policy.set"]


def test_what_is_not_named_stays(administered: Gateway, name: str) -> None:
    administered.command("tenant", "create", name)
    administered.command("quota", "set", name, "--executions", "3", "--runtime", "50s/hour")
    done = apply(administered, f"tenants:\n  {name}:\n    policy: {{rate: 9/s}}\n", "--output", "json")
    [change] = changes(done)
    assert (change["action"], change["tenant"], change["state"]) == ("change", name, "applied")
    assert change["fields"] == [{"field": "rate", "before": "10/s", "after": "9/s"}]
    found = policy(administered, name)
    assert (found["executions"], found["runtime_seconds"]) == (3, {"hour": 50, "day": 3600})


def test_suspending_and_resuming(gateway: Gateway, name: str) -> None:
    assert apply(gateway, FULL.format(name=name, suspended="true")).returncode == 0
    assert gateway.json_command("tenant", "show", name)["disabled"] is True
    [change] = changes(apply(gateway, FULL.format(name=name, suspended="false"), "--output", "json"))
    assert change["fields"] == [{"field": "suspended", "before": "true", "after": "false"}]
    assert gateway.json_command("tenant", "show", name)["disabled"] is False
    shown = apply(gateway, FULL.format(name=name, suspended="true"), "--dry-run").stdout
    assert "    ~ suspended: false -> true, what it runs ended" in shown


def test_through_the_listener(gateway: Gateway, name: str) -> None:
    through = {
        "GATEWAY_ADMIN_URL": gateway.admin_url, "GATEWAY_ADMIN_TOKEN": gateway.admin_token,
        "GATEWAY_LEDGER": "sqlite:/nonexistent/gateway.db",
    }  # fmt: skip
    done = apply(gateway, FULL.format(name=name, suspended="true"), **through)
    assert done.returncode == 0, done.stderr
    records = gateway.json_command("audit", "search", "--tenant", name)
    assert {each["record"]["actor"] for each in records} == {"admin:first"}


def test_the_default_policy_comes_first_and_new_tenants_get_it(new_gateway: NewGateway, name: str) -> None:
    gateway = new_gateway()
    text = f"tenants:\n  {name}:\n    policy: {{executions: 4}}\ndefault_policy: {{executions: 2, rate: 3/s}}\n"
    shown = apply(gateway, text, "--dry-run").stdout
    assert shown.index("~ what new tenants get") < shown.index(f"+ tenant {name}")
    assert "executions: 2 -> 4" in shown
    assert apply(gateway, text).returncode == 0
    assert gateway.json_command("quota", "get", "--default")["executions"] == 2
    assert (policy(gateway, name)["executions"], policy(gateway, name)["rate"]["permits"]) == (4, 3)


def test_several_files_and_standard_input_are_one_declaration(gateway: Gateway, name: str) -> None:
    (gateway.folder / "one.yaml").write_text(f"tenants:\n  {name}-1:\n")
    done = gateway.run(
        "apply", "-f", "one.yaml", "--file", "-", "--yes", "--output", "json", input=f"tenants:\n  {name}-2:\n"
    )
    assert [change["tenant"] for change in changes(done)] == [f"{name}-1", f"{name}-2"]
    twice = gateway.run("apply", "-f", "one.yaml", "-f", "-", "--dry-run", input=f"\ntenants:\n  {name}-1:\n")
    assert (twice.returncode, twice.stdout) == (1, "")
    assert f"standard input:3: the tenant {name}-1 stands in one.yaml:2, too" in twice.stderr


# Mistakes


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("tenants:\n  good:\n    policy: {executions: 3}\n  bad:\n    policy:\n      executons: 3\n", ":6: \"executons\""),
        ("tenants:\n  good:\n    policy: {executions: 3}\n  bad:\n    policy:\n      executions: -3\n", ":6: executions must be"),
        ("tenants:\n  good:\n  bad:\n    policy:\n      subject:\n        rate: fast\n", ":6: subject.rate must be"),
        ("tenants:\n  good:\ndefault_policy:\n  timeout_seconds: 0\n", ":4: timeout_ms must be"),
        ("tenants:\n  good:\n  Not A Name:\n", ":3: a tenant's name"),
        ("tenants:\n  good: {\n", "cannot be read as YAML"),
        ("", "holds nothing"),
    ],
)
def test_nothing_is_changed_when_anything_is_wrong(administered: Gateway, name: str, text: str, said: str) -> None:
    done = apply(administered, text.replace("good", name))
    assert done.returncode == 1
    assert said in done.stderr and ".yaml" in done.stderr, done.stderr
    assert done.stdout == ""
    assert administered.run("tenant", "show", name).returncode != 0


@pytest.mark.parametrize("place", ["# {}", "  acme: # {}", "  acme: {{token: {}}}"])
def test_a_token_in_the_file_is_refused_and_not_shown(gateway: Gateway, place: str) -> None:
    for secret in (gateway.admin_token, next(iter(gateway.upstream_keys)), gateway.root_key_file.read_text().strip()):
        done = apply(gateway, "tenants:\n" + place.format(secret) + "\n")
        assert done.returncode == 1
        assert ":2: holds what looks like a token" in done.stderr, done.stderr
        assert secret[4:20] not in done.stderr + done.stdout


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["apply"], "--file"),
        (["apply", "-f", "missing.yaml"], "missing.yaml cannot be read"),
        (["apply", "-f", "a", "-f", "a"], "twice"),
        (["apply", "-f", "-", "--exit-code"], "--dry-run"),
        (["tenant", "export", "nobody"], "nobody"),
        (["tenant", "export", "acme", "--prefix", "a"], "one of the two"),
    ],
)
def test_wrong_words(gateway: Gateway, words: list[str], said: str) -> None:
    done = gateway.run(*words)
    assert (done.returncode != 0, done.stdout) == (True, "")
    assert said in done.stderr, done.stderr


# Asking


def answered(
    gateway: Gateway, path: str, answer: str, *options: str, meanwhile: Callable[[], object] | None = None, **settings: str
) -> tuple[int, str]:
    """The command at a terminal, where somebody types an answer, and another does something before; its exit code and all it
    showed."""
    leader, follower = pty.openpty()
    process = subprocess.Popen(
        [str(BINARY), "apply", "-f", path, *options], cwd=gateway.folder, stdin=follower, stdout=follower, stderr=follower,
        env=environment(**gateway.settings, **settings), close_fds=True,
    )  # fmt: skip
    os.close(follower)
    shown = b""
    while b"to apply this" not in shown and process.poll() is None:
        shown += os.read(leader, 4096)
    if meanwhile:
        meanwhile()
    os.write(leader, answer.encode() + b"\n")
    while True:
        try:
            part = os.read(leader, 4096)
        except OSError:
            break
        if not part:
            break
        shown += part
    os.close(leader)
    return process.wait(30), shown.decode()


def test_it_asks_at_a_terminal(administered: Gateway, name: str) -> None:
    path = administered.folder / "asked.yaml"
    path.write_text(f"tenants:\n  {name}:\n    policy: {{executions: 3}}\n")
    code, shown = answered(administered, str(path), "no", TERM="xterm")
    assert (code, "Nothing was changed." in shown) == (1, True), shown
    assert f"\x1b[32m+ tenant {name}" in shown, "in colours"
    assert administered.run("tenant", "show", name).returncode != 0
    code, shown = answered(administered, str(path), "yes", NO_COLOR="1")
    assert (code, "\x1b[" in shown) == (0, False), shown
    assert policy(administered, name)["executions"] == 3


def test_without_a_terminal_it_does_nothing_unasked(gateway: Gateway, name: str) -> None:
    (gateway.folder / "unasked.yaml").write_text(f"tenants:\n  {name}:\n")
    for more in ((), ("--output", "json")):
        done = gateway.run("apply", "-f", "unasked.yaml", *more)
        assert done.returncode == 1
        assert "--yes" in done.stderr
        assert gateway.run("tenant", "show", name).returncode != 0


def test_a_change_made_while_it_asks_is_not_overwritten(gateway: Gateway, name: str) -> None:
    """What was shown is what is done: told apart by entity tags, between the question and the answer."""
    for tenant in (f"{name}-1", f"{name}-2", f"{name}-3"):
        gateway.command("tenant", "create", tenant)
    path = gateway.folder / "overtaken.yaml"
    path.write_text("tenants:\n" + "".join(f"  {name}-{n}: {{policy: {{executions: 3}}}}\n" for n in (1, 2, 3)))
    leader, follower = pty.openpty()
    process = subprocess.Popen(
        [str(BINARY), "apply", "-f", str(path)], cwd=gateway.folder, stdin=follower, stdout=follower, stderr=follower,
        env=environment(**gateway.settings), close_fds=True,
    )  # fmt: skip
    os.close(follower)
    shown = b""
    while b"to apply this" not in shown:
        shown += os.read(leader, 4096)
    gateway.command("quota", "set", f"{name}-2", "--burst", "33")
    os.write(leader, b"yes\n")
    rest: list[bytes] = []

    def read() -> None:
        try:
            while part := os.read(leader, 4096):
                rest.append(part)
        except OSError:
            pass

    reader = threading.Thread(target=read)
    reader.start()
    assert process.wait(30) == 1
    reader.join()
    os.close(leader)
    said = b"".join(rest).decode()
    assert f"Applied: tenant {name}-1." in said, said
    assert f"Failed: tenant {name}-2. It has changed meanwhile" in said, said
    assert f"Not begun: tenant {name}-3." in said, said
    assert [policy(gateway, f"{name}-{n}")["executions"] for n in (1, 2, 3)] == [3, 5, 5]
    assert policy(gateway, f"{name}-2")["rate"]["burst"] == 33
    assert gateway.run("apply", "-f", str(path), "--yes").returncode == 0, "the second time it is known"
    assert policy(gateway, f"{name}-2")["executions"] == 3


def test_a_suspension_made_while_it_asks_is_not_lifted(gateway: Gateway, name: str) -> None:
    """Somebody suspends it for a reason of their own; and what was done of the change before that is said."""
    admin, tenant = Client(gateway.admin_url, gateway.admin_token, gateway.contract), f"/admin/v1/tenants/{name}"

    def suspend(reason: str) -> None:
        for change in ({"disabled": False}, {"disabled": True, "reason": reason}):
            assert admin.call("PATCH", tenant, json=change).status == 200

    gateway.command("tenant", "create", name)
    suspend("unpaid")
    path = gateway.folder / "resumed.yaml"
    path.write_text(f"tenants:\n  {name}: {{suspended: false, policy: {{executions: 3}}}}\n")
    code, shown = answered(gateway, str(path), "yes", meanwhile=lambda: suspend("an incident"))
    assert code == 1, shown
    assert f"Failed: tenant {name}. The limits were changed. Then it failed: It has changed meanwhile" in shown, shown
    found = admin.get(tenant).document
    assert (found["disabled"], found["suspension_reason"]) == (True, "an incident")
    assert policy(gateway, name)["executions"] == 3
    assert gateway.run("apply", "-f", str(path), "--yes").returncode == 0
    assert admin.get(tenant).document["disabled"] is False


def test_limits_that_new_tenants_get_anyway_are_bound_to_that(new_gateway: NewGateway, name: str) -> None:
    """What was declared is what there is, or it is said that it is not."""
    gateway = new_gateway()
    path = gateway.folder / "as-new.yaml"
    path.write_text(f"tenants:\n  {name}: {{policy: {{executions: 5}}}}\n")
    assert gateway.json_command("quota", "get", "--default")["executions"] == 5
    code, shown = answered(
        gateway, str(path), "yes", meanwhile=lambda: gateway.command("quota", "set", "--default", "--executions", "9")
    )
    assert code == 1, shown
    assert f"Failed: tenant {name}. The tenant was made. Then it failed: It has changed meanwhile" in shown, shown
    assert "What new tenants get was changed" in shown
    assert gateway.run("apply", "-f", str(path), "--yes").returncode == 0
    assert policy(gateway, name)["executions"] == 5


def test_what_failed_is_told_exactly_to_programs(gateway: Gateway, name: str) -> None:
    """An administrator who may make tenants and not set limits."""
    admin = Client(gateway.admin_url, gateway.admin_token, gateway.contract)
    made = admin.call("POST", "/admin/v1/admin-tokens", json={"name": "half", "scopes": ["admin:read", "admin:tenants"]}).document
    gateway.secrets.add(made["token"])
    through = {"GATEWAY_ADMIN_URL": gateway.admin_url, "GATEWAY_ADMIN_TOKEN": made["token"]}
    text = f"tenants:\n  {name}-1:\n  {name}-2: {{policy: {{executions: 3}}}}\n  {name}-3:\n"
    done = apply(gateway, text, "--output", "json", **through)
    assert done.returncode == 1
    found = changes(done)
    assert [change["state"] for change in found] == ["applied", "failed", "not_begun"]
    assert "admin:quotas" in found[1]["error"]
    assert [gateway.run("tenant", "show", f"{name}-{n}").returncode for n in (1, 2, 3)] == [0, 0, 1]


def test_a_tenant_that_was_renamed_is_not_made_again_under_its_old_name(gateway: Gateway, name: str) -> None:
    gateway.command("tenant", "create", name)
    gateway.command("tenant", "rename", name, f"{name}-b")
    text = f"tenants:\n  {name}: {{policy: {{executions: 2}}}}\n"
    done = apply(gateway, text)
    assert done.returncode == 1
    assert f":2: {name} is called {name}-b now" in done.stderr, done.stderr
    assert gateway.run("tenant", "show", name).returncode == 1
    gateway.command("tenant", "create", name)
    assert apply(gateway, text).returncode == 0, "another one of that name is meant"
    assert policy(gateway, name)["executions"] == 2


# Pruning


def test_pruning_suspends_what_no_file_names_and_asks_by_number(new_gateway: NewGateway) -> None:
    gateway = new_gateway()
    kept, gone = gateway.tenant(), gateway.tenant()
    path = gateway.folder / "kept.yaml"
    path.write_text(f"tenants:\n  {kept.name}:\n")
    code, shown = answered(gateway, str(path), "yes", "--prune")
    assert (code, 'Type "prune 1"' in shown) == (1, True), shown
    assert gone.client.get("/v1/whoami").status == 200, "yes is not enough"
    code, shown = answered(gateway, str(path), "prune 1", "--prune")
    assert (code, f"- tenant {gone.name}, which no file names: suspended, what it runs ended" in shown) == (0, True), shown
    gone.client.get("/v1/whoami").problem("tenant-disabled")
    assert kept.client.get("/v1/whoami").status == 200
    again = gateway.run("apply", "-f", str(path), "--prune", "--dry-run", "--exit-code")
    assert (again.returncode, "Nothing to do" in again.stdout) == (0, True)
    gateway.command("tenant", "resume", gone.name)
    assert gone.client.get("/v1/whoami").status == 200, "with its keys and limits as they were"


def test_pruning_needs_something_to_keep(gateway: Gateway) -> None:
    done = apply(gateway, "tenants: {}\n", "--prune")
    assert (done.returncode, "suspend all" in done.stderr) == (1, True)


# Export


def test_what_is_exported_changes_nothing_and_makes_the_same_elsewhere(new_gateway: NewGateway, name: str) -> None:
    one, other = new_gateway(), new_gateway()
    assert apply(one, FULL.format(name=name, suspended="true") + "default_policy: {executions: 6}\n").returncode == 0
    one.command("tenant", "create", f"{name}-plain")
    exported = one.command("tenant", "export")
    document = yaml.safe_load(exported)
    assert set(document) == {"default_policy", "tenants"}
    assert document["tenants"][name]["suspended"] is True
    assert document["tenants"][name]["policy"]["runtime_seconds"] == {"hour": 60, "day": None, "month": None}
    assert apply(one, exported, "--dry-run", "--exit-code").returncode == 0

    assert apply(other, exported).returncode == 0
    assert other.command("tenant", "export") == exported
    assert list(yaml.safe_load(one.command("tenant", "export", name))["tenants"]) == [name]
    assert "default_policy" not in one.command("tenant", "export", "--prefix", name)


def test_the_example_in_the_documentation_can_be_applied(new_gateway: NewGateway) -> None:
    done = new_gateway().run("apply", "-f", str(ROOT / "deploy/tenants.yaml"), "--yes")
    assert done.returncode == 0, done.stderr
