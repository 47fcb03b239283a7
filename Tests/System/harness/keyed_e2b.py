"""A local E2B that knows its keys and their teams, and forgets them when it is told."""

import os
import pathlib
import secrets

from harness.gateway import UPSTREAM_KEY, LocalE2B

# One of each team that no gateway knows, by which a test sees what the team has.
_OBSERVERS = {team: "e2b_" + secrets.token_hex(20) for team in ("red", "blue")}


class KeyedE2B(LocalE2B):
    """The gateway's first key is of the team `red`."""

    def __init__(self, folder: pathlib.Path, *options: str):
        self._file = folder / "keys"
        self._teams = {key: team for team, key in _OBSERVERS.items()} | {UPSTREAM_KEY: "red"}
        self._write()
        super().__init__(folder, "--keys", str(self._file), *options)
        self._http.headers["x-api-key"] = _OBSERVERS["red"]

    def new_key(self, team: str = "red") -> str:
        key = "e2b_" + secrets.token_hex(20)
        self._teams[key] = team
        self._write()
        return key

    def revoke(self, key: str) -> None:
        del self._teams[key]
        self._write()

    def restore(self, key: str, team: str = "red") -> None:
        self._teams[key] = team
        self._write()

    def sandboxes_of_team(self, team: str) -> dict[str, dict]:
        response = self._http.get("/v2/sandboxes", headers={"x-api-key": _OBSERVERS[team]}).raise_for_status()
        return {sandbox["sandboxID"]: sandbox for sandbox in response.json()}

    def hold(self, team: str = "red") -> str:
        """A sandbox that is none of the gateway's, by its id."""
        order = {"templateID": "base", "timeout": 300}
        headers = {"x-api-key": _OBSERVERS[team]}
        return self._http.post("/v2/sandboxes", json=order, headers=headers).raise_for_status().json()["sandboxID"]

    def end(self, sandbox: str, team: str = "red") -> None:
        self._http.delete(f"/sandboxes/{sandbox}", headers={"x-api-key": _OBSERVERS[team]}).raise_for_status()

    def _write(self) -> None:
        written = self._file.with_suffix(".new")
        written.write_text("".join(f"{key} {team}\n" for key, team in self._teams.items()))
        os.replace(written, self._file)
