"""Takes the pictures of the console: a gateway with a day behind it, and somebody looking at it.

`make screenshots` has them put into docs/images, by CONSOLE_PICTURES; else they are taken to see that they can be.
"""

import contextlib
import io
import json
import math
import os
import pathlib
import random
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator

import pytest
from PIL import Image

from conftest import NewGateway
from harness.browser import Browser, browsing
from harness.gateway import Gateway
from harness.tokens import for_subject
from harness.waiting import eventually

TENANTS = {
    "chat-backend": ("--rate", "50/s", "--burst", "100", "--executions", "8", "--runtime", "7200s/day"),
    "data-science": ("--runtime", "20s/hour", "--runtime", "600s/day"),
    "notebooks": ("--runtime", "90s/day", "--executions", "3"),
    "nightly-reports": ("--runtime", "30s/day",),
    "evaluation": ("--shadow",),
}
SLEEP = "import time\ntime.sleep({})"


def a_day_of_history(gateway: Gateway) -> None:
    """Written beside the gateway, which does not run: nobody waits a day for a picture."""
    ledger = sqlite3.connect(gateway.ledger)
    dice, now = random.Random(7), int(time.time()) // 60 * 60
    for minute in range(24 * 60):
        at = now - 60 * (minute + 1)
        load = max(0.0, 30 + 24 * math.sin((at - 8 * 3600) / 86400 * math.tau) + dice.gauss(0, 6))  # busiest at 14 o'clock
        calls, slow = int(load), int(load / 12)
        executions = {"completed": calls, "failed": int(load / 9), "timed_out": int(dice.random() * 2.2)}
        step = {
            "calls": executions, "executions": executions,
            "latency": [[100_000, 250_000, max(1, calls)], [500_000, 1_000_000, slow + 1], [1_000_000, 2_500_000, 1]],
            "runtime_ms": int(load * 420), "pool_hits": int(load * 0.8), "pool_misses": int(load * 0.12),
            "refusals": {"rate-limited": int(dice.random() * 6)} if dice.random() < 0.3 else {},
            "gauges": {
                name: {"last": level, "most": level}
                for name, level in (("held", int(load / 6)), ("waiting", int(dice.random() * 1.4)), ("spare", 3), ("limit", 20))
            },
        }
        ledger.execute("INSERT INTO history_minute VALUES (?, 0, ?, 0)", (at * 10**9, json.dumps(step)))
    ledger.commit()
    ledger.close()
    gateway.was_tampered_with = True


@pytest.fixture(scope="module")
def gateway(session_gateway: NewGateway) -> Iterator[Gateway]:
    gateway = session_gateway(GATEWAY_POOL_MAXIMUM="3", GATEWAY_UPSTREAM_SANDBOXES="20")
    gateway.stop()
    a_day_of_history(gateway)
    gateway.start()
    yield gateway
    # Its pool keeps sandboxes.
    gateway.stop()


@pytest.fixture(scope="module")
def keys(gateway: Gateway) -> dict[str, dict]:
    """A key of each tenant, used a little."""
    keys = {}
    for name, quota in TENANTS.items():
        gateway.command("tenant", "create", name)
        gateway.command("quota", "set", name, *quota)
        keys[name] = gateway.json_command("key", "issue", name)
        gateway.secrets.add(keys[name]["token"])
    for round_ in range(8):
        for name in ("chat-backend", "data-science", "notebooks", "nightly-reports"):
            caller = gateway.client(noted(gateway, for_subject(keys[name]["token"], f"user-{round_ % 3 + 1}")))
            caller.post(SLEEP.format(0.2 * round_) if name != "nightly-reports" else "print(1)")
    gateway.client(noted(gateway, for_subject(keys["notebooks"]["token"], "user-2"))).post("print(1)", template="gpu-large")
    return keys


@pytest.fixture(scope="module")
def window(gateway: Gateway, keys: dict[str, dict]) -> Iterator[Browser]:
    with browsing() as browser, busy(gateway, keys):
        browser.forget()
        browser.open(gateway.admin_url)
        browser.sign_in(gateway.admin_token)
        yield browser


