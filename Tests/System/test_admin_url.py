"""Which gateway the administering commands administer, as the settings say; never another one than was meant."""

import json

import pytest

from harness.gateway import Gateway

LEDGER_ELSEWHERE = {"GATEWAY_LEDGER": "sqlite:/nonexistent/gateway.db"}


def names(done) -> set[str]:
    assert done.returncode == 0, done.stderr
    return {tenant["name"] for tenant in json.loads(done.stdout)}


def test_with_a_token_the_listener_is_asked(gateway: Gateway) -> None:
    name = gateway.tenant().name
    settings = {"GATEWAY_ADMIN_URL": gateway.admin_url, "GATEWAY_ADMIN_TOKEN": gateway.admin_token}
    assert name in names(gateway.run("tenant", "list", "--output", "json", **settings, **LEDGER_ELSEWHERE))
    # One that leads to this machine says nothing about administration.
    settings["GATEWAY_URL"] = gateway.url
    assert name in names(gateway.run("tenant", "list", "--output", "json", **settings, **LEDGER_ELSEWHERE))


def test_on_this_machine_the_control_socket_is_asked(gateway: Gateway, resting: Gateway) -> None:
    """What worked with `GATEWAY_URL` set for `run` goes on working."""
    name = gateway.tenant().name
    for url in (gateway.url, "http://localhost:8080", "http://[::1]:8080"):
        assert name in names(gateway.run("tenant", "list", "--output", "json", GATEWAY_URL=url))
    assert resting.run("tenant", "list", GATEWAY_URL="http://127.0.0.1:8080").returncode == 0


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"GATEWAY_URL": "https://gateway.example.com"}, ["GATEWAY_URL", "GATEWAY_ADMIN_TOKEN", "GATEWAY_ADMIN_URL"]),
        ({"GATEWAY_ADMIN_URL": "http://127.0.0.1:8081"}, ["GATEWAY_ADMIN_URL", "GATEWAY_ADMIN_TOKEN"]),
    ],
)
def test_without_a_token_nothing_else_is_administered_instead(gateway: Gateway, settings: dict, said: list[str]) -> None:
    for command in (("tenant", "list"), ("tenant", "create", "astray"), ("upstream-key", "list"), ("usage",)):
        done = gateway.run(*command, **settings)
        assert done.returncode != 0
        assert all(name in done.stderr for name in said), done.stderr
        assert done.stdout == ""
    assert "astray" not in gateway.command("tenant", "list")


def test_a_listener_for_callers_is_said_to_be_one(gateway: Gateway) -> None:
    settings = {"GATEWAY_ADMIN_TOKEN": gateway.admin_token, "GATEWAY_ADMIN_URL": gateway.url}
    done = gateway.run("tenant", "list", **settings)
    assert done.returncode != 0
    assert "callers" in done.stderr and "GATEWAY_ADMIN_LISTEN" in done.stderr, done.stderr


def test_config_check_says_where(gateway: Gateway) -> None:
    def shown(**settings: str) -> str:
        rows = json.loads(gateway.run("config", "check", "--output", "json", **settings).stdout)
        return next(row["value"] for row in rows if row["setting"] == "GATEWAY_ADMIN_URL")

    assert shown() == shown(GATEWAY_URL="http://127.0.0.1:9000") == "http://127.0.0.1:8081"
    assert shown(GATEWAY_URL="https://gateway.example.com") == "https://gateway.example.com"
    assert shown(GATEWAY_URL="https://gateway.example.com", GATEWAY_ADMIN_URL="http://a:1") == "http://a:1"
