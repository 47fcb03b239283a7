"""Alerts ask for metrics that exist, and each has a test and an entry in the runbook."""

import pathlib
import re
from collections.abc import Iterator

import metrics
import yaml


def anchors(page: str) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", page, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def faults(root: pathlib.Path) -> Iterator[str]:
    folder = root / "deploy/prometheus"
    entries = anchors((root / "docs/runbook.md").read_text())
    exported = metrics.exported(root)
    tests = yaml.safe_load((folder / "alerts_test.yml").read_text())["tests"]
    fired = {
        case["alertname"] for test in tests for case in test["alert_rule_test"] if case["exp_alerts"]
    }
    silent = {
        case["alertname"] for test in tests for case in test["alert_rule_test"] if not case["exp_alerts"]
    }
    for group in yaml.safe_load((folder / "alerts.yml").read_text())["groups"]:
        for rule in group["rules"]:
            name = rule["alert"]
            yield from (f"{name}: {fault}" for fault in metrics.unknown(rule["expr"], exported))
            url, _, anchor = rule["annotations"].get("runbook_url", "").partition("#")
            if not url.endswith("/runbook.md") or anchor not in entries:
                yield f"{name}: its runbook_url leads to no entry of docs/runbook.md"
            if name not in fired or name not in silent:
                yield f"{name}: alerts_test.yml does not show it both firing and silent"
