"""Folders that are watched."""

import e2b
import pytest

from harness.waiting import eventually
from sdk.program import Program
from sdk.styles import Watch

EventType = e2b.FilesystemEventType


@pytest.fixture
def folder(sdk: Program, sandbox) -> str:
    return sdk.folder(sandbox)


def saw(watch: Watch, kind: EventType, name: str) -> object:
    def found() -> object | None:
        return next((event for event in watch.events if (event.type, event.name) == (kind, name)), None)

    return eventually(found, within=20, what=f"{kind} of {name}")


@pytest.mark.call("files.watch_dir")
def test_what_happens_in_a_folder(sdk: Program, sandbox, folder: str) -> None:
    watch = sdk.style.watch(sandbox.files, folder)
    sandbox.files.write(f"{folder}/file", "x")
    saw(watch, EventType.CREATE, "file")
    saw(watch, EventType.WRITE, "file")
    sandbox.commands.run(f"chmod 600 {folder}/file")
    saw(watch, EventType.CHMOD, "file")
    sandbox.files.rename(f"{folder}/file", f"{folder}/other")
    saw(watch, EventType.RENAME, "file")
    sandbox.files.remove(f"{folder}/other")
    saw(watch, EventType.REMOVE, "other")
    watch.stop()


@pytest.mark.call("files.watch_dir(recursive=True)")
def test_folders_within(sdk: Program, sandbox, folder: str) -> None:
    sandbox.files.make_dir(f"{folder}/deep/er")
    watch = sdk.style.watch(sandbox.files, folder, recursive=True)
    sandbox.files.write(f"{folder}/deep/er/file", "x")
    saw(watch, EventType.WRITE, "deep/er/file")
    watch.stop()


@pytest.mark.call("files.watch_dir(include_entry=True)")
def test_with_what_it_is_about(sdk: Program, sandbox, folder: str) -> None:
    watch = sdk.style.watch(sandbox.files, folder, include_entry=True)
    sandbox.files.write(f"{folder}/file", "12345")
    entry = saw(watch, EventType.CREATE, "file").entry
    assert entry.path == f"{folder}/file"
    watch.stop()


@pytest.mark.call("WatchHandle.stop")
def test_nothing_comes_after_the_end(sdk: Program, sandbox, folder: str) -> None:
    watch = sdk.style.watch(sandbox.files, folder)
    sandbox.files.write(f"{folder}/before", "x")
    saw(watch, EventType.CREATE, "before")
    watch.stop()
    if sdk.style.name == "sync":
        with pytest.raises(e2b.SandboxException):
            watch.events
    else:
        sandbox.files.write(f"{folder}/after", "x")
        assert sandbox.files.exists(f"{folder}/after")
        assert not any(event.name == "after" for event in watch.events)


def test_a_folder_that_there_is_not(sdk: Program, sandbox, folder: str) -> None:
    with pytest.raises(e2b.NotFoundException):
        sdk.style.watch(sandbox.files, f"{folder}/nowhere").stop()


def test_a_file_is_no_folder(sdk: Program, sandbox, folder: str) -> None:
    sandbox.files.write(f"{folder}/file", "x")
    with pytest.raises(e2b.InvalidArgumentException):
        sdk.style.watch(sandbox.files, f"{folder}/file").stop()
