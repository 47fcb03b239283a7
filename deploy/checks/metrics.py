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
    """Each series by its name with its labels, and the values of those whose values stand in the code."""
    metrics: dict[str, dict[str, set[str]]] = {}
    for path in sorted((root / "Sources/Gateway/Metrics/Catalogue").glob("*.swift")):
        for block in re.split(r"= MetricDescription\(", path.read_text())[1:]:
            match = re.match(r'\s*"((?:e2b_gateway|process)_\w+)",\s*(\.\w+|times)', block)
            if not match:
                raise ValueError(f"{path.name}: no name and kind at the beginning of {block[:80]!r}")
            name, kind = match.groups()
            labels: dict[str, set[str]] = {}
            for label, values in re.findall(r'\.(?:of|open)\(\s*"(\w+)"((?:,\s*"\w+")*)', block):
                labels[label] = set(re.findall(r'"(\w+)"', values))
            if kind in ("times", ".histogram"):
                metrics[f"{name}_bucket"] = labels | {"le": set()}
                metrics[f"{name}_sum"] = metrics[f"{name}_count"] = labels
            else:
                metrics[name] = labels
    return metrics


def family(series: str, metrics: dict[str, dict[str, set[str]]]) -> str:
    """The metric that a series belongs to: of a histogram, three do."""
    base = re.sub("_(bucket|sum|count)$", "", series)
    return base if f"{base}_bucket" in metrics else series


def unknown(expression: str, metrics: dict[str, dict[str, set[str]]]) -> Iterator[str]:
    """What an expression asks for that nobody exports."""
    for name in sorted(set(re.findall(r"\b(?:e2b_gateway|process)_\w+", expression)) - metrics.keys()):
        yield f"{name} is exported by nobody"
    for name, matchers in SELECTOR.findall(expression):
        if name not in metrics:
            if name not in PROMETHEUS and not name.startswith(("e2b_gateway_", "process_")):
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
