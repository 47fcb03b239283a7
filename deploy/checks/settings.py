"""Every GATEWAY_… name in deploy/ is a setting that exists: an unknown one stops the start."""

import pathlib
import re
from collections.abc import Iterator

# What GatewayService gives the last settlements and sandboxes, and what GATEWAY_DRAIN_NOTICE_SECONDS is with PostgreSQL.
SHUTDOWN_MARGIN = 30
DRAIN_NOTICE_SECONDS = 5
NAME = re.compile(r"(?<![A-Z0-9_])GATEWAY_[A-Z0-9_]*[A-Z0-9]")


def known(root: pathlib.Path) -> set[str]:
    source = (root / "Sources/Gateway/Settings/SettingName.swift").read_text()
    return set(re.findall(r'case \w+ = "(\w+)"', source))


def drain_seconds(root: pathlib.Path) -> int:
    source = (root / "Sources/Gateway/Settings/Settings.swift").read_text()
    return int(re.search(r"var drain: Duration = \.seconds\((\d+)\)", source).group(1))


def faults(root: pathlib.Path) -> Iterator[str]:
    names = known(root)
    for path in sorted((root / "deploy").rglob("*")):
        if not path.is_file() or path.suffix in {".py", ".pyc"} or "secrets" in path.parts:
            continue
        for name in sorted(set(NAME.findall(path.read_text())) - names):
            yield f"{path.relative_to(root)} names {name}, which is no setting"
