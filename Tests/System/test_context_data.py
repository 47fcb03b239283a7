"""Context data reaches the code byte for byte and changes nothing else."""

import hashlib
import json

import pytest

from harness.client import Reply
from harness.gateway import Tenant

SHOW = "import json\nprint(json.dumps(context_data))"
DIGEST = "import hashlib\nprint(type(context_data).__name__, hashlib.sha256(context_data.encode()).hexdigest())"


def post_raw(tenant: Tenant, body: str) -> Reply:
    """Sends the body's own text, where it matters how JSON is written."""
    return tenant.client.call(
        "POST", "/v1/executions", content=body.encode(), headers={"content-type": "application/json"}
    )


@pytest.mark.parametrize(
    "data",
    [
        "",
        "plain",
        "'single' \"double\" '''triple''' \"\"\"too\"\"\"",
        "\\ \\n \\u0041 \\x41 \\N{DIGIT ONE} %s {} {0}",
        "a\0b\x01\x1f\x7f",
        "\r\n\r\n\ttab\n",
        "\u2028\u2029\u0085\ufeff\ufffe\uffff",
        "😀👩\u200d👩\u200d👧e\u0301",
        "'''; raise SystemExit #",
        "${HOME} $(id) `id` %magic !shell ?help",
        "base64 = 'aGk='",
    ],
    ids=repr,
)
def test_a_string_arrives_as_it_is(busy_tenant: Tenant, data: str) -> None:
    document = busy_tenant.client.execute(SHOW, context_data=data)
    assert document["outcome"] == "completed", document
    assert json.loads(document["output"]) == data


# The body, too, has a limit (8 MiB), which what JSON must escape reaches first.
@pytest.mark.parametrize(
    ("unit", "mebibytes"),
    [("x", 5), ("é", 5), ("😀", 5), ("\\", 3), ("\0", 1)],
    ids=["x", "é", "emoji", "backslash", "NUL"],
)
def test_megabytes_arrive_whole(busy_tenant: Tenant, unit: str, mebibytes: int) -> None:
    data = unit * (mebibytes * 1024 * 1024 // len(unit.encode()))
    reply = post_raw(busy_tenant, json.dumps({"code": DIGEST, "context_data": data}, ensure_ascii=False))
    assert reply.status == 200, reply.body
    assert reply.document["output"] == f"str {hashlib.sha256(data.encode()).hexdigest()}\n", reply.document


def test_more_than_the_policy_allows_is_refused(busy_tenant: Tenant) -> None:
    problem = busy_tenant.client.post("print(1)", context_data="x" * (5 * 1024 * 1024 + 1)).problem("payload-too-large")
    assert "context_data" in problem["detail"]


@pytest.mark.parametrize(
    ("sent", "seen"),
    [
        ('{"b": [1, 2.50, 1e5, -0],\n "a": {"x": null}}', '{"b":[1,2.50,1e5,-0],"a":{"x":null}}'),
        ("[12345678901234567890123, 0.1]", "[12345678901234567890123,0.1]"),
        ('{"a": " b , c : d "}', '{"a":" b , c : d "}'),
        ('["\\u00e9", "\\"", "é"]', None),
        ("{}", "{}"),
        ("[ ]", "[]"),
    ],
)
def test_an_object_or_array_arrives_as_compact_json(busy_tenant: Tenant, sent: str, seen: str | None) -> None:
    body = f'{{"code": {json.dumps(SHOW)}, "context_data": {sent}}}'
    reply = post_raw(busy_tenant, body)
    assert reply.status == 200, reply.body
    arrived = json.loads(reply.document["output"])
    assert json.loads(arrived) == json.loads(sent)
    if seen is not None:
        assert arrived == seen


@pytest.mark.parametrize("escape", ["\\ud800", "\\udc00", "\\ud800x", "\\udc00\\ud800", "\\ud83d\\ud83d\\ude00"])
@pytest.mark.parametrize("place", ["context_data", "code", "env_vars", "nested"])
def test_a_lone_surrogate_is_refused_and_named(busy_tenant: Tenant, escape: str, place: str) -> None:
    code, data, variable = '"print(1)"', '"x"', '"x"'
    text = f'"#{escape}"'
    if place == "code":
        code = text
    elif place == "context_data":
        data = text
    elif place == "env_vars":
        variable = text
    else:
        data = f"[{text}]"
    body = f'{{"code": {code}, "context_data": {data}, "env_vars": {{"A": {variable}}}}}'
    reply = post_raw(busy_tenant, body)
    assert "surrogate" in reply.problem("invalid-request")["detail"]


def test_a_surrogate_pair_is_one_character(busy_tenant: Tenant) -> None:
    body = f'{{"code": {json.dumps(SHOW)}, "context_data": "\\ud83d\\ude00"}}'
    reply = post_raw(busy_tenant, body)
    assert json.loads(reply.document["output"]) == "😀"


def test_without_it_there_is_no_such_variable(busy_tenant: Tenant) -> None:
    for fields in ({}, {"context_data": None}):
        assert busy_tenant.client.execute("print('context_data' in globals())", **fields)["output"] == "False\n"


def test_it_leaves_no_other_trace(busy_tenant: Tenant) -> None:
    """The same names, history, line numbers and prompt number with it as without."""
    code = (
        "import json as _json\n"
        "print(_json.dumps(sorted(name for name in globals() if name != '_json')))\n"
        "print(_json.dumps([get_ipython().execution_count, len(In), len(Out)]))\n"
        "raise ValueError('here')"
    )
    without = busy_tenant.client.execute(code)
    with_data = busy_tenant.client.execute(code, context_data="x" * 1000, env_vars={"A": "1"})
    names, counts = map(json.loads, without["output"].splitlines())
    names_with, counts_with = map(json.loads, with_data["output"].splitlines())
    assert sorted(set(names_with) - set(names)) == ["context_data"]
    assert counts_with == counts
    assert with_data["error"] == without["error"]
    assert "line 4" in with_data["error"]
    assert "In[1]" in with_data["error"]
