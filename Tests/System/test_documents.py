"""Executions answered with one document."""

import base64
import http.client
import json
from urllib.parse import urlsplit

import pytest

from harness.client import Client
from harness.gateway import Gateway, LocalE2B, Tenant
from harness.tokens import for_subject


def test_hello(gateway: Gateway, tenant: Tenant, local_e2b: LocalE2B) -> None:
    reply = tenant.client.post('print("hello")')
    assert reply.status == 200
    assert reply.headers["content-type"].split(";")[0] == "application/json"
    document = reply.document
    assert reply.headers["execution-id"] == document["id"]
    assert document["outcome"] == "completed"
    assert document["output"] == "hello\n"
    assert document["results"] == []
    assert "error" not in document
    assert "exception" not in document
    assert document["granted_timeout_ms"] == 30_000
    assert document["truncated"] is False

    record = gateway.assert_settled(tenant, document["id"])
    assert record["outcome"] == "completed"
    assert record["runtime_ms"] == document["runtime_ms"]
    assert record["key_id"] == tenant.key_id
    assert record["template"] == "code-interpreter-v1"
    [day] = tenant.client.usage()["runtime"]
    assert (day["window"], day["used_ms"]) == ("day", document["runtime_ms"])
    local_e2b.assert_gone(document["id"])


def test_one_connection_carries_many_calls(gateway: Gateway, busy_tenant: Tenant) -> None:
    """The watch for callers who leave must not cost the connection."""
    address = urlsplit(gateway.url)
    connection = http.client.HTTPConnection(address.hostname, address.port, timeout=60)
    connection.connect()
    local_port = connection.sock.getsockname()[1]
    headers = {"authorization": f"Bearer {busy_tenant.token}", "content-type": "application/json"}
    for turn in range(3):
        connection.request("POST", "/v1/executions", json.dumps({"code": f"print({turn})"}), headers)
        response = connection.getresponse()
        assert json.loads(response.read())["output"] == f"{turn}\n"
        assert connection.sock.getsockname()[1] == local_port
    connection.close()


def test_last_expression_is_the_main_result(busy_tenant: Tenant) -> None:
    [result] = busy_tenant.client.execute("6 * 7")["results"]
    assert result["text"] == "42"
    assert result["is_main_result"] is True


def test_dict_comes_as_json(busy_tenant: Tenant) -> None:
    [result] = busy_tenant.client.execute('{"a": [1, None, "x"]}')["results"]
    assert result["json"] == {"a": [1, None, "x"]}


def test_data_frame_comes_as_html_and_text(busy_tenant: Tenant) -> None:
    [result] = busy_tenant.client.execute("import pandas\npandas.DataFrame({'a': [1, 2]})")["results"]
    assert "<table" in result["html"]
    assert "a" in result["text"]


def test_chart_comes_as_png_and_as_its_data(busy_tenant: Tenant) -> None:
    code = "import matplotlib.pyplot as plt\nplt.plot([1, 2, 3], [2, 4, 8])\nplt.title('growth')\nplt.show()"
    [result] = busy_tenant.client.execute(code)["results"]
    assert base64.b64decode(result["png"]).startswith(b"\x89PNG\r\n\x1a\n")
    assert result["chart"]["type"] == "line"
    assert result["chart"]["title"] == "growth"


def test_stderr_is_an_error_of_a_completed_execution(busy_tenant: Tenant) -> None:
    document = busy_tenant.client.execute("import sys\nprint('out')\nprint('careful', file=sys.stderr)")
    assert document["outcome"] == "completed"
    assert document["output"] == "out\n"
    assert document["error"] == "careful\n"
    assert "exception" not in document


def test_failing_code_is_a_successful_call(gateway: Gateway, tenant: Tenant) -> None:
    document = tenant.client.execute("print('before')\nvalue = 0\n1 / value")
    assert document["outcome"] == "failed"
    assert document["output"] == "before\n"
    exception = document["exception"]
    assert (exception["name"], exception["value"]) == ("ZeroDivisionError", "division by zero")
    assert "line 3" in document["error"], "the caller's own line numbers"
    assert "ZeroDivisionError: division by zero" in document["error"]
    assert "\x1b" not in document["error"], "no colour codes"
    record = gateway.assert_settled(tenant, document["id"])
    assert record["outcome"] == "failed"


