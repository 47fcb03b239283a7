"""The root key: where it comes from, what a wrong one does, and its rotation, undisturbed and interrupted."""

import concurrent.futures
import fcntl
import json
import os
import pathlib
import random
import re
import secrets
import shutil
import signal
import sqlite3
import stat
import subprocess
import threading
import time

import pytest

from conftest import NewGateway
from harness.client import Client
from harness.gateway import Gateway, Tenant
from harness.leaks import WITNESS
from harness.service import BINARY, environment

ROOT_KEY = re.compile(r"[0-9a-f]{64}")


def another_key() -> str:
    return secrets.token_hex(32)


def mode(path: pathlib.Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def successor_file(gateway: Gateway) -> pathlib.Path:
    return gateway.root_key_file.with_name(gateway.root_key_file.name + ".new")


def key_in(gateway: Gateway) -> str:
    """The key in the file, which must be as it ought to be."""
    assert mode(gateway.root_key_file) == 0o600
    key = gateway.root_key_file.read_text().strip()
    assert ROOT_KEY.fullmatch(key)
    gateway.secrets.add(key)
    return key


def write_key(path: pathlib.Path, text: str) -> None:
    path.write_text(text)
    path.chmod(0o600)


@pytest.fixture
def stopped(new_gateway: NewGateway) -> tuple[Gateway, Tenant]:
    """A gateway at rest that has served: its tenant's token works, its audit has records."""
    gateway = new_gateway()
    tenant = gateway.tenant()
    assert tenant.client.get("/v1/whoami").status == 200
    gateway.stop()
    return gateway, tenant


def assert_all_is_well(gateway: Gateway, tenant: Tenant) -> None:
    """What was handed out before still works, what was recorded holds, and new things can be made."""
    assert gateway.json_command("audit", "verify")["intact"] is True
    gateway.start()
    for key in (tenant, gateway.tenant()):
        assert key.client.get("/v1/whoami").document["key_id"] == key.key_id
    first = Client(gateway.admin_url, gateway.admin_token, gateway.contract)
    assert tenant.name in [known["name"] for known in first.get("/admin/v1/tenants").document]
    gateway.stop()


def content(ledger: pathlib.Path) -> list[str]:
    """All that stands in a ledger, whatever its file looks like."""
    database = sqlite3.connect(f"file:{ledger}?mode=ro", uri=True)
    statements = list(database.iterdump())
    database.close()
    return statements


def says_no(gateway: Gateway, *arguments: str, **settings: str) -> str:
    """A command that must end by itself with a complaint that holds no key; the complaint."""
    done = gateway.run(*arguments, **settings)
    assert done.returncode not in (0, None)
    assert done.stdout == ""
    assert "Fatal" not in done.stderr
    given = settings.get("GATEWAY_ROOT_KEY", "no such key")
    for key in {given, *gateway.secrets, *(text for text in settings.values() if ROOT_KEY.fullmatch(text))}:
        assert key not in done.stderr
    assert len(done.stderr) < 500, "a sentence or two"
    return done.stderr


# Made


def initialised(gateway: Gateway, folder: pathlib.Path, **settings: str) -> subprocess.CompletedProcess:
    """`init` with a ledger in a folder of its own."""
    done = gateway.run("init", "--output", "json", **({"GATEWAY_LEDGER": f"sqlite:{folder}/new.db"} | settings))
    if done.returncode == 0:
        gateway.secrets.add(json.loads(done.stdout)["admin_token"])
    return done


def test_init_makes_a_key_that_only_its_owner_can_read(gateway: Gateway, tmp_path: pathlib.Path) -> None:
    file = tmp_path / "root.key"
    done = initialised(gateway, tmp_path, GATEWAY_ROOT_KEY_FILE=str(file))
    assert done.returncode == 0, done.stderr
    assert mode(file) == 0o600
    key = file.read_text().strip()
    assert ROOT_KEY.fullmatch(key)
    gateway.secrets.add(key)
    assert key not in done.stdout + done.stderr


def test_init_does_not_touch_what_is_there(stopped: tuple[Gateway, Tenant]) -> None:
    gateway, tenant = stopped
    before = content(gateway.ledger), key_in(gateway)
    assert "nothing was changed" in says_no(gateway, "init")
    assert (content(gateway.ledger), key_in(gateway)) == before
    assert_all_is_well(gateway, tenant)


def test_init_that_is_refused_leaves_no_key_behind(stopped: tuple[Gateway, Tenant]) -> None:
    """A key that opens nothing would be taken for the ledger's."""
    gateway, _ = stopped
    elsewhere = gateway.folder / "elsewhere.key"
    assert "nothing was changed" in says_no(gateway, "init", GATEWAY_ROOT_KEY_FILE=str(elsewhere))
    assert not elsewhere.exists()


def test_init_takes_a_key_that_is_there(gateway: Gateway, tmp_path: pathlib.Path) -> None:
    """As someone has who puts keys in place by other means; it is used, not replaced."""
    file = tmp_path / "root.key"
    key = another_key()
    gateway.secrets.add(key)
    write_key(file, key + "\n")
    assert initialised(gateway, tmp_path, GATEWAY_ROOT_KEY_FILE=str(file)).returncode == 0
    assert file.read_text() == key + "\n"
    settings = {"GATEWAY_LEDGER": f"sqlite:{tmp_path}/new.db"}
    assert gateway.run("tenant", "list", **settings, GATEWAY_ROOT_KEY=key).returncode == 0
    assert gateway.run("tenant", "list", **settings, GATEWAY_ROOT_KEY=another_key()).returncode != 0


def test_a_key_in_the_environment_makes_no_file(gateway: Gateway, tmp_path: pathlib.Path) -> None:
    key = another_key()
    gateway.secrets.add(key)
    done = initialised(gateway, tmp_path, GATEWAY_ROOT_KEY=key, GATEWAY_ROOT_KEY_FILE=str(tmp_path / "root.key"))
    assert done.returncode == 0, done.stderr
    assert "root_key_file" not in json.loads(done.stdout)
    assert not [path for path in tmp_path.iterdir() if "key" in path.name]
    settings = {"GATEWAY_LEDGER": f"sqlite:{tmp_path}/new.db"}
    assert gateway.run("tenant", "list", **settings, GATEWAY_ROOT_KEY=key.upper()).returncode == 0


# Wrong

COMMANDS = [
    ("serve",),
    ("tenant", "list"),
    ("tenant", "create", "never"),
    ("audit", "verify"),
    ("admin-token", "issue", "never"),
    ("root-key", "rotate"),
]


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
@pytest.mark.parametrize("source", ["environment", "file"])
def test_a_wrong_key_stops_everything_at_once(
    resting: Gateway, tmp_path: pathlib.Path, command: tuple[str, ...], source: str
) -> None:
    before = content(resting.ledger)
    if source == "environment":
        complaint = says_no(resting, *command, GATEWAY_ROOT_KEY=another_key())
        assert "GATEWAY_ROOT_KEY" in complaint
    else:
        file = tmp_path / "wrong.key"
        write_key(file, another_key())
        complaint = says_no(resting, *command, GATEWAY_ROOT_KEY_FILE=str(file))
        assert "GATEWAY_ROOT_KEY_FILE" in complaint
        assert file.read_text() not in complaint
        assert not file.with_name("wrong.key.new").exists()
    assert "root key" in complaint
    assert str(resting.ledger) in complaint, "which ledger it does not open"
    assert content(resting.ledger) == before


def test_whoever_gave_the_key_in_the_environment_is_not_sent_to_a_file(resting: Gateway) -> None:
    complaint = says_no(resting, "tenant", "list", GATEWAY_ROOT_KEY=another_key())
    assert "GATEWAY_ROOT_KEY_FILE" not in complaint


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_a_missing_file_is_said(resting: Gateway, tmp_path: pathlib.Path, command: tuple[str, ...]) -> None:
    complaint = says_no(resting, *command, GATEWAY_ROOT_KEY_FILE=str(tmp_path / "none.key"))
    assert str(tmp_path / "none.key") in complaint
    assert "GATEWAY_ROOT_KEY_FILE" in complaint
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("permissions", [0o640, 0o604, 0o620, 0o644, 0o666], ids=oct)
def test_a_file_that_others_may_read_is_refused(resting: Gateway, tmp_path: pathlib.Path, permissions: int) -> None:
    file = tmp_path / "open.key"
    shutil.copy(resting.root_key_file, file)
    file.chmod(permissions)
    for command in (("serve",), ("tenant", "list")):
        complaint = says_no(resting, *command, GATEWAY_ROOT_KEY_FILE=str(file))
        assert f"chmod 600 {file}" in complaint
    file.chmod(0o600)
    assert resting.run("tenant", "list", GATEWAY_ROOT_KEY_FILE=str(file)).returncode == 0


ODD_CONTENTS = {
    "empty": b"",
    "line": b"\n",
    "short": b"ab" * 31,
    "long": b"ab" * 33,
    "not hex": b"zz" * 32,
    "two words": b"ab" * 32 + b" ab",
    "not text": b"\xff\xfe" * 32,
    "zeros": bytes(32),
    "huge": b"a" * 10**6,
}


@pytest.mark.parametrize("content", ODD_CONTENTS.values(), ids=ODD_CONTENTS)
def test_a_file_that_holds_no_key_is_said(resting: Gateway, tmp_path: pathlib.Path, content: bytes) -> None:
    file = tmp_path / "odd.key"
    file.write_bytes(content)
    file.chmod(0o600)
    for command in (("serve",), ("tenant", "list")):
        complaint = says_no(resting, *command, GATEWAY_ROOT_KEY_FILE=str(file))
        assert str(file) in complaint
        assert "64 hex digits" in complaint
    assert file.read_bytes() == content


def test_a_folder_is_no_key(resting: Gateway, tmp_path: pathlib.Path) -> None:
    folder = tmp_path / "folder.key"
    folder.mkdir(mode=0o700)
    assert str(folder) in says_no(resting, "tenant", "list", GATEWAY_ROOT_KEY_FILE=str(folder))


@pytest.mark.parametrize("value", ["short", "ab" * 33, "zz" * 32])
def test_a_malformed_key_in_the_environment_is_said(resting: Gateway, value: str) -> None:
    assert "GATEWAY_ROOT_KEY" in says_no(resting, "tenant", "list", GATEWAY_ROOT_KEY=value)


# Rotated


def code_digest(gateway: Gateway, tenant: Tenant) -> str:
    """What the audit says of a certain piece of code, run now."""
    gateway.start()
    execution_id = tenant.client.execute("print('always the same')")["id"]
    gateway.assert_settled(tenant, execution_id)
    gateway.stop()
    return gateway.audit(execution_id)[0]["record"]["code_digest"]


def test_everything_works_under_the_new_key(stopped: tuple[Gateway, Tenant]) -> None:
    """And what is recorded can be compared with what was: digests have a key of their own."""
    gateway, tenant = stopped
    old, digest = key_in(gateway), code_digest(gateway, tenant)
    said = gateway.command("root-key", "rotate")
    new = key_in(gateway)
    assert new != old
    assert old not in said and new not in said
    assert str(gateway.root_key_file) in said
    assert not successor_file(gateway).exists()
    assert_all_is_well(gateway, tenant)
    assert code_digest(gateway, tenant) == digest

    kept = gateway.folder / "kept.key"
    write_key(kept, old)
    assert "root key" in says_no(gateway, "tenant", "list", GATEWAY_ROOT_KEY_FILE=str(kept))
    assert gateway.run("tenant", "list", GATEWAY_ROOT_KEY=old).returncode != 0
    assert gateway.run("tenant", "list", GATEWAY_ROOT_KEY=new).returncode == 0


def test_the_rotation_is_audited(stopped: tuple[Gateway, Tenant]) -> None:
    gateway, _ = stopped
    gateway.command("root-key", "rotate")
    key_in(gateway)
    records = [record["record"] for record in gateway.json_command("audit", "search", "--limit", "1000")]
    assert (records[-1]["action"], records[-1]["actor"].split(":")[0]) == ("root_key.rotated", "local")


def test_what_was_sealed_is_not_left_under_the_old_key(stopped: tuple[Gateway, Tenant]) -> None:
    """Whoever got the old key must find nothing that it opens in the ledger's files, free pages and journal too."""
    gateway, _ = stopped
    key_in(gateway)
    sealed, opened = gateway.sealed_secrets()
    gateway.command("root-key", "rotate")
    key_in(gateway)
    stored = b"".join(path.read_bytes() for path in gateway.folder.glob("gateway.db*") if path.is_file())
    assert not [value for value in sealed if value in stored]
    sealed_anew, opened_again = gateway.sealed_secrets()
    assert opened_again == opened, "only the sealing is new"
    assert not set(sealed) & set(sealed_anew)


def test_rotation_waits_for_nobody_who_still_serves(new_gateway: NewGateway) -> None:
    gateway = new_gateway()
    tenant = gateway.tenant()
    before = key_in(gateway)
    files = sorted(path.name for path in gateway.folder.iterdir())
    assert "stop" in says_no(gateway, "root-key", "rotate").lower()
    assert key_in(gateway) == before
    assert sorted(path.name for path in gateway.folder.iterdir()) == files
    assert tenant.client.get("/v1/whoami").status == 200
    gateway.stop()
    assert_all_is_well(gateway, tenant)


def test_rotation_of_a_key_in_the_environment(stopped: tuple[Gateway, Tenant]) -> None:
    """The new one is given beside it; what is in the environment is the administrator's to change."""
    gateway, tenant = stopped
    old, new = key_in(gateway), another_key()
    gateway.secrets.add(new)
    done = gateway.run("root-key", "rotate", GATEWAY_ROOT_KEY=old, GATEWAY_NEW_ROOT_KEY=new)
    assert done.returncode == 0, done.stderr
    assert "GATEWAY_ROOT_KEY" in done.stdout
    assert new not in done.stdout + done.stderr
    assert key_in(gateway) == old, "a file that was not asked for"
    assert not successor_file(gateway).exists()
    gateway.settings["GATEWAY_ROOT_KEY"] = new
    assert_all_is_well(gateway, tenant)
    assert gateway.run("tenant", "list", GATEWAY_ROOT_KEY=old).returncode != 0


@pytest.mark.parametrize("new", [None, "", "short", "zz" * 32], ids=["none", "empty", "short", "not hex"])
def test_a_key_in_the_environment_needs_a_good_successor(stopped: tuple[Gateway, Tenant], new: str | None) -> None:
    gateway, _ = stopped
    given = {"GATEWAY_ROOT_KEY": key_in(gateway)} | ({} if new is None else {"GATEWAY_NEW_ROOT_KEY": new})
    complaint = says_no(gateway, "root-key", "rotate", **given)
    assert "GATEWAY_NEW_ROOT_KEY" in complaint
    assert "64 hex digits" in complaint
    assert gateway.run("tenant", "list").returncode == 0, "the old one still fits"


# Interrupted


@pytest.fixture
def rotated(stopped: tuple[Gateway, Tenant]) -> tuple[Gateway, Tenant, str, str]:
    """A gateway at rest that has been rotated once: the old key and the new one."""
    gateway, tenant = stopped
    old = key_in(gateway)
    gateway.command("root-key", "rotate")
    return gateway, tenant, old, key_in(gateway)


@pytest.mark.parametrize("command", [("tenant", "list"), ("root-key", "rotate"), ("serve",)], ids=" ".join)
def test_a_rotation_that_only_lacks_its_last_step_is_finished(
    rotated: tuple[Gateway, Tenant, str, str], command: tuple[str, ...]
) -> None:
    """The ledger is under the new key, which still lies beside the old one: whatever comes next puts it in place."""
    gateway, tenant, old, new = rotated
    write_key(gateway.root_key_file, old + "\n")
    write_key(successor_file(gateway), new + "\n")
    if command == ("serve",):
        gateway.start()
        gateway.stop()
    else:
        gateway.command(*command)
    if command == ("root-key", "rotate"):
        assert key_in(gateway) not in (old, new)
    else:
        assert key_in(gateway) == new
    assert not successor_file(gateway).exists()
    assert_all_is_well(gateway, tenant)


@pytest.mark.parametrize(
    "left",
    [another_key() + "\n", another_key()[:-7], "", "nonsense", "\x00" * 100],
    ids=["another key", "half a key", "empty", "nonsense", "zeros"],
)
def test_a_rotation_that_changed_nothing_yet_is_forgotten(stopped: tuple[Gateway, Tenant], left: str) -> None:
    """What lies beside the key does not fit, so the key itself is the right one; the next rotation is not hindered."""
    gateway, tenant = stopped
    before = key_in(gateway)
    write_key(successor_file(gateway), left)
    gateway.command("tenant", "list")
    assert key_in(gateway) == before
    assert_all_is_well(gateway, tenant)
    gateway.command("root-key", "rotate")
    assert key_in(gateway) != before
    assert not successor_file(gateway).exists()
    assert_all_is_well(gateway, tenant)


def test_a_successor_that_is_the_key_itself(stopped: tuple[Gateway, Tenant]) -> None:
    gateway, tenant = stopped
    shutil.copy(gateway.root_key_file, successor_file(gateway))
    before = key_in(gateway)
    gateway.command("tenant", "list")
    assert key_in(gateway) == before
    assert_all_is_well(gateway, tenant)


def test_a_key_that_is_rotated_between_its_reading_and_the_ledgers_opening(stopped: tuple[Gateway, Tenant]) -> None:
    """The command has read the old key when the rotation takes its place and lets go of the ledger."""
    gateway, tenant = stopped
    for words in (["tenant", "list"], ["root-key", "rotate"], ["tenant", "list"]):
        old, new_file = key_in(gateway), gateway.root_key_file.with_name("rotated.key")
        gateway.command("root-key", "rotate")
        gateway.root_key_file.rename(new_file)
        os.mkfifo(gateway.root_key_file, 0o600)
        with concurrent.futures.ThreadPoolExecutor(1) as pool:
            command = pool.submit(gateway.run, *words)
            with gateway.root_key_file.open("w") as reading:  # The command has come to read it.
                new_file.rename(gateway.root_key_file)
                reading.write(old)
            done = command.result()
        assert done.returncode == 0, done.stderr
        key_in(gateway)
    assert_all_is_well(gateway, tenant)


def test_a_wrong_key_is_still_told(stopped: tuple[Gateway, Tenant]) -> None:
    gateway, tenant = stopped
    right = key_in(gateway)
    write_key(gateway.root_key_file, another_key())
    for words in (["tenant", "list"], ["root-key", "rotate"]):
        done = gateway.run(*words)
        assert done.returncode == 1
        assert "does not open the ledger" in done.stderr
    write_key(gateway.root_key_file, right)
    assert_all_is_well(gateway, tenant)


def test_a_successor_without_a_ledger(stopped: tuple[Gateway, Tenant]) -> None:
    """Said in words; and `init` makes nothing beside a key that some ledger may need."""
    gateway, _ = stopped
    write_key(successor_file(gateway), another_key())
    gateway.ledger.rename(gateway.folder / "elsewhere.db")
    for words in (["tenant", "list"], ["root-key", "rotate"], ["serve"]):
        done = gateway.run(*words)
        assert done.returncode == 1
        assert f"There is no ledger at {gateway.ledger}" in done.stderr
        assert "missing(" not in done.stderr, "Swift's words are not for people"
    done = gateway.run("init")
    assert done.returncode == 1
    assert str(successor_file(gateway)) in done.stderr
    assert "missing(" not in done.stderr
    assert not gateway.ledger.exists() and successor_file(gateway).exists()
    successor_file(gateway).unlink()
    assert gateway.run("init").returncode == 0
    (gateway.folder / "elsewhere.db").rename(gateway.ledger)


@pytest.fixture
def full(new_gateway: NewGateway) -> tuple[Gateway, Tenant]:
    """A gateway at rest with so many keys that resealing takes a moment, and the last of them."""
    gateway = new_gateway()
    tenant = gateway.tenant()
    first = Client(gateway.admin_url, gateway.admin_token, gateway.contract)
    for _ in range(200):
        issued = first.call("POST", f"/admin/v1/tenants/{tenant.name}/keys").document
        gateway.secrets.add(issued["token"])
    gateway.stop()
    return gateway, Tenant(gateway, tenant.name, issued["key_id"], issued["token"])


def test_a_rotation_killed_at_any_point_loses_nothing(full: tuple[Gateway, Tenant]) -> None:
    """At seeded moments all over its run, until enough of them told something; after each the next command works."""
    gateway, tenant = full
    started = time.monotonic()
    gateway.command("root-key", "rotate")
    whole = time.monotonic() - started
    moments = random.Random(3)
    killed = 0
    keys = {key_in(gateway)}
    for attempt in range(120):
        if attempt >= 24 and killed > 8 and len(keys) > 1:
            break
        killed += killed_rotation(gateway, after=moments.uniform(0, 1.1) * whole)
        assert tenant.name in gateway.command("tenant", "list")
        keys.add(key_in(gateway))
    assert killed > 8, "else it shows little"
    assert len(keys) > 1, "some came far enough to count"

    rotations = [
        record
        for record in gateway.json_command("audit", "search", "--limit", "1000")
        if record["record"]["action"] == "root_key.rotated"
    ]
    assert len(rotations) == len(keys), "each that is in force is recorded, and no other"
    assert_all_is_well(gateway, tenant)


def test_only_the_ledgers_holder_finishes_a_rotation(rotated: tuple[Gateway, Tenant, str, str]) -> None:
    """Whoever holds it may be the rotation itself, about to do its last step, or another that has begun since."""
    gateway, tenant, old, new = rotated
    write_key(gateway.root_key_file, old + "\n")
    write_key(successor_file(gateway), new + "\n")
    with gateway.ledger.with_name("gateway.db.lock").open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert "Another process holds the ledger" in says_no(gateway, "tenant", "list")
        assert key_in(gateway) == old
        assert successor_file(gateway).read_text().strip() == new
    gateway.command("tenant", "list")
    assert key_in(gateway) == new
    assert_all_is_well(gateway, tenant)


def test_commands_beside_a_rotation_do_not_disturb_it(full: tuple[Gateway, Tenant]) -> None:
    """They may find the ledger in use, and so may it; but whoever gets it does its work, the key file included."""
    gateway, tenant = full
    is_over = threading.Event()

    def complaints(command: str, *arguments: str) -> list[str]:
        done = gateway.run(command, *arguments)
        return [] if done.returncode == 0 or "Another process holds the ledger" in done.stderr else [done.stderr]

    def list_again_and_again() -> list[str]:
        said: list[str] = []
        while not is_over.is_set():
            said += complaints("tenant", "list")
        return said

    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        others = [pool.submit(list_again_and_again) for _ in range(2)]
        said = [complaint for _ in range(40) for complaint in complaints("root-key", "rotate")]
        is_over.set()
        said += [complaint for other in others for complaint in other.result()]
    assert not said, said[:3]
    key_in(gateway)
    assert_all_is_well(gateway, tenant)


def killed_rotation(gateway: Gateway, after: float) -> bool:
    """Begins a rotation and kills it so many seconds later; whether it was still at it."""
    rotation = subprocess.Popen(
        [str(BINARY), "root-key", "rotate"],
        cwd=gateway.folder,
        env=environment(**gateway.settings),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    try:
        said, _ = rotation.communicate(timeout=after)
    except subprocess.TimeoutExpired:
        rotation.kill()
        said, _ = rotation.communicate()
    WITNESS.note(said)
    assert rotation.returncode in (0, -signal.SIGKILL), said
    return rotation.returncode != 0
