"""The Dockerfile, as far as it can be judged without building it."""

import fnmatch
import pathlib
import re
import shlex
import subprocess
from collections.abc import Iterator


def instructions(text: str) -> Iterator[tuple[str, str]]:
    lines = [line for line in text.splitlines() if not line.lstrip().startswith("#")]
    for line in re.sub(r"\\\n", " ", "\n".join(lines)).splitlines():
        if line.strip():
            name, _, rest = line.strip().partition(" ")
            yield name.upper(), rest.strip()


def is_sent(path: str, ignore: str) -> bool:
    """Whether .dockerignore lets the engine have it; the last rule that fits decides."""
    sent = True
    for rule in ignore.splitlines():
        if rule and not rule.startswith("#") and fnmatch.fnmatch(path, rule.lstrip("!")):
            sent = rule.startswith("!")
    return sent


def copied(root: pathlib.Path, rest: str, stages: set[str], ignore: str) -> Iterator[str]:
    words = shlex.split(rest)
    options = [word for word in words if word.startswith("--")]
    sources = [word for word in words if not word.startswith("--")][:-1]
    origin = next((option.partition("=")[2] for option in options if option.startswith("--from=")), None)
    if origin is not None:
        if origin not in stages:
            yield f"COPY --from={origin}: there is no such stage"
        return
    for source in sources:
        # `Package.resolve[d]` may be missing; anything else may not.
        if not list(root.glob(source)) and "[" not in source:
            yield f"COPY {source}: there is no such file"
        if not is_sent(source.replace("[d]", "d"), ignore):
            yield f"COPY {source}: .dockerignore keeps it from the engine"


def faults(root: pathlib.Path) -> Iterator[str]:
    text = (root / "deploy/docker/Dockerfile").read_text()
    ignore = (root / ".dockerignore").read_text()
    stages: set[str] = set()
    user = health = None
    for name, rest in instructions(text):
        if name == "FROM":
            image, *stage = re.split(r"\s+AS\s+", rest, flags=re.IGNORECASE)
            if image not in stages and (":" not in image or image.endswith(":latest")):
                yield f"FROM {image} is not pinned"
            stages.update(stage)
            user = health = None
        elif name == "ADD":
            yield "ADD is not used: it unpacks and downloads"
        elif name == "COPY":
            yield from copied(root, rest, stages, ignore)
        elif name == "USER":
            user = rest
        elif name == "HEALTHCHECK":
            health = rest
        elif name == "RUN":
            shell = subprocess.run(
                ["shellcheck", "--shell=sh", "-"], input=rest, capture_output=True, text=True, check=False
            )
            if shell.returncode:
                yield f"RUN: {shell.stdout}"
    if user is None or not re.fullmatch(r"[1-9]\d*:[1-9]\d*", user):
        yield f"the image runs as {user}; Kubernetes believes numbers only, and 0 is root"
    if health is None:
        yield "the image has no HEALTHCHECK"
