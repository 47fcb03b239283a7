"""Files and folders."""

import io
import os

import e2b
import pytest

from sdk.program import Program

TEXT = "naïve ☃ 漢字\nsecond line\n"
BYTES = bytes(range(256)) * 4


@pytest.fixture
def folder(sdk: Program, sandbox) -> str:
    return sdk.folder(sandbox)


@pytest.mark.call("files.write")
@pytest.mark.call("files.read")
def test_text(sandbox, folder: str) -> None:
    written = sandbox.files.write(f"{folder}/new folder/ä?&%.txt", TEXT)
    assert written.path == f"{folder}/new folder/ä?&%.txt"
    assert (written.name, written.type) == ("ä?&%.txt", e2b.FileType.FILE)
    assert sandbox.files.read(written.path) == TEXT
    sandbox.files.write(written.path, "shorter")
    assert sandbox.files.read(written.path) == "shorter"


@pytest.mark.call("files.write")
@pytest.mark.call("files.read(format='bytes')")
def test_bytes(sandbox, folder: str) -> None:
    sandbox.files.write(f"{folder}/bytes", BYTES)
    assert sandbox.files.read(f"{folder}/bytes", format="bytes") == BYTES
    sandbox.files.write(f"{folder}/none", b"")
    assert sandbox.files.read(f"{folder}/none", format="bytes") == b""


@pytest.mark.call("files.read(format='stream')")
def test_a_stream_read(sandbox, folder: str) -> None:
    content = os.urandom(2_000_000)
    sandbox.files.write(f"{folder}/large", content)
    chunks = list(sandbox.files.read(f"{folder}/large", format="stream"))
    assert b"".join(chunks) == content
    assert len(chunks) > 1


@pytest.mark.call("files.write(a file object)")
def test_a_stream_written(sandbox, folder: str) -> None:
    content = os.urandom(2_000_000)
    sandbox.files.write(f"{folder}/large", io.BytesIO(content))
    assert sandbox.files.read(f"{folder}/large", format="bytes") == content


@pytest.mark.call("files.write(an iterable)", since="2.63")
def test_what_is_made_as_it_is_sent(sdk: Program, sandbox, folder: str) -> None:
    sandbox.files.write(f"{folder}/made", sdk.style.chunks([b"one ", b"", b"two ", BYTES]))
    assert sandbox.files.read(f"{folder}/made", format="bytes") == b"one two " + BYTES


@pytest.mark.call("files.write(gzip=True)")
@pytest.mark.call("files.read(gzip=True)")
def test_compressed(sandbox, folder: str) -> None:
    sandbox.files.write(f"{folder}/text", TEXT * 1000, gzip=True)
    assert sandbox.files.read(f"{folder}/text") == TEXT * 1000
    assert sandbox.files.read(f"{folder}/text", gzip=True) == TEXT * 1000


@pytest.mark.call("files.write(use_octet_stream=True)")
def test_the_body_as_it_is(sandbox, folder: str) -> None:
    sandbox.files.write(f"{folder}/raw", BYTES, use_octet_stream=True)
    assert sandbox.files.read(f"{folder}/raw", format="bytes") == BYTES


@pytest.mark.call("files.write(metadata=…)")
def test_metadata(sandbox, folder: str) -> None:
    sandbox.files.write(f"{folder}/labelled", "x", metadata={"origin": "a test"})
    assert sandbox.files.get_info(f"{folder}/labelled").metadata == {"origin": "a test"}


@pytest.mark.call("files.write_files")
def test_several_at_once(sandbox, folder: str) -> None:
    written = sandbox.files.write_files(
        [{"path": f"{folder}/a", "data": "A"}, {"path": f"{folder}/deep/er/b", "data": b"B"}]
    )
    assert [one.path for one in written] == [f"{folder}/a", f"{folder}/deep/er/b"]
    assert sandbox.files.read(f"{folder}/a") == "A"
    assert sandbox.files.read(f"{folder}/deep/er/b") == "B"


