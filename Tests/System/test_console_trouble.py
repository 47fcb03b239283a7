"""The console when answers are lost, doors are shut, and two windows share one cookie."""

import json

import pytest
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from harness.administrator import NARROWED_TO_ONE_ADDRESS, Administrator
from harness.browser import Browser
from harness.gateway import Gateway, Tenant
from harness.tokens import narrowed
from harness.waiting import eventually

# Stands between the page and the gateway: `lost` answers do not arrive, `late` ones when they are let.
BETWEEN = """
const real = window.fetch;
window.sent = [];
window.between = null;
window.fetch = async (path, init) => {
  if (init.method === 'GET') {
    if (window.refuses?.(path)) return new Response('{}', {status: 401});
    return real(path, init);
  }
  const mode = window.between;
  window.sent.push([init.method, path, init.headers['Idempotency-Key']]);
  const response = await real(path, init);
  if (mode === 'lost') throw new TypeError('lost');
  if (mode === 'late') await new Promise((resolve) => { window.arrive = resolve; });
  return response;
};
"""


@pytest.fixture
def admin(admin: Browser) -> Browser:
    run(admin, BETWEEN)
    return admin


def run(browser: Browser, script: str) -> object:
    return browser.driver.execute_script(script)


def answers(browser: Browser, mode: str | None) -> None:
    run(browser, f"window.between = {json.dumps(mode)}; window.sent = []")


def keys_of(gateway: Gateway, tenant: Tenant) -> list[str]:
    return [key["key_id"] for key in gateway.json_command("key", "list", tenant.name)]


def token(browser: Browser, gateway: Gateway) -> str:
    value = browser.field("Token").get_attribute("value")
    gateway.secrets.add(value)
    return value


# What is made once


def test_a_lost_answer_and_a_second_press_make_one_key_and_show_its_token(admin: Browser, governed: Gateway) -> None:
    tenant = governed.tenant()
    admin.go(f"/tenants/{tenant.name}/keys")
    admin.see(tenant.key_id)
    answers(admin, "lost")
    admin.press("Issue a key …")
    admin.press("Issue")
    admin.see("it is not known whether this was done")
    assert "tries again by itself" not in admin.text()
    run(admin, "window.between = null")
    admin.press("Issue")
    shown = token(admin, governed)
    admin.press("I have it")
    assert governed.client(shown).get("/v1/whoami").status == 200
    assert len(keys_of(governed, tenant)) == 2
    [first, second] = run(admin, "return window.sent")
    assert first == second
    # The next one is another.
    admin.press("Issue a key …")
    admin.press("Issue")
    token(admin, governed)
    admin.press("I have it")
    assert len(keys_of(governed, tenant)) == 3


def test_a_rotation_whose_answer_is_lost_keeps_its_form_and_its_key(admin: Browser, governed: Gateway) -> None:
    tenant = governed.tenant()
    admin.go(f"/tenants/{tenant.name}/keys/{tenant.key_id}/rotation")
    answers(admin, "lost")
    admin.press("Make the new key")
    admin.see("it is not known whether this was done")
    eventually(lambda: len(keys_of(governed, tenant)) == 2, within=10, pause=0.2, what="the key is made")
    looks = "return performance.getEntriesByType('resource').filter((e) => e.name.includes('/admin/v1/keys?')).length"
    seen = run(admin, looks)
    eventually(lambda: run(admin, looks) >= seen + 2, within=30, what="the page has looked twice")
    run(admin, "window.between = null")
    admin.press("Make the new key")
    shown = token(admin, governed)
    admin.press("I have it")
    assert governed.client(shown).get("/v1/whoami").status == 200
    assert len(keys_of(governed, tenant)) == 2
    admin.see("The new key is made")


def test_a_question_stays_while_it_is_not_known_what_became_of_it(admin: Browser, governed: Gateway) -> None:
    tenant = governed.tenant()
    admin.go(f"/tenants/{tenant.name}/keys")
    admin.see(tenant.key_id)
    answers(admin, "late")
    admin.press("Issue a key …")
    admin.press("Issue")
    admin.element("//button[.='Working …']")
    eventually(lambda: run(admin, "return Boolean(window.arrive)"), within=10, what="the answer is under way")
    assert admin.element("//button[.='Cancel']").get_attribute("disabled")
    for _ in range(3):
        ActionChains(admin.driver).send_keys(Keys.ESCAPE).perform()
    admin.go("/upstream")
    assert admin.driver.find_elements(By.CSS_SELECTOR, "dialog[open]")
    run(admin, "window.arrive()")
    shown = token(admin, governed)
    assert governed.client(shown).get("/v1/whoami").status == 200


