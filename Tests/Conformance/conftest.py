"""One local E2B and one gateway for the whole run, and the SDKs in front of them by every way in."""

import os
import pathlib
import socket
from collections.abc import Callable, Iterator

import pytest

from harness.certificates import Certificates
from harness.contract import Contract
from harness.gateway import UPSTREAM_KEY, Gateway, LocalE2B, Tenant
from harness.service import BINARY, ROOT
from sdk.doors import MODES, Door, by_domain, by_url, forget_the_shell
from sdk.generations import IS_CURRENT, VERSIONS, has
from sdk.program import Program
from sdk.results import WAYS, Call, Results, calls_of
from sdk.styles import STYLES

_RESULTS = pytest.StashKey[Results]()
COLLECTED = pytest.StashKey[list[Call]]()
# So much that no test meets it unawares.
AMPLE = ("--rate", "10000/s", "--burst", "10000", "--sandboxes", "40", "--executions", "40", "--runtime", "86400s/day")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--target",
        choices=["gateway", "direct"],
        default="gateway",
        help="what the SDKs talk to: the gateway, or the local E2B itself",
    )
    parser.addoption("--mode", choices=MODES, action="append", help="only by this way in; repeatable")


def pytest_configure(config: pytest.Config) -> None:
    if not BINARY.exists():
        raise pytest.UsageError(f"{BINARY} is missing: run `make build`, or set GATEWAY_BINARY")
    forget_the_shell()
    config.stash[_RESULTS] = Results()


def pytest_report_header() -> str:
    return ", ".join(f"{name} {version}" for name, version in VERSIONS.items())


# Which tests run, and how often


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "sdk" not in metafunc.fixturenames:
        return
    by_every_way = any(metafunc.definition.iter_markers("call"))
    is_direct = metafunc.config.getoption("--target") == "direct"
    modes = ["plain"] if is_direct else metafunc.config.getoption("--mode") or MODES
    ways = [way for way in WAYS if way.split("/")[0] in modes and (by_every_way or way.startswith("plain/"))]
    metafunc.parametrize("sdk", ways, indirect=True, scope="session")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """What is not about one call is asked of the newest SDK only."""
    config.stash[COLLECTED] = [call for item in items for call in calls_of(item) if has(call.since)]

    def runs(item: pytest.Item) -> bool:
        calls = calls_of(item)
        if any(not has(call.since) for call in calls):
            return False
        if item.get_closest_marker("gateway") and config.getoption("--target") == "direct":
            return False
        return bool(calls) or IS_CURRENT

    dropped = [item for item in items if not runs(item)]
    config.hook.pytest_deselected(items=dropped)
    items[:] = [item for item in items if runs(item)]


# What is written down


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo) -> Iterator[None]:
    report = yield
    if report.when == "call" or report.failed:
        for one in calls_of(item):
            item.config.stash[_RESULTS].note(one, item.callspec.params["sdk"], report.passed)
    return report


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Only a whole run says what works."""
    option = session.config.option
    is_whole = not option.keyword and not option.markexpr and not option.mode and option.target == "gateway"
    if is_whole and session.config.args_source is not pytest.Config.ArgsSource.ARGS and not option.collectonly:
        session.config.stash[_RESULTS].write(ROOT / ".cache/conformance")


# Servers


@pytest.fixture(scope="session")
def contract() -> Contract:
    return Contract(ROOT / "openapi.yaml")


@pytest.fixture(scope="session")
def local_e2b(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalE2B]:
    e2b = LocalE2B(tmp_path_factory.mktemp("local-e2b"), "--warm", "3", "--maximum", "100")
    yield e2b
    e2b.service.stop()


NewGateway = Callable[..., Gateway]


@pytest.fixture(scope="session")
def new_gateway(
    tmp_path_factory: pytest.TempPathFactory, contract: Contract, local_e2b: LocalE2B
) -> Iterator[NewGateway]:
    """Makes gateways that live until the run ends; by default in front of the local E2B."""
    gateways: list[Gateway] = []

    def make(upstream: str = local_e2b.url, **settings: str) -> Gateway:
        folder: pathlib.Path = tmp_path_factory.mktemp("gateway")
        gateways.append(Gateway(folder, contract, upstream, **settings))
        return gateways[-1].initialise().start()

    yield make
    for gateway in gateways:
        gateway.stop()


@pytest.fixture(scope="session")
def gateway(new_gateway: NewGateway) -> Gateway:
    return new_gateway()


@pytest.fixture(scope="session")
def tenant(gateway: Gateway) -> Tenant:
    """Whoever needs no tenant of its own."""
    return gateway.tenant(*AMPLE)


@pytest.fixture(scope="session", autouse=True)
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    """Trusted by this process from its start on: the SDKs look once."""
    certificates = Certificates(tmp_path_factory.mktemp("certificates"))
    os.environ["SSL_CERT_FILE"] = str(certificates.authority)
    return certificates


@pytest.fixture(scope="session")
def tls_tenant(new_gateway: NewGateway, certificates: Certificates) -> Tenant:
    """The same at a gateway with a certificate and a domain, whose names lead to this machine."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    # The domain is handed out as it stands here, with the port.
    here = {"GATEWAY_LISTEN": f"127.0.0.1:{port}", "GATEWAY_DOMAIN": f"{certificates.domain}:{port}"}
    return new_gateway(**(certificates.settings | here)).tenant(*AMPLE)


# The SDKs


@pytest.fixture(scope="session")
def entrance(request: pytest.FixtureRequest) -> Callable[[str], tuple[Door, Tenant | None]]:
    """The way in of a mode, and whose key opens it. What it needs is started when it is first asked for."""
    is_direct = request.config.getoption("--target") == "direct"

    def entrance(mode: str) -> tuple[Door, Tenant | None]:
        if is_direct:
            return by_url("plain", request.getfixturevalue("local_e2b").url, UPSTREAM_KEY), None
        if mode == "plain":
            tenant: Tenant = request.getfixturevalue("tenant")
            return by_url(mode, tenant.gateway.url, tenant.token), tenant
        tenant = request.getfixturevalue("tls_tenant")
        authority = request.getfixturevalue("certificates").authority
        if mode == "tls":
            return by_url(mode, tenant.gateway.url, tenant.token, authority), tenant
        return by_domain(tenant.gateway.settings["GATEWAY_DOMAIN"], tenant.token, authority), tenant

    return entrance


@pytest.fixture(scope="session")
def sdk(request: pytest.FixtureRequest, entrance: Callable, local_e2b: LocalE2B) -> Iterator[Program]:
    mode, style = request.param.split("/")
    door, tenant = entrance(mode)
    with door.opened():
        program = Program(door, STYLES[style](), local_e2b, tenant)
        yield program
        program.close()


@pytest.fixture
def other_tenant(sdk: Program) -> Tenant:
    return sdk.gateway.tenant(*AMPLE)


@pytest.fixture(autouse=True)
def cleared(request: pytest.FixtureRequest) -> Iterator[None]:
    yield
    if "sdk" in request.fixturenames:
        request.getfixturevalue("sdk").end_of_test()


@pytest.fixture
def sandbox(sdk: Program) -> object:
    """A running sandbox that the test leaves as it was."""
    return sdk.first