@pytest.mark.call("files.list")
def test_list(sandbox, folder: str) -> None:
    sandbox.files.write_files([{"path": f"{folder}/a", "data": "A"}, {"path": f"{folder}/deep/er/b", "data": "B"}])
    assert {entry.name: entry.type for entry in sandbox.files.list(folder)} == {
        "a": e2b.FileType.FILE,
        "deep": e2b.FileType.DIR,
    }
    assert {entry.path for entry in sandbox.files.list(folder, depth=3)} == {
        f"{folder}/{name}" for name in ("a", "deep", "deep/er", "deep/er/b")
    }
    with pytest.raises(e2b.NotFoundException):
        sandbox.files.list(f"{folder}/nowhere")


@pytest.mark.call("files.exists")
def test_exists(sandbox, folder: str) -> None:
    assert sandbox.files.exists(folder) is True
    assert sandbox.files.exists(f"{folder}/nowhere") is False


@pytest.mark.call("files.get_info")
def test_get_info(sandbox, folder: str) -> None:
    sandbox.files.write(f"{folder}/file", "12345")
    sandbox.commands.run(f"chmod 640 {folder}/file; ln -s {folder}/file {folder}/link")
    info = sandbox.files.get_info(f"{folder}/file")
    assert (info.name, info.path, info.type, info.size) == ("file", f"{folder}/file", e2b.FileType.FILE, 5)
    assert (info.mode & 0o777, info.permissions, info.owner, info.group) == (0o640, "-rw-r-----", "user", "user")
    assert info.modified_time.tzinfo is not None
    assert sandbox.files.get_info(f"{folder}/link").symlink_target == f"{folder}/file"
    with pytest.raises(e2b.NotFoundException):
        sandbox.files.get_info(f"{folder}/nowhere")


@pytest.mark.call("files.make_dir")
def test_make_dir(sandbox, folder: str) -> None:
    assert sandbox.files.make_dir(f"{folder}/one/two") is True
    assert sandbox.files.make_dir(f"{folder}/one/two") is False
    assert sandbox.files.get_info(f"{folder}/one/two").type is e2b.FileType.DIR


@pytest.mark.call("files.rename")
def test_rename(sandbox, folder: str) -> None:
    sandbox.files.write(f"{folder}/old", "moved")
    assert sandbox.files.rename(f"{folder}/old", f"{folder}/new").path == f"{folder}/new"
    assert sandbox.files.read(f"{folder}/new") == "moved"
    assert sandbox.files.exists(f"{folder}/old") is False
    with pytest.raises(e2b.NotFoundException):
        sandbox.files.rename(f"{folder}/old", f"{folder}/newer")


@pytest.mark.call("files.remove")
def test_remove(sandbox, folder: str) -> None:
    sandbox.files.write(f"{folder}/full/of/files", "x")
    sandbox.files.remove(f"{folder}/full")
    assert sandbox.files.exists(f"{folder}/full") is False


@pytest.mark.call("files.read")
def test_a_file_that_there_is_not(sandbox, folder: str) -> None:
    for form in ("text", "bytes", "stream"):
        with pytest.raises(e2b.FileNotFoundException):
            sandbox.files.read(f"{folder}/nowhere", format=form)


def test_a_folder_is_no_file(sandbox, folder: str) -> None:
    with pytest.raises(e2b.InvalidArgumentException):
        sandbox.files.read(folder)
    with pytest.raises(e2b.SandboxException):
        sandbox.files.write(folder, "x")


def test_a_relative_path_is_in_the_home_folder(sandbox, folder: str) -> None:
    name = folder.removeprefix("/home/user/")
    sandbox.files.write(f"{name}/relative", "here")
    assert sandbox.files.read(f"{folder}/relative") == "here"


def test_files_are_those_that_the_code_sees(sandbox, folder: str) -> None:
    sandbox.files.write(f"{folder}/data.csv", "a,b\n1,2\n")
    assert sandbox.run_code(f"import pandas; int(pandas.read_csv('{folder}/data.csv').b[0])").text == "2"
    sandbox.run_code(f"open('{folder}/out.txt', 'w').write('from code')")
    assert sandbox.files.read(f"{folder}/out.txt") == "from code"
    assert sandbox.commands.run(f"cat {folder}/out.txt").stdout == "from code"