def test_error_is_stderr_then_traceback(busy_tenant: Tenant) -> None:
    error = busy_tenant.client.execute("import sys\nsys.stderr.write('first\\n')\nraise KeyError('then')")["error"]
    assert error.startswith("first\n")
    assert error.index("first") < error.index("KeyError")


def test_syntax_error(busy_tenant: Tenant) -> None:
    document = busy_tenant.client.execute("print(1)\ndef broken(:\n")
    assert document["outcome"] == "failed"
    assert document["exception"]["name"] == "SyntaxError"


def test_top_level_await(busy_tenant: Tenant) -> None:
    assert busy_tenant.client.execute("import asyncio\nawait asyncio.sleep(0)\nprint('ok')")["output"] == "ok\n"


def test_input_fails_instead_of_waiting(busy_tenant: Tenant) -> None:
    assert busy_tenant.client.execute("input('?')", timeout_seconds=10)["outcome"] == "failed"


def test_every_execution_has_a_fresh_sandbox(busy_tenant: Tenant) -> None:
    leave = "kept = 1\nopen('/home/user/kept', 'w').close()\nopen('/tmp/kept', 'w').close()"
    look = "import os\nprint('kept' in globals(), os.path.exists('/home/user/kept'), os.path.exists('/tmp/kept'))"
    assert busy_tenant.client.execute(leave)["outcome"] == "completed"
    assert busy_tenant.client.execute(look)["output"] == "False False False\n"


def test_no_network(gateway: Gateway, busy_tenant: Tenant) -> None:
    port = gateway.url.rsplit(":", 1)[1]
    code = f"import socket\nsocket.create_connection(('127.0.0.1', {port}), timeout=3)"
    document = busy_tenant.client.execute(code)
    assert document["outcome"] == "failed", "the gateway itself must be out of reach"
    assert document["exception"]["name"] in ("OSError", "ConnectionRefusedError", "TimeoutError", "PermissionError")


def test_environment_variables(busy_tenant: Tenant) -> None:
    values = {"PLAIN": "a", "QUOTES": "it's \"me\" \\ $HOME `id`\n", "EMPTY": "", "_2": "\u00e9\U0001f600"}
    code = "import json, os\nprint(json.dumps({name: os.environ.get(name) for name in json.loads(context_data)}))"
    output = busy_tenant.client.execute(code, env_vars=values, context_data=list(values))["output"]
    assert json.loads(output) == values


def test_subprocesses_see_environment_variables(busy_tenant: Tenant) -> None:
    output = busy_tenant.client.execute("!echo $GREETING", env_vars={"GREETING": "good day"})["output"]
    assert output == "good day\r\n", "IPython gives commands a terminal"


def test_output_is_sent_with_ascii_escapes(busy_tenant: Tenant) -> None:
    reply = busy_tenant.client.post("print('é\u2028😀')")
    assert reply.body.isascii()
    assert reply.document["output"] == "é\u2028😀\n"


def test_nul_and_invalid_utf8_in_the_output(gateway: Gateway, tenant: Tenant) -> None:
    code = "import os\nprint('a\\0b', flush=True)\nos.write(1, b'\\xff\\xfe\\x80 end\\n')"
    document = tenant.client.execute(code)
    assert document["outcome"] == "completed"
    assert document["output"].startswith("a\0b\n")
    assert document["output"].endswith(" end\n")
    assert "\ufffd" in document["output"]
    gateway.assert_settled(tenant, document["id"])


@pytest.mark.parametrize("fields", [{"language": "python"}, {"template": "code-interpreter-v1"}, {"env_vars": {}}])
def test_defaults_may_be_said(busy_tenant: Tenant, fields: dict) -> None:
    assert busy_tenant.client.execute("print(1)", **fields)["output"] == "1\n"


def test_either_credential_header(busy_tenant: Tenant) -> None:
    bare = busy_tenant.client.with_token(None)
    for headers in (
        {"x-api-key": busy_tenant.token},
        {"authorization": f"bearer {busy_tenant.token}"},
    ):
        assert bare.post("print(1)", headers=headers).status == 200, headers.keys()


def test_the_subject_of_a_token_is_in_record_and_audit(gateway: Gateway, tenant: Tenant) -> None:
    client: Client = tenant.client.with_token(for_subject(tenant.token, "user-42"))
    assert client.get("/v1/whoami").document["subject"] == "user-42"
    document = client.execute("print(1)")
    assert client.execution(document["id"])["subject"] == "user-42"
    assert all(record["record"]["subject"] == "user-42" for record in gateway.audit(document["id"]))
