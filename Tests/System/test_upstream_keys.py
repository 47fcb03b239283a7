"""The keys with which the gateway calls E2B: added, tried, rotated, revoked there, forgotten; and never seen again."""

import contextlib
import json
import os
import pathlib
import pty
import subprocess
import termios
from collections.abc import Iterator

import pytest

from conftest import NewGateway
from harness.browser import Browser
from harness.client import Client, Reply
from harness.contract import Contract
from harness.fake_e2b import FakeE2B, unreachable_url
from harness.gateway import UPSTREAM_KEY, Gateway
from harness.keyed_e2b import KeyedE2B
from harness.sandboxes import Door
from harness.service import BINARY, environment
from harness.waiting import eventually

PATH = "/admin/v1/upstream-keys"


class Keeper:
    """An administrator of one gateway's upstream keys, at its listener."""

    def __init__(self, gateway: Gateway, e2b: KeyedE2B):
        self.gateway = gateway
        self.e2b = e2b
        self.client = Client(gateway.admin_url, gateway.admin_token, gateway.contract)

    def new_key(self, team: str = "red") -> str:
        return self.gateway.note_upstream_key(self.e2b.new_key(team))

    def add(self, key: object, **fields: object) -> Reply:
        return self.client.call("POST", PATH, json={"key": key} | fields)

    def added(self, key: str, **fields: object) -> dict:
        reply = self.add(key, **fields)
        assert reply.status == 201, reply.body
        return reply.document

    def act(self, key: str, what: str) -> Reply:
        return self.client.call("POST", f"{PATH}/{key}/{what}")

    def done(self, key: str, what: str) -> dict:
        reply = self.act(key, what)
        assert reply.status == 200, reply.body
        return reply.document

    def remove(self, key: str, query: str = "") -> Reply:
        return self.client.call("DELETE", f"{PATH}/{key}{query}")

    def listed(self) -> dict[str, dict]:
        reply = self.client.get(PATH)
        assert reply.status == 200, reply.body
        return {key["id"]: key for key in reply.document}

    @property
    def active(self) -> dict:
        [active] = [key for key in self.listed().values() if key["role"] == "active"]
        return active

    def readiness(self) -> dict:
        return self.client.get("/readyz").document

    def records(self) -> list[dict]:
        """What the audit says of upstream keys."""
        page = self.gateway.json_command("audit", "search", "--limit", "10000")
        return [entry["record"] for entry in page if entry["record"]["action"].startswith("upstream_key.")]


@pytest.fixture(scope="module")
def keyed_e2b(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KeyedE2B]:
    e2b = KeyedE2B(tmp_path_factory.mktemp("keyed-e2b"), "--warm", "1", "--maximum", "12")
    yield e2b
    assert not e2b.sandboxes_of_team("red") and not e2b.sandboxes_of_team("blue"), "no sandbox is left"
    e2b.service.stop()


@pytest.fixture
def keeper(new_gateway: NewGateway, keyed_e2b: KeyedE2B) -> Keeper:
    """Of a gateway that has only the key it was started with."""
    return Keeper(new_gateway(keyed_e2b.url), keyed_e2b)


def command(gateway: Gateway, *arguments: str, key: str | None = None, **settings: str) -> subprocess.CompletedProcess:
    return gateway.run("upstream-key", *arguments, input=key if key is None else key + "\n", **settings)


def succeeded(done: subprocess.CompletedProcess) -> object:
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


# The first start


def test_the_first_start_takes_the_key_over_and_needs_it_no_more(keeper: Keeper) -> None:
    first = keeper.active
    assert list(keeper.listed()) == [first["id"]]
    assert (first["team"], first["role"]) == ("default", "active")
    eventually(lambda: keeper.active["health"] == "accepted", within=5, what="its health is known")
    [record] = keeper.records()
    assert (record["action"], record["actor"]) == ("upstream_key.added", "gateway")
    assert record["after"] == {"upstream_key": first["id"], "team": "default", "role": "active"}

    gateway = keeper.gateway
    gateway.stop()
    gateway.settings["E2B_API_KEY"] = ""
    gateway.start()
    assert gateway.tenant().client.execute("print(1)")["output"] == "1\n"
    assert list(Keeper(gateway, keeper.e2b).listed()) == [first["id"]]
    assert "upstream_key" not in json.dumps([line for line in gateway.service.log_lines() if line["level"] == "warning"])


