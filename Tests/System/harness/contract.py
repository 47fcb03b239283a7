"""Holds replies against openapi.yaml."""

import json
import pathlib
import re

import httpx
import yaml
from jsonschema import Draft202012Validator
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

_URN = "urn:e2b-gateway:openapi"


class Contract:
    """openapi.yaml, read stricter than its callers have to: what it does not name must not be there."""

    def __init__(self, path: pathlib.Path):
        self.document = yaml.safe_load(path.read_text())
        closed = _closed(self.document)
        resource = Resource.from_contents(closed, default_specification=DRAFT202012)
        self._registry = Registry().with_resource(_URN, resource)
        # Every (operation id, status) and every problem type that a reply was seen with.
        self.seen: set[tuple[str, int]] = set()
        self.seen_problems: set[str] = set()

    def operations(self) -> list[tuple[str, str, dict]]:
        """Method, path and description of every operation."""
        methods = {"get", "post", "put", "patch", "delete"}
        return [
            (method.upper(), path, operation)
            for path, item in self.document["paths"].items()
            for method, operation in item.items()
            if method in methods
        ]

    def callers_operations(self) -> list[tuple[str, str, dict]]:
        """Those of the callers' listener: what is served elsewhere names its servers."""
        return [each for each in self.operations() if "servers" not in self.document["paths"][each[1]]]

    def problem_types(self) -> list[str]:
        return [path.removeprefix("/problems/") for path in self._schema("ProblemType")["enum"]]

    def check(self, method: str, path: str, response: httpx.Response, body: bytes) -> None:
        """Fails unless the reply is one that the contract names for this call."""
        kind = response.headers.get("content-type", "").split(";")[0]
        operation = self._operation(method, path)
        if operation is None:
            # What E2B has and the gateway does not offer is refused before anybody looks for a route.
            assert response.status_code in (401, 403, 404, 405), f"{method} {path}: status {response.status_code}"
            assert kind == "application/problem+json", f"{method} {path}: {kind}"
            self._check_problem(response, body)
            return

        name, status = operation["operationId"], response.status_code
        assert status != 500, f"{name} found a fault in the gateway: {body[:500]!r}"
        assert str(status) in operation["responses"], f"{name} may not answer {status}: {body[:500]!r}"
        described = self._resolved(operation["responses"][str(status)])
        for header, rules in described.get("headers", {}).items():
            self._check_header(name, status, header, self._resolved(rules), response)
        self.seen.add((name, status))
        if "content" not in described:
            assert not body, f"{name} {status} has a body: {body[:500]!r}"
            return
        assert kind in described["content"], f"{name} {status} may not be {kind!r}"
        if kind == "application/problem+json":
            self._check_problem(response, body)
        elif kind == "application/json":
            self._validate(_ascii_json(body), described["content"][kind]["schema"])

    def check_event(self, event: dict) -> None:
        """Fails unless this is one of the events a stream may hold."""
        mapping = self._schema("ExecutionEvent")["discriminator"]["mapping"]
        assert event.get("type") in mapping, f"unknown event {event}"
        self._validate(event, {"$ref": mapping[event["type"]]})
        if event["type"] == "failed":
            self.seen_problems.add(event["problem"]["type"].removeprefix("/problems/"))

    def check_notification(self, document: dict) -> None:
        """Fails unless this is what the webhook may be sent."""
        self._validate(document, {"$ref": "#/components/schemas/Notification"})

    def check_examples(self) -> int:
        """Fails unless every example in the document matches its schema; returns how many there are."""
        count = 0
        pending: list[object] = [self.document]
        while pending:
            part = pending.pop()
            if isinstance(part, dict):
                if "schema" in part and "examples" in part:
                    for example in part["examples"].values():
                        self._validate(example["value"], part["schema"])
                        count += 1
                pending.extend(part.values())
            elif isinstance(part, list):
                pending.extend(part)
        return count

    def _operation(self, method: str, path: str) -> dict | None:
        path = path.split("?")[0]
        fitting = [
            template
            for template in self.document["paths"]
            if re.fullmatch(re.sub(r"\{[^}]*\}", "[^/]+", template), path)
        ]
        # A path without parameters goes before one that has them.
        return self.document["paths"][min(fitting, key=lambda template: template.count("{"))].get(method.lower()) if fitting else None

    def _check_problem(self, response: httpx.Response, body: bytes) -> None:
        problem = _ascii_json(body)
        self._validate(problem, {"$ref": "#/components/schemas/Problem"})
        assert problem["status"] == problem["code"] == response.status_code
        assert problem["message"] == problem.get("detail", problem["title"])
        assert problem["request_id"] == response.headers["x-request-id"]
        waits = problem.get("retry_after_ms")
        if waits is None:
            assert "retry-after" not in response.headers
        else:
            assert response.headers["retry-after"] == str(max(1, -(-waits // 1000)))
        self.seen_problems.add(problem["type"].removeprefix("/problems/"))

    def _check_header(self, name: str, status: int, header: str, rules: dict, response: httpx.Response) -> None:
        value = response.headers.get(header)
        if value is None:
            assert not rules.get("required"), f"{name} {status} lacks the header {header}"
        elif self._resolved(rules["schema"]).get("type") == "integer":
            self._validate(int(value), rules["schema"])
        else:
            self._validate(value, rules["schema"])

    def _validate(self, value: object, schema: dict) -> None:
        anchored = json.loads(json.dumps(_closed(schema)).replace('"#/', f'"{_URN}#/'))
        validator = Draft202012Validator(
            anchored, registry=self._registry, format_checker=Draft202012Validator.FORMAT_CHECKER
        )
        faults = [f"{fault.json_path}: {fault.message[:500]}" for fault in validator.iter_errors(value)]
        assert not faults, "against openapi.yaml: " + "; ".join(faults)

    def _schema(self, name: str) -> dict:
        return self.document["components"]["schemas"][name]

    def _resolved(self, part: dict) -> dict:
        while "$ref" in part:
            target: dict = self.document
            for step in part["$ref"].removeprefix("#/").split("/"):
                target = target[step]
            part = target
        return part


def _ascii_json(body: bytes) -> dict:
    assert body.isascii(), f"not ASCII: {body[:500]!r}"
    return json.loads(body)


def _closed(part: object) -> object:
    """The same schema, in which an object has no other members than those it names."""
    if isinstance(part, list):
        return [_closed(element) for element in part]
    if not isinstance(part, dict):
        return part
    closed = {name: value if name in ("if", "then", "else") else _closed(value) for name, value in part.items()}
    if isinstance(part.get("properties"), dict) and part.get("type") == "object":
        closed.setdefault("additionalProperties", False)
    return closed