def test_a_token_that_is_shown_stays_until_somebody_has_it(admin: Browser, governed: Gateway) -> None:
    tenant = governed.tenant()
    admin.go(f"/tenants/{tenant.name}/keys")
    admin.press("Issue a key …")
    admin.press("Issue")
    shown = token(admin, governed)
    for _ in range(3):
        ActionChains(admin.driver).send_keys(Keys.ESCAPE).perform()
    admin.go("/upstream")
    # The session ends behind it.
    run(admin, "window.refuses = (path) => path.startsWith('/admin/v1/')")
    admin.go("/sandboxes")
    admin.see("Your session is over")
    assert token(admin, governed) == shown
    admin.press("I have it")
    admin.see_none("dialog")
    admin.focus_is_on("token")


# The door


def test_whom_the_door_refuses_may_show_another_token(browser: Browser, governed: Gateway) -> None:
    """A token of one network, seen from another: the way in is there, and lets in."""
    browser.expected_statuses = {403}
    token = narrowed(governed.admin_token, *NARROWED_TO_ONE_ADDRESS)
    governed.secrets.add(token)
    browser.driver.execute_cdp_cmd("Network.enable", {})
    come_from(browser, "203.0.113.7")
    browser.open(governed.admin_url, "/tenants")
    browser.sign_in(token)
    browser.heading("Tenants")
    come_from(browser, "203.0.113.8")
    browser.open(governed.admin_url, "/tenants")
    browser.see("may not be used from this address. Sign in with one that may.")
    browser.sign_in(governed.admin_token)
    browser.heading("Tenants")
    come_from(browser, None)


def come_from(browser: Browser, address: str | None) -> None:
    headers = {"X-Forwarded-For": address} if address else {}
    browser.driver.execute_cdp_cmd("Network.setExtraHTTPHeaders", {"headers": headers})


def test_a_browser_that_keeps_no_cookie_is_told_what_to_do(browser: Browser, governed: Gateway) -> None:
    browser.open(governed.admin_url)
    browser.element("//input")
    run(browser, """
        const real = window.fetch;
        window.fetch = (path, init) => real(path, {...init, credentials: 'omit'});
    """)
    browser.write("Admin token", governed.admin_token)
    browser.press("Sign in")
    browser.see("The browser did not keep the cookie: open the console over HTTPS")


# Two windows, one cookie


@pytest.mark.parametrize("who", ["the same", "somebody else"])
def test_another_window_signs_in_anew(admin: Browser, governed: Gateway, who: str) -> None:
    other = governed.admin_token
    if who == "somebody else":
        other = Administrator(governed, governed.admin_token).appoint(f"other-{governed.tenant().name}").token
    tenant = governed.tenant()
    admin.go(f"/tenants/{tenant.name}/keys")
    admin.see(tenant.key_id)
    here = admin.driver.current_window_handle
    admin.driver.switch_to.new_window("tab")
    admin.open(governed.admin_url)
    admin.press("first")
    admin.press("Sign out")
    admin.sign_in(other)
    admin.heading("Overview")
    admin.driver.close()
    admin.driver.switch_to.window(here)
    admin.expected_statuses = {403}
    admin.press("Issue a key …")
    admin.press("Issue")
    if who == "somebody else":
        admin.see("You are now other-", "What you pressed was not done.")
        assert len(keys_of(governed, tenant)) == 1
        admin.press("Cancel")
        admin.element("//summary[starts-with(., 'other-')]")
    else:
        token(admin, governed)
        admin.press("I have it")
        assert len(keys_of(governed, tenant)) == 2


def test_a_change_after_the_session_is_over_says_that_it_was_not_made(browser: Browser, governed: Gateway) -> None:
    browser.expected_statuses = {401}
    leaver = Administrator(governed, governed.admin_token).appoint("left-early")
    tenant = governed.tenant()
    browser.open(governed.admin_url, f"/tenants/{tenant.name}/limits")
    browser.sign_in(leaver.token)
    browser.write("Executions at once", "7")
    run(browser, "const real = fetch; window.fetch = (p, i) => i.method === 'GET' ? new Promise(() => {}) : real(p, i)")
    governed.command("admin-token", "revoke", leaver.key_id)
    browser.press("Save")
    browser.see("Your session is over, and what you pressed was not done.")
