"""Writes the README's tables of what the official SDKs can do, from what the last runs of Tests/Conformance saw.

usage: python scripts/compatibility.py [--check]

With --check it changes nothing and fails if the README says anything else.
"""

import json
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[1]
README = ROOT / "README.md"
RESULTS = [ROOT / f".cache/conformance/{generation}.json" for generation in ("current", "previous")]
BEGIN, END = "<!-- compatibility: by scripts/compatibility.py -->", "<!-- end of compatibility -->"

WORKS, MISSING = "works", "not in this SDK"
# What a call belongs to, by how its name begins; in the table's order.
GROUPS = {
    "sandboxes": r"(Sandbox|sandbox|e2b)\b",
    "code": r"(run_code|Result|\w+_code_contexts?)\b",
    "commands": r"(commands|CommandHandle)\b",
    "terminals": r"pty\b",
    "files": r"(files|WatchHandle)\b",
}


def title(results: dict) -> str:
    return ", ".join(f"{name} {version}" for name, version in results["versions"].items())


def cells(results: dict) -> dict[str, str]:
    """By call: what comes of it, and by which ways in it does not."""
    told = {}
    for name, call in results["calls"].items():
        failed = [way for way in results["ways"] if not call["passed"].get(way)]
        answer = (
            call["answer"] if call["answer"] == WORKS else ", ".join(f"`{one}`" for one in call["answer"].split(", "))
        )
        told[name] = answer if not failed else "fails: " + ", ".join(failed)
    return told


def tables(all_results: list[dict]) -> str:
    columns = {title(results): cells(results) for results in all_results}
    calls = dict.fromkeys(name for column in columns.values() for name in column)
    rows: dict[tuple, list[str]] = {}
    refusals: list[str] = []
    for call in calls:
        answers = tuple(column.get(call, MISSING) for column in columns.values())
        if call[0].isdigit():
            refusals.append(_row(call, *answers))
        else:
            rows.setdefault((_group(call), answers), []).append(call)
    heads = [" | ".join(columns), "|".join(["---"] * (len(columns) + 1))]
    works = [
        _row(", ".join(f"`{call}`" for call in sorted(named)), *answers)
        for (_, answers), named in sorted(
            rows.items(), key=lambda row: (row[0][0], row[0][1] != (WORKS,) * len(columns), row)
        )
    ]
    return "\n".join(
        [
            f"| call | {heads[0]} |",
            f"|{heads[1]}|",
            *works,
            "",
            f"| refusal | {heads[0]} |",
            f"|{heads[1]}|",
            *sorted(refusals),
        ]
    )


def _row(*parts: str) -> str:
    return f"| {' | '.join(parts)} |"


def _group(call: str) -> int:
    for position, pattern in enumerate(GROUPS.values()):
        if re.match(pattern, call):
            return position
    raise ValueError(f"{call!r} belongs to no group of scripts/compatibility.py")


def told_by_readme(version: str) -> dict[str, str]:
    """By call: what the README says of it in that SDK's column."""
    told = {}
    column = 0
    for line in _between(README.read_text())[1].splitlines():
        parts = [part.strip() for part in line.strip().strip("|").split(" | ")]
        if parts[0] in ("call", "refusal"):
            column = parts.index(version)
        elif column and len(parts) > column:
            for call in re.findall(r"`([^`]+)`", parts[0]) or [parts[0]]:
                told[call] = parts[column]
    return {call: answer for call, answer in told.items() if answer != MISSING}


def _between(text: str) -> tuple[str, str, str]:
    before, begin, rest = text.partition(BEGIN)
    table, end, after = rest.partition(END)
    if not (begin and end):
        raise SystemExit(f"README.md lacks {BEGIN} or {END}")
    return before, table, after


def main() -> int:
    missing = [str(path) for path in RESULTS if not path.exists()]
    if missing:
        print(f"compatibility: {', '.join(missing)} missing: run make conformance", file=sys.stderr)
        return 1
    before, table, after = _between(README.read_text())
    expected = "\n" + tables([json.loads(path.read_text()) for path in RESULTS]) + "\n"
    if table == expected:
        return 0
    if "--check" in sys.argv[1:]:
        print("compatibility: README.md says something else: run scripts/compatibility.py", file=sys.stderr)
        return 1
    README.write_text(before + BEGIN + expected + END + after)
    return 0


if __name__ == "__main__":
    sys.exit(main())
