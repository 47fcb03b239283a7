"""The dashboard is JSON that Grafana takes, and asks for metrics that exist."""

import json
import pathlib
import subprocess
import tempfile
from collections.abc import Iterator

import metrics
import yaml


def faults(root: pathlib.Path) -> Iterator[str]:
    exported = metrics.exported(root)
    asked = set()
    folder = root / "deploy/grafana"
    datasources = yaml.safe_load((folder / "provisioning/datasources/prometheus.yml").read_text())["datasources"]
    if [source["type"] for source in datasources] != ["prometheus"]:
        yield "one Prometheus is to be provisioned"
    for path in sorted((folder / "dashboards").glob("*.json")):
        dashboard = json.loads(path.read_text())
        panels = dashboard["panels"]
        if len({panel["id"] for panel in panels}) != len(panels):
            yield f"{path.name}: two panels have one id"
        covered = set()
        for panel in panels:
            place = panel["gridPos"]
            cells = {
                (x, y)
                for x in range(place["x"], place["x"] + place["w"])
                for y in range(place["y"], place["y"] + place["h"])
            }
            if covered & cells or place["x"] + place["w"] > 24:
                yield f"{path.name}: {panel['title']} lies over another panel, or beside the grid"
            covered |= cells
            if not panel["targets"]:
                yield f"{path.name}: {panel['title']} shows nothing"
            for target in panel["targets"]:
                asked |= {metrics.family(name, exported) for name in exported if name in target["expr"]}
                for fault in metrics.unknown(target["expr"], exported):
                    yield f"{path.name}: {panel['title']}: {fault}"
        yield from (f"{path.name}: {fault}" for fault in malformed(panels))
    for name in sorted({metrics.family(name, exported) for name in exported} - asked):
        yield f"{name} is on no dashboard"


def malformed(panels: list[dict]) -> Iterator[str]:
    """What promtool says of the queries, given to it as rules."""
    queries = [target["expr"] for panel in panels for target in panel["targets"]]
    rules = [
        {"record": f"query:{number}", "expr": query.replace("$__rate_interval", "5m").replace("$instance", ".*")}
        for number, query in enumerate(queries)
    ]
    with tempfile.NamedTemporaryFile("w", suffix=".yml") as file:
        yaml.safe_dump({"groups": [{"name": "queries", "rules": rules}]}, file)
        file.flush()
        tool = subprocess.run(["promtool", "check", "rules", file.name], capture_output=True, text=True, check=False)
    if tool.returncode:
        yield f"PromQL: {tool.stderr}"
