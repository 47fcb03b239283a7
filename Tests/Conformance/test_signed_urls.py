"""File URLs that anyone may use, without a token."""

import time
import urllib.parse

import httpx
import pytest

from sdk.program import Program


@pytest.fixture
def folder(sdk: Program, sandbox) -> str:
    return sdk.folder(sandbox)


@pytest.fixture
def anyone(sdk: Program) -> httpx.Client:
    """Somebody with nothing but the URL."""
    with httpx.Client(trust_env=False, verify=sdk.door.trust, timeout=20) as client:
        yield client


def changed(url: str, **query: str) -> str:
    parts = urllib.parse.urlsplit(url)
    return parts._replace(query=urllib.parse.urlencode(dict(urllib.parse.parse_qsl(parts.query)) | query)).geturl()


@pytest.mark.call("Sandbox.download_url")
def test_download(sandbox, folder: str, anyone: httpx.Client) -> None:
    path = f"{folder}/ä & b.txt"
    sandbox.files.write(path, "for anyone")
    for url in (sandbox.download_url(path), sandbox.download_url(path, use_signature_expiration=60)):
        reply = anyone.get(url)
        assert (reply.status_code, reply.text) == (200, "for anyone")
    part = anyone.get(sandbox.download_url(path), headers={"range": "bytes=4-"})
    assert (part.status_code, part.text) == (206, "anyone")


@pytest.mark.call("Sandbox.upload_url")
def test_upload(sandbox, folder: str, anyone: httpx.Client) -> None:
    path = f"{folder}/uploaded"
    for url in (sandbox.upload_url(path), sandbox.upload_url(path, use_signature_expiration=60)):
        reply = anyone.post(url, files={"file": ("name", b"by anyone")})
        assert reply.status_code == 200, reply.text
        assert reply.json()[0]["path"] == path
        assert sandbox.files.read(path) == "by anyone"
        sandbox.files.remove(path)


def test_for_a_user(sandbox, folder: str, anyone: httpx.Client) -> None:
    sandbox.files.write(f"{folder}/file", "mine")
    assert anyone.get(sandbox.download_url(f"{folder}/file", user="user")).text == "mine"


def test_a_url_of_the_past(sandbox, folder: str, anyone: httpx.Client) -> None:
    sandbox.files.write(f"{folder}/file", "x")
    reply = anyone.get(sandbox.download_url(f"{folder}/file", use_signature_expiration=-60))
    assert reply.status_code == 401
    assert reply.json()["message"] == "signature is already expired"


def test_a_url_is_for_what_was_signed(sandbox, folder: str, anyone: httpx.Client) -> None:
    sandbox.files.write(f"{folder}/file", "x")
    sandbox.files.write(f"{folder}/other", "y")
    read = sandbox.download_url(f"{folder}/file", use_signature_expiration=60)
    spoiled = [
        changed(read, path=f"{folder}/other"),
        changed(read, username="root"),
        changed(read, signature_expiration=str(int(time.time()) + 3600)),
        changed(read, signature="v1_" + "A" * 43),
        changed(read, signature=""),
        sandbox.upload_url(f"{folder}/file"),
    ]
    for url in spoiled:
        reply = anyone.get(url)
        assert reply.status_code in (401, 502), f"{url}: {reply.status_code}"
    assert anyone.post(read, files={"file": ("name", b"overwritten")}).status_code in (401, 502)
    assert sandbox.files.read(f"{folder}/file") == "x"


def test_a_url_ends_with_its_sandbox(sdk: Program, anyone: httpx.Client) -> None:
    sandbox = sdk.create()
    sandbox.files.write("/tmp/file", "x")
    url = sandbox.download_url("/tmp/file")
    assert anyone.get(url).status_code == 200
    sandbox.kill()
    assert anyone.get(url).status_code in (401, 502)
