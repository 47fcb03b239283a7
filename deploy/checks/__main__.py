"""Checks what can be checked of deploy/ without a container engine; deploy/check runs it beside the programs' own checkers.

usage: python deploy/checks [ROOT]
"""

import pathlib
import sys

import alerts
import compose
import dashboard
import dockerfile
import kubernetes
import settings


def main() -> int:
    root = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else ".").resolve()
    faults = [
        f"{name}: {fault}"
        for name, check in [
            ("alerts", alerts.faults),
            ("compose", compose.faults),
            ("dashboard", dashboard.faults),
            ("dockerfile", dockerfile.faults),
            ("kubernetes", kubernetes.faults),
            ("settings", settings.faults),
        ]
        for fault in check(root)
    ]
    for fault in faults:
        print(fault, file=sys.stderr)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