def test_another_key_in_the_environment_is_not_used_and_said_to_be(keeper: Keeper) -> None:
    gateway, other = keeper.gateway, keeper.new_key()
    gateway.stop()
    gateway.settings["E2B_API_KEY"] = other
    gateway.start()
    warnings = [line for line in gateway.service.log_lines() if "E2B_API_KEY" in line["message"] and line["level"] == "warning"]
    [warning] = warnings
    assert "upstream-key add" in warning["message"]
    assert other not in json.dumps(warning)
    assert len(Keeper(gateway, keeper.e2b).listed()) == 1
    keeper.e2b.revoke(other)
    assert gateway.tenant().client.execute("print(1)")["output"] == "1\n"


# Added


@pytest.mark.parametrize("way", ["standard input", "file", "http"])
def test_a_key_is_added_on_standby_to_the_team_it_is_of(keeper: Keeper, tmp_path: pathlib.Path, way: str) -> None:
    key = keeper.new_key()
    if way == "http":
        added = keeper.added(key)
    elif way == "file":
        (tmp_path / "key").write_text(f"  {key}\n")
        added = succeeded(command(keeper.gateway, "add", "--from", str(tmp_path / "key"), "--output", "json"))
    else:
        added = succeeded(command(keeper.gateway, "add", "--output", "json", key=key))
    assert (added["team"], added["role"], added["health"]) == ("default", "standby", "accepted")
    assert set(added) == {"id", "team", "role", "health", "created_at", "role_since"}
    assert keeper.listed()[added["id"]] == added
    assert keeper.records()[-1]["after"] == {"upstream_key": added["id"], "team": "default", "role": "standby"}
    assert not keeper.e2b.sandboxes(), "what was made to find out its team is gone"


def test_what_is_typed_is_not_shown(keeper: Keeper) -> None:
    key = keeper.new_key()
    terminal, its_end = pty.openpty()
    with subprocess.Popen(
        [str(BINARY), "upstream-key", "add", "--output", "json"], cwd=keeper.gateway.folder,
        env=environment(**keeper.gateway.settings), stdin=its_end, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    ) as command:
        prompt = b"E2B's API key (not shown): "
        assert command.stderr.read(len(prompt)) == prompt
        os.write(terminal, f"{key}\n".encode())
        added = json.loads(command.stdout.read())
        assert command.stderr.read() == b"\n"
    os.set_blocking(terminal, False)
    with contextlib.suppress(BlockingIOError):
        assert key.encode() not in os.read(terminal, 4_096)
    assert termios.tcgetattr(its_end)[3] & (termios.ECHO | termios.ISIG) == termios.ECHO | termios.ISIG
    os.close(terminal)
    os.close(its_end)
    assert keeper.listed()[added["id"]]["role"] == "standby"


def test_tables_are_for_people(keeper: Keeper) -> None:
    key = keeper.new_key()
    table = command(keeper.gateway, "add", "--activate", key=key).stdout
    heading, row = table.splitlines()
    assert heading.split() == ["KEY", "TEAM", "ROLE", "SINCE", "HEALTH", "ADDED"]
    assert row.split()[1:3] == ["default", "active"]
    assert keeper.active["id"] == row.split()[0]
    assert command(keeper.gateway, "list").stdout.count("\n") == 3


