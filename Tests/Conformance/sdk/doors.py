"""The ways in: the variables a program sets, and nothing else."""

import contextlib
import dataclasses
import os
import pathlib
import ssl
from collections.abc import Iterator

# Whatever the tester's shell says about E2B or proxies must not reach the SDKs. They ask a proxy even for 127.0.0.1.
_OTHERS = [
    name for name in os.environ if name.startswith("E2B_") or name.upper() in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")
]

MODES = ("plain", "tls", "wildcard")


@dataclasses.dataclass(frozen=True)
class Door:
    """One way in to one server, for whoever holds the key."""

    mode: str
    # The server's own URL in that mode, for requests that no SDK makes.
    url: str
    variables: dict[str, str]
    key: str = dataclasses.field(repr=False)
    # Whom to trust beyond the machine's own authorities.
    authority: pathlib.Path | None = None

    @property
    def trust(self) -> ssl.SSLContext | bool:
        """The same for requests that no SDK makes."""
        return ssl.create_default_context(cafile=self.authority) if self.authority else True

    @contextlib.contextmanager
    def opened(self) -> Iterator[None]:
        """The environment says so while the block lasts; the SDKs read it with each call that needs it."""
        set_now = self.variables | {"E2B_API_KEY": self.key}
        os.environ.update(set_now)
        yield
        for name in set_now:
            del os.environ[name]


def by_url(mode: str, url: str, key: str, authority: pathlib.Path | None = None) -> Door:
    """Two variables, the key aside."""
    return Door(mode, url, {"E2B_API_URL": url, "E2B_SANDBOX_URL": url}, key, authority)


def by_domain(domain: str, key: str, authority: pathlib.Path) -> Door:
    """One variable, the key aside: `api.DOMAIN`, and a name for every port of every sandbox."""
    return Door("wildcard", f"https://api.{domain}", {"E2B_DOMAIN": domain}, key, authority)


def forget_the_shell() -> None:
    for name in _OTHERS:
        os.environ.pop(name, None)
