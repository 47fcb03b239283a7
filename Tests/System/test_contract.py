"""openapi.yaml itself: valid, with examples that match, and naming nothing that is not served."""

import pytest
from jsonschema import Draft202012Validator
from openapi_spec_validator import validate

from harness.contract import Contract
from harness.gateway import Gateway, Tenant
from harness.sandboxes import TEMPLATE, Door
from harness.service import ROOT

CONTRACT = Contract(ROOT / "openapi.yaml")


def test_it_is_valid_openapi() -> None:
    assert CONTRACT.document["openapi"].startswith("3.1")
    validate(CONTRACT.document)


def test_its_examples_match_its_schemas() -> None:
    assert CONTRACT.check_examples() >= 20


def test_it_has_no_extensions() -> None:
    def names(part: object) -> list[str]:
        if isinstance(part, dict):
            return list(map(str, part)) + [name for value in part.values() for name in names(value)]
        return [name for value in part for name in names(value)] if isinstance(part, list) else []

    assert not [name for name in names(CONTRACT.document) if name.startswith("x-")]


def test_operation_ids_are_unique() -> None:
    ids = [operation["operationId"] for _, _, operation in CONTRACT.operations()]
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize(("method", "path"), [(method, path) for method, path, _ in CONTRACT.callers_operations()])
def test_every_described_route_is_served(busy_tenant: Tenant, method: str, path: str) -> None:
    execution, sandbox = "exe_000000000000000000000000", "i00000000000000000000"
    concrete = path.replace("{id}", execution).replace("{type}", "not-found").replace("{sandboxID}", sandbox)
    reply = busy_tenant.client.call(method, concrete)
    if reply.status == 404:
        assert (sandbox if "{sandboxID}" in path else execution) in reply.problem("not-found")["detail"]
    else:
        assert reply.status != 405


def test_requests_it_forbids_are_refused(gateway: Gateway, busy_tenant: Tenant) -> None:
    """The schema of the request body and the gateway agree on what a request is."""
    validator = Draft202012Validator(CONTRACT.document["components"]["schemas"]["ExecutionRequest"])
    for body in (
        {},
        {"code": ""},
        {"code": "  "},
        {"code": 1},
        {"code": "print(1)"},
        {"code": "print(1)", "timeout_seconds": 0},
        {"code": "print(1)", "timeout_seconds": 0.5},
        {"code": "print(1)", "timeout_seconds": None},
        {"code": "print(1)", "context_data": None},
        {"code": "print(1)", "context_data": {}},
        {"code": "print(1)", "context_data": []},
        {"code": "print(1)", "context_data": 1},
        {"code": "print(1)", "language": None},
        {"code": "print(1)", "language": "r"},
        {"code": "print(1)", "env_vars": None},
        {"code": "print(1)", "env_vars": {"A": "1"}},
        {"code": "print(1)", "env_vars": {"1": "1"}},
        {"code": "print(1)", "template": None},
        {"code": "print(1)", "surprise": None},
    ):
        reply = busy_tenant.client.call("POST", "/v1/executions", json=body)
        assert (reply.status == 200) == validator.is_valid(body), body


def test_sandboxes_it_forbids_are_refused(gateway: Gateway) -> None:
    door = Door(gateway.tenant("--rate", "10000/s", "--burst", "10000"))
    validator = Draft202012Validator(CONTRACT.document["components"]["schemas"]["NewSandbox"])
    template = {"templateID": TEMPLATE}
    for body in (
        {},
        {"templateID": None},
        template | {"timeout": 0},
        template | {"timeout": 1.5},
        template | {"timeout": "60"},
        template | {"timeout": 86_401},
        template | {"timeout": None, "metadata": None, "envVars": None, "network": None, "autoPause": False},
        template | {"metadata": {"a": None}},
        template | {"envVars": {"a": 1}},
        template | {"network": []},
        template | {"network": {"denyOut": ["10.0.0.0/8"], "surprise": 1}, "surprise": None},
        template | {"autoPause": 1},
        template | {"allow_internet_access": None},
    ):
        reply = door.noted(door.client.call("POST", "/v2/sandboxes", json=body))
        assert (reply.status == 201) == validator.is_valid(body), body
        if reply.status == 201:
            assert door.kill(reply.document["sandboxID"]).status == 204