@pytest.mark.parametrize(
    ("body", "named"),
    [
        ({}, "key"),
        ({"key": ""}, "key"),
        ({"key": 7}, "key"),
        ({"key": None}, "key"),
        ({"key": "e2b_ 00"}, "key"),
        ({"key": "e2b_00\r\nX-Admin: 1"}, "key"),
        ({"key": "e2b_é"}, "key"),
        ({"key": "k" * 513}, "key"),
        ({"key": "e2b_00", "team": "Red Team"}, "team"),
        ({"key": "e2b_00", "team": ""}, "team"),
        ({"key": "e2b_00", "team": "t" * 33}, "team"),
        ({"key": "e2b_00", "team": 1}, "team"),
        ({"key": "e2b_00", "activate": True}, "activate"),
        ({"key": "e2b_" + "0" * 40}, "does not accept"),
        ({"key": "e2b_" + "0" * 40, "team": "new"}, "does not accept"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_what_is_no_key_is_not_added(gateway_of_keys: Keeper, body: dict, named: str) -> None:
    before = gateway_of_keys.listed()
    problem = gateway_of_keys.client.call("POST", PATH, json=body).problem("invalid-request")
    assert named in problem["detail"].lower()
    if isinstance(body.get("key"), str) and len(body["key"]) > 5:
        assert body["key"] not in json.dumps(problem)
    assert gateway_of_keys.listed() == before


@pytest.fixture(scope="module")
def gateway_of_keys(session_gateway: NewGateway, keyed_e2b: KeyedE2B) -> Iterator[Keeper]:
    """For tests that change nothing."""
    keeper = Keeper(session_gateway(keyed_e2b.url), keyed_e2b)
    yield keeper
    keeper.gateway.stop()


def test_a_token_where_a_key_belongs_is_recognised(gateway_of_keys: Keeper) -> None:
    gateway = gateway_of_keys.gateway
    for token in (gateway.tenant().token, gateway.admin_token):
        problem = gateway_of_keys.add(token).problem("invalid-request")
        assert "token" in problem["detail"] and token not in problem["detail"]
        done = command(gateway, "add", key=token)
        assert done.returncode != 0 and "token" in done.stderr
        problem = gateway_of_keys.add("e2b_00", team=token).problem("invalid-request")
        assert token not in json.dumps(problem)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["add", "--from", "nowhere"], "nowhere"),
        (["add"], "standard input"),
        (["add", "--team", "Red Team"], "team's name"),
        (["probe", "uk_0123456789abcdef"], "uk_0123456789abcdef"),
        (["activate", "uk_0123456789abcdef"], "uk_0123456789abcdef"),
        (["retire", "uk_0123456789abcdef"], "uk_0123456789abcdef"),
        (["remove", "uk_0123456789abcdef"], "uk_0123456789abcdef"),
        (["remove", "e2b_" + "6" * 40], "secret"),
        (["remove"], "Missing"),
    ],
    ids=" ".join,
)
def test_a_command_that_cannot_says_why(gateway_of_keys: Keeper, arguments: list[str], said: str) -> None:
    done = command(gateway_of_keys.gateway, *arguments, key="e2b_00" if "--team" in arguments else "")
    assert done.returncode != 0
    assert said in done.stderr, done.stderr
    assert done.stdout == "" and "6" * 40 not in done.stderr


def test_an_id_that_is_a_secret_is_not_repeated(gateway_of_keys: Keeper) -> None:
    key = gateway_of_keys.gateway.note_upstream_key("e2b_" + "7" * 40)
    for reply in (gateway_of_keys.act(key, "probe"), gateway_of_keys.act(key, "activation"), gateway_of_keys.remove(key)):
        assert key not in json.dumps(reply.problem("invalid-request"))


def test_force_is_a_yes_or_a_no(gateway_of_keys: Keeper) -> None:
    assert "force" in gateway_of_keys.remove("uk_0123456789abcdef", "?force=1").problem("invalid-request")["detail"]


def test_a_key_is_held_once(keeper: Keeper) -> None:
    key = keeper.new_key()
    added = keeper.added(key)
    for again, name in ((key, added["id"]), (UPSTREAM_KEY, keeper.active["id"])):
        assert name in keeper.add(again).problem("conflict")["detail"]
    keeper.done(added["id"], "retirement")
    assert added["id"] in keeper.add(key).problem("conflict")["detail"]
    assert keeper.remove(added["id"]).status == 200
    assert keeper.added(key)["id"] != added["id"]


# Teams