@contextlib.contextmanager
def busy(gateway: Gateway, keys: dict[str, dict]) -> Iterator[None]:
    """Some run while the pictures are taken."""
    clients = [
        gateway.client(noted(gateway, for_subject(keys[name]["token"], subject)))
        for name, subject in (("chat-backend", "user-42"), ("chat-backend", "user-7"), ("notebooks", "user-1"))
    ]
    started: list[str] = []
    leave = threading.Event()

    def run(client: object) -> None:
        with contextlib.suppress(Exception), client.stream(SLEEP.format(28)) as stream:
            started.append(next(iter(stream))["id"])
            leave.wait(60)

    threads = [threading.Thread(target=run, args=(client,)) for client in clients]
    for thread in threads:
        thread.start()
    eventually(lambda: len(started) == len(threads), within=20, what="they run")
    yield
    leave.set()
    for thread in threads:
        thread.join()


def noted(gateway: Gateway, token: str) -> str:
    gateway.secrets.add(token)
    return token


Take = Callable[[str], None]


@pytest.fixture(scope="module")
def take(window: Browser, tmp_path_factory: pytest.TempPathFactory) -> Take:
    folder = pathlib.Path(os.environ.get("CONSOLE_PICTURES") or tmp_path_factory.mktemp("pictures"))
    folder.mkdir(exist_ok=True)

    def take(name: str) -> None:
        """With few colours, which these pages have, and so small."""
        picture = Image.open(io.BytesIO(window.picture())).convert("RGB")
        file = folder / f"console-{name}.png"
        picture.quantize(96, dither=Image.Dither.NONE).save(file, optimize=True)
        assert file.stat().st_size < 150_000

    return take


def test_what_runs(window: Browser, take: Take) -> None:
    """First, while it runs."""
    window.go("/sandboxes")
    window.see("user-42", "Updated")
    window.look(1280, "light", 620)
    take("live")
    window.look(360, "dark", 760)
    take("live-narrow")


@pytest.mark.parametrize(
    ("name", "place", "seen", "height"),
    [
        ("overview", "/?range=24h", "Warm pool", 900),
        ("tenants", "/tenants", "nightly-reports", 620),
        ("use", "/tenants/notebooks", "Longest execution", 760),
        ("keys", "/tenants/chat-backend/keys", "active", 460),
        ("settings", "/settings", "GATEWAY_TRUSTED_PROXIES", 620),
        ("audit", "/audit", "execution.finished", 760),
    ],
)
def test_places(window: Browser, take: Take, name: str, place: str, seen: str, height: int) -> None:
    window.look(1280, "light", height)
    window.go(place)
    window.see(seen)
    if name == "audit":
        window.press("Verify the chain")
        window.see("the chain holds")
    take(name)


def test_upstream_keys(window: Browser, take: Take, gateway: Gateway) -> None:
    window.look(1280, "light", 420)
    window.go("/upstream")
    window.press("Add a key …")
    window.write("Key", gateway.note_upstream_key("e2b_" + "0a1b2c3d" * 5))
    window.press("Add")
    window.element("//td[@data-label='Role'][contains(., 'standby')]")
    window.press("×")
    take("upstream")


def test_limits_with_their_preview(window: Browser, take: Take) -> None:
    window.look(1280, "light", 780)
    window.go("/tenants/notebooks/limits")
    window.write("A day", "2")
    window.see("would have been refused")
    take("limits")


def test_a_rotation(window: Browser, take: Take, gateway: Gateway, keys: dict[str, dict]) -> None:
    key = keys["chat-backend"]["key_id"]
    issued = gateway.json_command("key", "rotate", key, "--overlap", "24h")
    gateway.client(noted(gateway, issued["token"])).get("/v1/whoami")
    window.look(1280, "dark", 760)
    window.go(f"/tenants/chat-backend/keys/{key}/rotation")
    window.see("The old key is still in use")
    take("rotation")
