"""One local E2B and one gateway for the whole run; tests that stop, kill or starve a gateway make their own."""

import pathlib
from collections.abc import Callable, Iterator

import pytest

from harness.browser import Browser, browsing
from harness.contract import Contract
from harness.counting_e2b import CountingE2B
from harness.faults.proxy import FaultProxy
from harness.faults.scene import Scene
from harness.gateway import Gateway, LocalE2B, Tenant
from harness.leaks import WITNESS
from harness.numbers import Numbers
from harness.postgresql import PostgreSQL
from harness.service import BINARY, ROOT
from harness.share import Share
from harness.share import run as share_tests


def pytest_configure(config: pytest.Config) -> None:
    if not BINARY.exists():
        raise pytest.UsageError(f"{BINARY} is missing: run `make build`, or set GATEWAY_BINARY")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--share", metavar="FOLDER", help="share the tests with the other runs that name this folder")
    parser.addoption("--runs", type=int, default=1, help="how many runs share it")


@pytest.hookimpl(tryfirst=True)
def pytest_runtestloop(session: pytest.Session) -> bool | None:
    share = Share.of(session.config)
    if share is None or session.testsfailed or session.config.option.collectonly:
        return None
    share_tests(session, share)
    return True


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: item.get_closest_marker("last") is not None)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    lines = Numbers.lines()
    if lines:
        terminalreporter.section("measured")
        for line in lines:
            terminalreporter.write_line(line)


@pytest.fixture(scope="session")
def contract() -> Contract:
    return Contract(ROOT / "openapi.yaml")


@pytest.fixture(scope="session", autouse=True)
def witness() -> Iterator[None]:
    with WITNESS.watching_command_lines():
        yield


@pytest.fixture(scope="session")
def all_gateways() -> list[Gateway]:
    """Every gateway of this run, for those who judge it afterwards."""
    return []


@pytest.fixture(scope="session")
def local_e2b(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalE2B]:
    e2b = LocalE2B(tmp_path_factory.mktemp("local-e2b"))
    yield e2b
    e2b.service.stop()


@pytest.fixture(scope="module")
def upstream() -> Iterator[CountingE2B]:
    """An upstream that counts by itself what is asked of it."""
    with CountingE2B() as upstream:
        yield upstream


@pytest.fixture(scope="session")
def bare_e2b(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalE2B]:
    """A local E2B that keeps no sandbox ready and has room for one."""
    e2b = LocalE2B(tmp_path_factory.mktemp("bare-e2b"), "--warm", "0", "--maximum", "1")
    yield e2b
    e2b.service.stop()


NewGateway = Callable[..., Gateway]


@pytest.fixture(scope="session")
def postgresql() -> Iterator[PostgreSQL]:
    """One PostgreSQL for all tests that do not disturb it; those that do start one of their own."""
    server = PostgreSQL(syncs=False)
    yield server
    server.remove()


@pytest.fixture(scope="session")
def session_gateway(
    tmp_path_factory: pytest.TempPathFactory, contract: Contract, local_e2b: LocalE2B, all_gateways: list[Gateway]
) -> Iterator[NewGateway]:
    """Makes gateways that live until the run ends; by default in front of the local E2B."""

    def make(upstream: str = local_e2b.url, **settings: str) -> Gateway:
        folder: pathlib.Path = tmp_path_factory.mktemp("gateway")
        gateway = Gateway(folder, contract, upstream, **settings)
        all_gateways.append(gateway)
        return gateway.initialise().start()

    yield make
    faults = []
    for gateway in all_gateways:
        try:
            gateway.stop()
        except AssertionError as fault:
            faults.append(f"{gateway.folder}: {fault}")
    assert not faults


@pytest.fixture
def new_gateway(session_gateway: NewGateway, all_gateways: list[Gateway]) -> Iterator[NewGateway]:
    """Makes gateways that are stopped when the test ends."""
    before = len(all_gateways)
    yield session_gateway
    for gateway in all_gateways[before:]:
        gateway.stop()


@pytest.fixture(scope="session")
def gateway(session_gateway: NewGateway) -> Gateway:
    return session_gateway()


@pytest.fixture(scope="session")
def resting(session_gateway: NewGateway) -> Gateway:
    """A gateway that does not run: commands open its ledger themselves."""
    gateway = session_gateway()
    gateway.stop()
    return gateway


@pytest.fixture
def tenant(gateway: Gateway) -> Tenant:
    """A new tenant with the standard policy."""
    return gateway.tenant()


@pytest.fixture(scope="session")
def busy_tenant(gateway: Gateway) -> Tenant:
    """A tenant whose rate is no obstacle, for tests that make many calls and look at no usage."""
    return gateway.tenant("--rate", "10000/s", "--burst", "10000", "--executions", "20", "--runtime", "86400s/day")


@pytest.fixture(scope="module")
def stage(session_gateway: NewGateway, local_e2b: LocalE2B) -> Iterator[Scene]:
    """A gateway that reaches the local E2B through a proxy, for a module; its books are closed in the end."""
    with FaultProxy(local_e2b.url) as proxy:
        # What a pool does by itself is in nobody's way.
        stage = Scene(session_gateway(proxy.url, GATEWAY_POOL_MAXIMUM="0"), proxy, local_e2b)
        yield stage
        assert stage.tenant().client.execute("print(6 * 7)")["output"] == "42\n"
        stage.assert_nothing_left(within=30)
        stage.end()


@pytest.fixture
def scene(stage: Scene) -> Iterator[Scene]:
    """The same for a test, after which all faults are lifted."""
    yield stage
    stage.proxy.lift()
    stage.proxy.record.clear()


# The console


@pytest.fixture(scope="module")
def window() -> Iterator[Browser]:
    with browsing() as browser:
        yield browser


@pytest.fixture
def browser(window: Browser) -> Iterator[Browser]:
    """A window in which nobody is signed in. Whatever it complains of fails the test."""
    window.forget()
    yield window
    assert not window.faults()


@pytest.fixture(scope="module")
def governed(session_gateway: NewGateway) -> Gateway:
    """A gateway of a file's own, to administer."""
    return session_gateway()


@pytest.fixture
def admin(browser: Browser, governed: Gateway) -> Browser:
    """The same with the first administrator signed in."""
    browser.open(governed.admin_url)
    browser.sign_in(governed.admin_token)
    browser.heading("Overview")
    return browser