def test_a_key_of_another_team_has_to_be_given_its_teams_name(keeper: Keeper) -> None:
    blue, red = keeper.new_key("blue"), keeper.new_key("red")
    assert "name that team" in keeper.add(blue).problem("conflict")["detail"]
    assert "not of the E2B team" in keeper.add(blue, team="default").problem("conflict")["detail"]
    assert "default" in keeper.add(red, team="other").problem("conflict")["detail"]
    assert len(keeper.listed()) == 1
    assert keeper.added(blue, team="other")["team"] == "other"
    assert keeper.added(keeper.new_key("blue"))["team"] == "other"
    assert keeper.added(red, team="default")["team"] == "default"
    assert not keeper.e2b.sandboxes_of_team("red") and not keeper.e2b.sandboxes_of_team("blue")


def test_a_full_cloud_does_not_keep_a_teams_key_out(tmp_path: pathlib.Path, new_gateway: NewGateway) -> None:
    """If there is no room for a sandbox to compare, one that there is will do; else it is said what is missing."""
    e2b = KeyedE2B(tmp_path, "--warm", "0", "--maximum", "1")
    keeper = Keeper(new_gateway(e2b.url), e2b)
    mine, other = keeper.new_key(), keeper.new_key("blue")
    held = e2b.hold()
    problem = keeper.add(mine).problem("upstream-capacity")
    assert "Nothing was changed" in problem["detail"] and "default" in problem["detail"]
    e2b.end(held)
    door = Door(keeper.gateway.tenant())

    def made() -> str | None:
        reply = door.create(timeout=120)
        return reply.document["sandboxID"] if reply.status == 201 else None

    sandbox = eventually(made, within=10, pause=0.5, what="there is room")
    assert keeper.added(mine)["team"] == "default"
    keeper.add(other).problem("conflict")
    assert door.kill(sandbox).status == 204
    eventually(lambda: not e2b.sandboxes(), within=10, what="it is gone")
    e2b.service.stop()


def test_a_key_that_replaces_one_that_was_revoked_already(keeper: Keeper) -> None:
    """Nobody can say any more whose the old one was, so the administrator has to."""
    keeper.e2b.revoke(UPSTREAM_KEY)
    try:
        new = keeper.new_key()
        assert "name its team" in keeper.add(new).problem("conflict")["detail"]
        added = keeper.added(new, team="default")
        assert keeper.done(added["id"], "activation")["role"] == "active"
        eventually(lambda: keeper.readiness()["upstream"] == "ok", within=10, what="upstream is ready again")
        assert keeper.readiness()["warnings"] == ["upstream_key_refused"]
        assert keeper.gateway.tenant().client.execute("print(1)")["output"] == "1\n"
        old = next(key for key in keeper.listed() if key != added["id"])
        keeper.done(old, "retirement")
        assert "warnings" not in keeper.readiness()
        assert keeper.remove(old).status == 200
    finally:
        keeper.e2b.restore(UPSTREAM_KEY)


# Activated, retired, removed


def test_roles_change_in_order(keeper: Keeper) -> None:
    old, new = keeper.active["id"], keeper.added(keeper.new_key())["id"]
    assert new in keeper.act(new, "activation").document["id"]
    assert {key: entry["role"] for key, entry in keeper.listed().items()} == {old: "standby", new: "active"}
    assert keeper.done(new, "activation") == keeper.listed()[new], "once more changes nothing"

    for reply in (keeper.act(new, "retirement"), keeper.remove(new), keeper.remove(new, "?force=true")):
        assert "another active" in reply.problem("conflict")["detail"]
    assert "retired" in keeper.remove(old).problem("conflict")["detail"]
    assert keeper.done(old, "retirement")["role"] == "retired"
    assert keeper.done(old, "activation")["role"] == "active"
    keeper.done(new, "activation")
    keeper.done(old, "retirement")
    assert keeper.remove(old).document["role"] == "retired"
    keeper.remove(old).problem("not-found")
    assert list(keeper.listed()) == [new]
    said = [(record["action"].removeprefix("upstream_key."), (record.get("after") or record["before"])["upstream_key"]) for record in keeper.records()]
    assert said == [
        ("added", old), ("added", new), ("activated", new), ("retired", old), ("activated", old), ("activated", new),
        ("retired", old), ("removed", old),
    ]
    assert {record["actor"] for record in keeper.records()[1:]} == {"admin:first"}


