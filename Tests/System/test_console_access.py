"""The console for everybody: screen readers, keyboards, dark rooms, narrow windows."""

from collections.abc import Iterator

import pytest
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.keys import Keys

from harness.browser import Browser, browsing
from harness.gateway import Gateway, Tenant
from harness.sandboxes import Door
from harness.tokens import for_subject
from harness.waiting import eventually

PLACES = {
    "overview": "/?range=1h",
    "tenants": "/tenants",
    "tenant": "/tenants/{tenant}",
    "keys": "/tenants/{tenant}/keys",
    "rotation": "/tenants/{tenant}/keys/{key}/rotation",
    "limits": "/tenants/{tenant}/limits",
    "subjects": "/tenants/{tenant}/subjects",
    "life": "/tenants/{tenant}/life",
    "live": "/sandboxes",
    "upstream": "/upstream",
    "audit": "/audit",
    "administrators": "/administrators",
    "default limits": "/default-limits",
    "settings": "/settings",
}


@pytest.fixture(scope="module")
def window() -> Iterator[Browser]:
    with browsing() as browser:
        yield browser


@pytest.fixture(scope="module")
def tenant(governed: Gateway) -> Iterator[Tenant]:
    """One that has something everywhere: calls, subjects, a refusal, a sandbox that lives."""
    tenant = governed.tenant("--runtime", "600s/hour", "--runtime", "6000s/day", "--executions", "3")
    token = for_subject(tenant.token, "user-42")
    governed.secrets.add(token)
    governed.client(token).execute("print(1)")
    tenant.client.post("print(1)", template="no-such-template")
    governed.command("quota", "grant", tenant.name, "60s", "--until", "2030-01-01")
    door = Door(tenant)
    sandbox = door.made()
    yield tenant
    door.kill(sandbox)


@pytest.fixture(scope="module")
def signed_in(window: Browser, governed: Gateway) -> Browser:
    window.forget()
    window.open(governed.admin_url)
    window.sign_in(governed.admin_token)
    return window


@pytest.fixture
def browser(signed_in: Browser) -> Iterator[Browser]:
    signed_in.look(1280, "light")
    yield signed_in
    assert not signed_in.faults()


def show(browser: Browser, tenant: Tenant, name: str) -> None:
    browser.open(browser.url, PLACES[name].format(tenant=tenant.name, key=tenant.key_id))
    browser.element("//main//h1")
    eventually(
        lambda: not browser.driver.find_elements("xpath", "//main//*[@role='status'][contains(., 'Loading')]"),
        within=10, what="everything is there",
    )
    # Every page has a list, a form or figures; an error is none.
    assert not browser.driver.find_elements("css selector", "main [role=alert]:not(:empty)"), browser.text()


@pytest.mark.parametrize("name", PLACES)
def test_every_page_is_accessible_in_either_look_and_any_width(browser: Browser, tenant: Tenant, name: str) -> None:
    show(browser, tenant, name)
    assert_for_everybody(browser, name)


def assert_for_everybody(browser: Browser, name: str) -> None:
    for width in (1280, 360):
        for scheme in ("light", "dark"):
            browser.look(width, scheme)
            faults = browser.accessibility_faults()
            assert not faults, f"{name}, {width}, {scheme}\n" + "\n".join(faults)
        assert browser.overflow() <= 0, f"{name} is {browser.overflow()} wider than {width}"


def test_why_somebody_is_suspended_is_accessible_and_fits(browser: Browser, governed: Gateway) -> None:
    suspended = governed.tenant()
    reason = "bills of September: " + "unbroken" * 20
    governed.command("pause", "--key", suspended.key_id, "--reason", reason, "--yes")
    governed.command("tenant", "suspend", suspended.name, "--reason", reason, "--yes")
    for name in ("tenants", "tenant", "keys", "rotation", "life"):
        show(browser, suspended, name)
        browser.see(reason)
        assert_for_everybody(browser, name)


@pytest.mark.parametrize(
    ("name", "button"),
    [
        ("tenants", "New tenant …"), ("keys", "Issue a key …"), ("keys", "Revoke …"), ("life", "Delete …"),
        ("life", "Suspend …"), ("keys", "Suspend …"),
        ("live", "Kill …"), ("upstream", "Add a key …"), ("overview", "Pause everything …"), ("audit", "Details"),
        ("tenant", "Give a credit …"), ("tenant", "Withdraw …"), ("administrators", "New admin token …"),
    ],
)
def test_every_dialog_is_accessible_and_gives_the_focus_back(
    browser: Browser, tenant: Tenant, name: str, button: str
) -> None:
    show(browser, tenant, name)
    browser.element(f"//main//button[starts-with(normalize-space(.), '{button}')]").click()
    browser.element("//h2")
    for width, scheme in ((1280, "light"), (360, "dark")):
        browser.look(width, scheme)
        faults = browser.accessibility_faults()
        assert not faults, "\n".join(faults)
        assert browser.overflow() <= 0
    assert browser.driver.execute_script("return document.activeElement.closest('dialog') !== null")
    browser.keys(Keys.ESCAPE)
    eventually(lambda: browser.focused.startswith(button), within=5, what="the focus is where it was")


def test_the_door_is_accessible(window: Browser, governed: Gateway) -> None:
    window.forget()
    window.expected_statuses = {401}
    window.open(governed.admin_url)
    window.element("//input")
    window.focus_is_on("token")
    for width, scheme in ((1280, "light"), (360, "dark")):
        window.look(width, scheme)
        assert not window.accessibility_faults()
        assert window.overflow() <= 0
    window.write("Admin token", "wrong")
    window.keys(Keys.ENTER)
    window.element("//*[@role='alert'][contains(., 'copied whole')]")
    assert not window.accessibility_faults()
    assert not window.faults()
    window.sign_in(governed.admin_token)


