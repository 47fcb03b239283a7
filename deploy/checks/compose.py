"""compose.yaml by the Compose specification's schema, and by what it refers to."""

import importlib.resources
import json
import pathlib
import re
from collections.abc import Iterator

import jsonschema
import settings
import yaml

SECRET = re.compile(r"PASSWORD|SECRET|TOKEN|KEY")


def referred(service: dict, kind: str) -> set[str]:
    entries = service.get(kind, [])
    return {entry if isinstance(entry, str) else entry["source"] for entry in entries}


def seconds(duration: str) -> int:
    return int(re.fullmatch(r"(\d+)s", duration).group(1))


def faults(root: pathlib.Path) -> Iterator[str]:
    folder = root / "deploy/compose"
    compose = yaml.safe_load((folder / "compose.yaml").read_text())
    schema = importlib.resources.files("check_jsonschema") / "builtin_schemas/vendor/compose-spec.json"
    rules = json.loads(schema.read_text())
    validator = jsonschema.validators.validator_for(rules)(rules)
    malformed = [f"{error.json_path}: {error.message}" for error in validator.iter_errors(compose)]
    if malformed:
        yield from malformed
        return

    made = set(re.findall(r"^\s*secret ([\w-]+) ", (folder / "make-secrets").read_text(), re.MULTILINE))
    for name, secret in compose["secrets"].items():
        if secret["file"] != f"secrets/{name}" or name not in made:
            yield f"make-secrets does not make the secret {name}"
    for name in made - compose["secrets"].keys():
        yield f"make-secrets makes {name}, which no service gets"

    for name, service in compose["services"].items():
        yield from (f"{name}: {fault}" for fault in service_faults(root, folder, compose, service))

    proxy = compose["services"]["proxy"]["networks"]["front"]["ipv4_address"]
    if compose["x-gateway"]["environment"]["GATEWAY_TRUSTED_PROXIES"] != proxy:
        yield "the gateways do not trust the proxy alone"


def service_faults(root: pathlib.Path, folder: pathlib.Path, compose: dict, service: dict) -> Iterator[str]:
    tag = service["image"].rpartition(":")[2]
    if not re.search(r"\d", tag):
        yield f"the image {service['image']} is not pinned"
    if not service.get("read_only") or service.get("cap_drop") != ["ALL"]:
        yield "its root file system can be written to, or it keeps capabilities"
    for secret in referred(service, "secrets") - compose["secrets"].keys():
        yield f"there is no secret {secret}"
    for network in set(service["networks"]) - compose["networks"].keys():
        yield f"there is no network {network}"
    for volume in service.get("volumes", []):
        source = volume.split(":")[0]
        exists = (folder / source).exists() if source.startswith(".") else source in compose["volumes"]
        if not exists:
            yield f"there is no {source}"
    for other in service.get("depends_on", {}):
        if other not in compose["services"]:
            yield f"there is no service {other}"
    for variable, value in service.get("environment", {}).items():
        if SECRET.search(variable) and not variable.endswith("_FILE"):
            yield f"{variable} is a secret, which belongs into a file"
        if variable == "GATEWAY_LEDGER" and re.match(r"postgres://[^/@]*:[^/@]*@", value):
            yield "the address of the ledger holds a password"
    if service["image"].startswith("e2b-gateway:"):
        drain = int(service["environment"].get("GATEWAY_DRAIN_SECONDS", settings.drain_seconds(root)))
        notice = int(service["environment"].get("GATEWAY_DRAIN_NOTICE_SECONDS", settings.DRAIN_NOTICE_SECONDS))
        if seconds(service["stop_grace_period"]) <= notice + drain + settings.SHUTDOWN_MARGIN:
            yield "it is killed before it has drained"
