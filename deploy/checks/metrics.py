"""The metrics that the gateway exports, and what a PromQL expression asks for."""

import pathlib
import re
from collections.abc import Iterator

# What Prometheus itself knows of each target, and of alerts.
PROMETHEUS = {"up", "scrape_duration_seconds", "ALERTS"}
# Labels that Prometheus adds.
ADDED = {"job", "instance"}

SELECTOR = re.compile(r"([A-Za-z_:][\w:]*)\s*\{([^}]*)\}")
MATCHER = re.compile(r'(\w+)\s*(=~|!~|!=|=)\s*"([^"]*)"')


def exported(root: pathlib.Path) -> dict[str, dict[str, set[str]]]:
    """Each metric with its labels, and the values of those whose values stand in the code."""
    metrics: dict[str, dict[str, set[str]]] = {}
    for path in sorted((root / "Sources/Gateway/Metrics").glob("*.swift")):
        for block in path.read_text().split("text.add(")[1:]:
            name = re.search(r'"(e2b_gateway_\w+)"', block)
            if not name:
                continue
            labels: dict[str, set[str]] = {}
            for label, value in re.findall(r'"(\w+)": ("\w+"|\$0)', block):
                labels.setdefault(label, set())
                if value != "$0":
                    labels[label].add(value.strip('"'))
            metrics[name.group(1)] = labels
    return metrics


def unknown(expression: str, metrics: dict[str, dict[str, set[str]]]) -> Iterator[str]:
    """What an expression asks for that nobody exports."""
    for name in sorted(set(re.findall(r"e2b_gateway_\w+", expression)) - metrics.keys()):
        yield f"{name} is exported by nobody"
    for name, matchers in SELECTOR.findall(expression):
        if name not in metrics:
            if name not in PROMETHEUS and not name.startswith("e2b_gateway_"):
                yield f"{name} is exported by nobody"
            continue
        for label, operator, value in MATCHER.findall(matchers):
            if label in ADDED:
                continue
            values = metrics[name].get(label)
            if values is None:
                yield f"{name} has no label {label}"
            elif values and operator in {"=", "!="} and value not in values:
                yield f'{name} is never {label}="{value}"'