def test_a_key_that_e2b_refuses_is_not_made_active(keeper: Keeper) -> None:
    key = keeper.new_key()
    added = keeper.added(key)["id"]
    keeper.e2b.revoke(key)
    assert added in keeper.act(added, "activation").problem("conflict")["detail"]
    assert keeper.listed()[added]["role"] == "standby" and keeper.listed()[added]["health"] == "refused"
    assert keeper.readiness()["warnings"] == ["upstream_key_refused"] and keeper.readiness()["status"] == "ready"
    done = command(keeper.gateway, "probe", "--output", "json")
    assert done.returncode == 1
    assert {key["id"]: key["health"] for key in json.loads(done.stdout)} == {
        keeper.active["id"]: "accepted", added: "refused",
    }
    keeper.e2b.restore(key)
    assert succeeded(command(keeper.gateway, "probe", added, "--output", "json"))[0]["health"] == "accepted"
    assert "warnings" not in keeper.readiness()


def test_a_gateway_that_starts_asks_about_all_its_keys(keeper: Keeper) -> None:
    key = keeper.new_key()
    keeper.added(key)
    keeper.e2b.revoke(key)
    keeper.gateway.stop()
    again = Keeper(keeper.gateway.start(), keeper.e2b)
    eventually(lambda: "warnings" in again.readiness(), within=10, what="it is known that one is refused")
    assert again.readiness()["status"] == "ready"


def test_the_last_key_of_a_team_stays_while_sandboxes_do(keeper: Keeper) -> None:
    blue = keeper.added(keeper.new_key("blue"), team="blue")["id"]
    red = keeper.active["id"]
    keeper.done(blue, "activation")
    door = Door(keeper.gateway.tenant())
    sandbox = door.made(timeout=300)
    assert list(keeper.e2b.sandboxes_of_team("blue")) == [sandbox]
    keeper.done(red, "activation")
    keeper.done(blue, "retirement")
    assert "1 of this gateway's" in keeper.remove(blue).problem("conflict")["detail"]
    assert door.detail(sandbox)["state"] == "running", "it is reached with a key that is retired"
    assert door.set_timeout(sandbox, 200).status == 204
    another = keeper.added(keeper.new_key("blue"))["id"]
    assert keeper.remove(blue).status == 200, "it is the last no more"
    assert door.kill(sandbox).status == 204
    eventually(lambda: not keeper.e2b.sandboxes_of_team("blue"), within=10, what="it is gone")
    keeper.done(another, "retirement")
    assert keeper.remove(another).status == 200


@contextlib.contextmanager
def last_of_its_team(keeper: Keeper) -> Iterator[str]:
    """A key, retired, with which alone a sandbox is reached that there is; another is left once it is removed."""
    blue = keeper.added(keeper.new_key("blue"), team="blue")["id"]
    red = keeper.active["id"]
    keeper.done(blue, "activation")
    door = Door(keeper.gateway.tenant())
    sandbox = door.made(timeout=60)
    keeper.done(red, "activation")
    keeper.done(blue, "retirement")
    yield blue
    assert list(keeper.listed()) == [red]
    keeper.e2b.end(sandbox, "blue")


def test_force_removes_it_all_the_same(keeper: Keeper) -> None:
    with last_of_its_team(keeper) as blue:
        done = command(keeper.gateway, "remove", blue)
        assert done.returncode != 0 and "by force" in done.stderr
        assert "Revoke it at E2B" in command(keeper.gateway, "remove", blue, "--force").stdout


def test_so_it_does_in_the_console(keeper: Keeper, browser: Browser) -> None:
    with last_of_its_team(keeper) as blue:
        browser.expected_statuses = {409}
        browser.open(keeper.gateway.admin_url, "/upstream")
        browser.sign_in(keeper.gateway.admin_token)
        browser.press("Remove …", row=blue)
        browser.write("Type", blue)
        browser.press("Remove")
        browser.see("remove it by force")
        browser.field("Remove it even then: they run until their time is over").click()
        browser.press("Remove")
        browser.see(f"{blue} is removed.")