def test_the_look_can_be_chosen_and_stays(browser: Browser, governed: Gateway, tenant: Tenant) -> None:
    show(browser, tenant, "tenants")

    def ground() -> str:
        return browser.driver.execute_script("return getComputedStyle(document.body).backgroundColor")

    light = ground()
    browser.press("first")
    browser.press("Look: system")
    browser.press("Look: light")
    dark = ground()
    assert dark != light
    browser.driver.refresh()
    browser.heading("Tenants")
    assert ground() == dark
    assert not browser.accessibility_faults()
    browser.press("first")
    browser.press("Look: dark")
    assert ground() == light


def test_all_of_it_goes_by_keyboard_alone(browser: Browser, governed: Gateway, tenant: Tenant) -> None:
    """From the skip link to a tenant that was not there before, and along a chart."""
    show(browser, tenant, "tenants")
    tab(browser, "Skip to the content")
    browser.keys(Keys.ENTER)
    assert browser.driver.execute_script("return document.activeElement.id") == "main"
    assert browser.place == "/tenants"
    tab(browser, "New tenant …")
    assert outlined(browser)
    browser.keys(Keys.ENTER)
    browser.element("//h2")
    browser.keys("by-keyboard", Keys.ENTER)
    browser.heading("by-keyboard")
    # A new page is read from its heading on.
    browser.focus_is_on("by-keyboard")
    tab(browser, "Limits")
    browser.keys(Keys.ENTER)
    browser.element("//a[.='Limits'][@aria-current='page']")

    show(browser, tenant, "overview")
    tab(browser, "Calls: move along the time")
    stage = browser.driver.switch_to.active_element
    browser.keys(Keys.HOME)
    first = stage.get_attribute("aria-valuetext")
    browser.keys(Keys.ARROW_RIGHT)
    assert stage.get_attribute("aria-valuenow") == "1"
    assert stage.get_attribute("aria-valuetext") != first
    browser.element("//*[contains(@class, 'tip')]")
    browser.keys(Keys.ESCAPE)
    browser.see_none(".tip:not([hidden])")


def test_at_360_pixels_the_places_are_in_a_menu(browser: Browser, tenant: Tenant) -> None:
    browser.look(360, "light")
    show(browser, tenant, "tenants")
    menu = browser.element("//button[.='Menu']")
    assert menu.get_attribute("aria-expanded") == "false"
    assert not [link for link in browser.driver.find_elements("css selector", "#places a") if link.is_displayed()]
    menu.click()
    browser.press("Settings")
    browser.heading("Settings")
    assert menu.get_attribute("aria-expanded") == "false"


def test_what_changes_by_itself_is_said_without_moving_anybody(browser: Browser, governed: Gateway, tenant: Tenant) -> None:
    """The focus stays on a button of a list that is made anew every few seconds."""
    show(browser, tenant, "keys")
    button = browser.element("//main//tbody//button[normalize-space(.)='Revoke …']")
    browser.driver.execute_script("(window.focused = arguments[0]).focus()", button)
    tenant.client.execute("print(1)")
    eventually(
        lambda: not browser.driver.execute_script("return window.focused.isConnected"),
        within=30, what="the list is made anew",
    )
    browser.focus_is_on("Revoke …")


def test_nothing_is_made_anew_under_somebodys_hands(browser: Browser, tenant: Tenant) -> None:
    """Neither while a question is open, nor while a button is held down, nor when nothing has changed."""
    show(browser, tenant, "keys")
    row = f"//main//tbody//tr[contains(., '{tenant.key_id}')]"
    button = browser.element(f"{row}//button[normalize-space(.)='Revoke …']")
    browser.driver.execute_script("window.before = arguments[0]", button)

    def look_again() -> None:
        """Two looks at the list are over: one may have been on its way."""
        seen = len(looks(browser))
        eventually(lambda: len(looks(browser)) >= seen + 2, within=30, what="it has looked again")

    def is_as_it_was() -> bool:
        return browser.driver.execute_script("return window.before.isConnected")

    look_again()
    assert is_as_it_was()
    pointer = ActionChains(browser.driver)
    pointer.move_to_element(browser.element("//main//h1")).click_and_hold().perform()
    tenant.client.execute("print(1)")
    look_again()
    assert is_as_it_was()
    pointer.reset_actions()
    ActionChains(browser.driver).release().perform()
    eventually(lambda: not is_as_it_was(), within=30, what="it is shown when the button is let go")

    browser.press("Revoke …", row=tenant.key_id)
    browser.driver.execute_script(
        "window.before = document.querySelector('main tbody tr')"
    )
    tenant.client.execute("print(1)")
    look_again()
    assert is_as_it_was()
    browser.press("Cancel")
    eventually(lambda: not is_as_it_was(), within=30, what="it is shown when the question is closed")


def looks(browser: Browser) -> list[str]:
    """Every answer that the page has had to its looks at keys."""
    return browser.driver.execute_script(
        "return performance.getEntriesByType('resource').map((e) => e.name).filter((n) => n.includes('/admin/v1/keys'))"
    )


def tab(browser: Browser, name: str, most: int = 60) -> None:
    """Presses Tab until the focus is on what is called so."""
    for _ in range(most):
        browser.keys(Keys.TAB)
        if browser.focused == name:
            return
    raise AssertionError(f"{name!r} is not reached by keyboard")


def outlined(browser: Browser) -> bool:
    return browser.driver.execute_script("return getComputedStyle(document.activeElement).outlineStyle !== 'none'")
