"""Settings: where they come from, and what a wrong one does."""

import json
import pathlib

import pytest

from harness.contract import Contract
from harness.gateway import Gateway, Tenant


def test_config_check_says_what_the_upstream_key_is_for(gateway: Gateway) -> None:
    def shown(**settings: str) -> str:
        rows = json.loads(gateway.run("config", "check", "--output", "json", **settings).stdout)
        return {row["setting"]: row["value"] for row in rows}["E2B_API_KEY"]

    assert shown() == "set, for a ledger without upstream keys"
    assert shown(E2B_API_KEY="") == "not set; the ledger's upstream keys are used"


def test_config_check_lists_where_settings_come_from(gateway: Gateway) -> None:
    rows = {row["setting"]: row["source"] for row in gateway.json_command("config", "check")}
    assert rows["GATEWAY_LOG_LEVEL"] == "default"
    assert rows["E2B_API_KEY"] != "default"


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"GATEWAY_LISTEN": "everywhere"}, "GATEWAY_LISTEN"),
        ({"GATEWAY_LEDGER": "mysql://x"}, "GATEWAY_LEDGER"),
        ({"GATEWAY_ROOT_KEY": "short"}, "GATEWAY_ROOT_KEY"),
        ({"GATEWAY_DRAIN_SECONDS": "soon"}, "GATEWAY_DRAIN_SECONDS"),
        ({"GATEWAY_RETENTION_DAYS": "30"}, "GATEWAY_RETENTION_DAYS"),
        ({"GATEWAY_WEBHOOK_URL": "http://hooks.example.com/"}, "GATEWAY_WEBHOOK_URL"),
        ({"GATEWAY_WEBHOOK_URL": "https://hooks.example.com/"}, "GATEWAY_WEBHOOK_SECRET"),
        ({"GATEWAY_WEBHOOK_SECRET": "whsec_" + "A" * 32}, "GATEWAY_WEBHOOK_URL"),
        ({"GATEWAY_AUDIT_SYSLOG": "udp://127.0.0.1:514"}, "GATEWAY_AUDIT_SYSLOG"),
        ({"GATEWAY_AUDIT_COLLECTOR_URL": "http://logs.example.com/"}, "GATEWAY_AUDIT_COLLECTOR_URL"),
        ({"GATEWAY_AUDIT_COLLECTOR_TOKEN": "hush"}, "GATEWAY_AUDIT_COLLECTOR_URL"),
        ({"GATEWAY_AUDIT_FILES": "many"}, "GATEWAY_AUDIT_FILES"),
        ({"GATEWAY_POOL_MAXIMUM": "-1"}, "GATEWAY_POOL_MAXIMUM"),
        ({"GATEWAY_POOL_MINIMUM": "many"}, "GATEWAY_POOL_MINIMUM"),
        ({"GATEWAY_POOL_MINIMUM": "3", "GATEWAY_POOL_MAXIMUM": "2"}, "GATEWAY_POOL_MINIMUM"),
        ({"GATEWAY_METRICS_TENANTS": "-1"}, "GATEWAY_METRICS_TENANTS"),
        ({"GATEWAY_TRACE_SAMPLING": "1.5"}, "GATEWAY_TRACE_SAMPLING"),
        ({"E2B_API_KEY": "e2b_hush hush"}, "E2B_API_KEY"),
        ({"GATEWAY_LISTENN": "127.0.0.1:1"}, "GATEWAY_LISTENN"),
    ],
    ids=lambda value: str(value),
)
def test_a_setting_that_is_wrong_stops_the_start(gateway: Gateway, settings: dict[str, str], named: str) -> None:
    for arguments in (("config", "check"), ("serve",)):
        done = gateway.run(*arguments, **settings)
        assert done.returncode != 0
        assert named in done.stderr, done.stderr
        assert "hush" not in done.stderr
        assert "short" not in done.stderr or named != "GATEWAY_ROOT_KEY", "a secret is not repeated"


def test_a_token_where_the_e2b_key_belongs_is_recognised(gateway: Gateway, tenant: Tenant) -> None:
    done = gateway.run("serve", E2B_API_KEY=tenant.token)
    assert done.returncode != 0
    assert "E2B_API_KEY" in done.stderr
    assert "GATEWAY_TOKEN" in done.stderr
    assert tenant.token not in done.stderr


def test_serve_without_an_upstream_key_says_so(tmp_path: pathlib.Path, contract: Contract) -> None:
    done = Gateway(tmp_path, contract, "http://127.0.0.1:1").initialise().run("serve", E2B_API_KEY="")
    assert done.returncode != 0
    assert "E2B_API_KEY" in done.stderr
    assert "upstream-key add" in done.stderr


def test_settings_in_files(gateway: Gateway, tmp_path) -> None:
    good = tmp_path / "gateway.yaml"
    good.write_text("drain_seconds: 7\n")
    assert "gateway.yaml" in gateway.command("config", "check", "--config", str(good))
    bad = tmp_path / "bad.yaml"
    bad.write_text("listen: 127.0.0.1:1\ndrain_seconds: soon\n")
    done = gateway.run("config", "check", "--config", str(bad))
    assert done.returncode != 0
    assert "bad.yaml, line 2" in done.stderr
    assert "drain_seconds" in done.stderr.lower()