# Upstream is away


def test_nothing_is_changed_while_e2b_cannot_be_asked(new_gateway: NewGateway, keyed_e2b: KeyedE2B) -> None:
    keeper = Keeper(new_gateway(keyed_e2b.url), keyed_e2b)
    added = keeper.added(keeper.new_key())["id"]
    key = keeper.new_key()
    keeper.gateway.stop()
    with unreachable_url() as url:
        keeper.gateway.settings |= {"E2B_API_URL": url, "E2B_SANDBOX_URL": url}
        cut_off = Keeper(keeper.gateway.start(), keyed_e2b)
        before = cut_off.listed()
        for reply in (cut_off.add(key), cut_off.act(added, "activation"), cut_off.act(added, "probe")):
            assert "Nothing was changed" in reply.problem("upstream-unreachable")["detail"]
        assert command(cut_off.gateway, "probe").returncode != 0
        assert cut_off.listed() == before
        assert cut_off.done(added, "retirement")["role"] == "retired", "which takes nobody's word"
        assert cut_off.remove(added).status == 200


def test_an_upstream_that_makes_no_sense_gives_no_key_a_team(new_gateway: NewGateway) -> None:
    with FakeE2B() as fake:
        gateway = new_gateway(fake.url)
        client = Client(gateway.admin_url, gateway.admin_token, gateway.contract)
        fake.create = lambda exchange: exchange.answer(500, {"code": 500, "message": "no"})
        reply = client.call("POST", PATH, json={"key": gateway.note_upstream_key("e2b_" + "8" * 40)})
        assert "a sandbox of that team is needed" in reply.problem("upstream-refused")["detail"]
        assert len(client.get(PATH).document) == 1


# Without a gateway


def test_a_stopped_gateways_keys_are_administered_on_its_ledger(keeper: Keeper) -> None:
    gateway = keeper.gateway
    first = keeper.active["id"]
    gateway.stop()
    new, blue = keeper.new_key(), keeper.new_key("blue")
    added = succeeded(command(gateway, "add", "--activate", "--output", "json", key=new))
    assert (added["team"], added["role"]) == ("default", "active")
    assert command(gateway, "add", key=blue).returncode != 0
    assert succeeded(command(gateway, "add", "--team", "blue", "--output", "json", key=blue))["team"] == "blue"
    assert [key["health"] for key in succeeded(command(gateway, "probe", "--output", "json"))] == ["accepted"] * 3
    assert command(gateway, "retire", added["id"]).returncode != 0
    assert succeeded(command(gateway, "retire", first, "--output", "json"))["role"] == "retired"
    assert succeeded(command(gateway, "remove", first, "--output", "json"))["id"] == first
    roles = {key["id"]: key["role"] for key in succeeded(command(gateway, "list", "--output", "json"))}
    assert roles == {added["id"]: "active"} | {key: "standby" for key in roles if key != added["id"]} and len(roles) == 2
    assert not keeper.e2b.sandboxes()
    gateway.start()
    assert gateway.tenant().client.execute("print(1)")["output"] == "1\n"


def test_a_ledger_that_never_served_is_given_its_key_by_hand(
    tmp_path: pathlib.Path, contract: Contract, keyed_e2b: KeyedE2B, all_gateways: list[Gateway]
) -> None:
    gateway = Gateway(tmp_path, contract, keyed_e2b.url, E2B_API_KEY="").initialise()
    all_gateways.append(gateway)
    assert "upstream-key add" in command(gateway, "list").stdout
    key = gateway.note_upstream_key(keyed_e2b.new_key())
    added = succeeded(command(gateway, "add", "--team", "ours", "--output", "json", key=key))
    assert (added["team"], added["role"]) == ("ours", "active")
    gateway.start()
    assert gateway.tenant().client.execute("print(1)")["output"] == "1\n"
    gateway.stop()
