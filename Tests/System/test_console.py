"""The console in a browser, as administrators use it."""

import json
import re
import time

import pytest

from conftest import NewGateway
from harness.administrator import Administrator, to_scopes
from harness.browser import Browser
from harness.console import signed_in
from harness.fake_e2b import unreachable_url
from harness.free_port import free_port
from harness.gateway import Gateway, LocalE2B
from harness.tokens import expiring, for_subject
from harness.waiting import eventually

SLEEPS = "import time\ntime.sleep(60)"


def token_shown(browser: Browser, gateway: Gateway) -> str:
    token = browser.field("Token").get_attribute("value")
    gateway.secrets.add(token)
    browser.press("I have it")
    return token


def audit_actions(gateway: Gateway, tenant: str) -> list[str]:
    return [each["record"]["action"] for each in gateway.json_command("audit", "search", "--tenant", tenant)]


# The whole way


def test_a_tenants_life_from_the_first_key_to_the_last(admin: Browser, governed: Gateway) -> None:
    admin.press("Tenants")
    admin.heading("Tenants")
    admin.press("New tenant …")
    admin.write("Name", "walked")
    admin.press("Create")
    admin.heading("walked")
    admin.see("No keys yet")

    admin.press("Issue a key …")
    admin.press("Issue")
    old = token_shown(admin, governed)
    key_id = old[6:22]
    admin.see(key_id, "active")

    document = governed.client(old).execute("print(6 * 7)")
    assert document["output"] == "42\n"
    admin.element(f"//tr[contains(., '{key_id}')][.//td[@data-label='Today'][normalize-space(.)='1']]")

    # Rotation: the new key is made, the old one is watched, and ended.
    admin.press("Rotate", row=key_id)
    admin.heading(f"Rotate {key_id}")
    admin.press("Make the new key")
    new = token_shown(admin, governed)
    admin.see("The new key is made", "The old key is still in use")
    assert governed.client(old).get("/v1/whoami").status == 200
    assert governed.client(new).get("/v1/whoami").status == 200
    admin.press("End the old key now …")
    admin.see("calls were made with it in the last hour")
    admin.write("Type", key_id)
    admin.press("Revoke")
    admin.see("The key is revoked.")
    governed.client(old).get("/v1/whoami").problem("invalid-token")
    assert governed.client(new).get("/v1/whoami").status == 200

    # A limit is changed, and met.
    admin.press("Limits")
    admin.write("A day", "0.001")
    admin.see("1 changed", "of the last 24 hours would have been refused")
    admin.press("Save")
    admin.see("The limits of walked are changed.")
    governed.client(new).post("print(1)").problem("runtime-exhausted")
    admin.press("Use")
    admin.see("used up", "Recent refusals")
    admin.element("//section[h2='Recent refusals']//td[@data-label='Why'][contains(., 'runtime')]")

    # And found in the audit log.
    admin.press("All refusals in the audit log")
    admin.heading("Audit")
    assert admin.field("Tenant").get_attribute("value") == "walked"
    admin.element("//td[@data-label='What'][contains(., 'execution.refused')]")
    admin.write("Outcome", "")
    admin.write("Action", "key.revoked")
    admin.press("Search")
    admin.element("//tr[contains(., 'key.revoked')]//button[contains(., 'Details')]").click()
    admin.see(key_id, "admin:first", "Before it")
    admin.press("Close")
    admin.press("Verify the chain")
    admin.see("the chain holds")

    admin.press("first")
    admin.press("Sign out")
    admin.see("The administrators’ console")
    assert admin.cookie() is None
    assert {"tenant.created", "key.issued", "key.rotated", "key.revoked", "policy.set"} <= set(audit_actions(governed, "walked"))


def test_what_runs_is_seen_and_killed(admin: Browser, governed: Gateway, local_e2b: LocalE2B) -> None:
    tenant = governed.tenant()
    subject = for_subject(tenant.token, "user-42")
    governed.secrets.add(subject)
    with governed.client(subject).stream(SLEEPS) as stream:
        events = iter(stream)
        execution = next(events)["id"]
        admin.press("Live")
        admin.see(execution, tenant.name, "user-42")
        admin.press("Kill …", row=execution)
        admin.see("is ended at once")
        admin.press("Kill")
        *_, last = events
        assert last["outcome"] == "killed"
    admin.see(f"{execution} is ended.")
    eventually(
        lambda: not admin.driver.find_elements("xpath", f"//td[contains(., '{execution}')]"), within=10, what="it is gone"
    )
    local_e2b.assert_gone(execution)


def test_everything_is_paused_and_goes_on(admin: Browser, governed: Gateway) -> None:
    tenant = governed.tenant()
    admin.press("Pause everything …")
    admin.write("Reason", "an exercise <b>now</b>")
    admin.write("Type", "pause")
    admin.press("Pause")
    admin.see("Everything is paused", "an exercise <b>now</b>")
    tenant.client.post("print(1)").problem("paused")
    admin.press("Resume")
    admin.press("Resume")
    admin.see_no_more("Everything is paused since")
    assert tenant.client.execute("print(1)")["output"] == "1\n"


def test_a_tenant_is_suspended_resumed_renamed_and_deleted(admin: Browser, governed: Gateway) -> None:
    tenant = governed.tenant()
    # Its head is asked for again, and may be so under a name that has just gone.
    admin.expected_statuses = {404}
    admin.go(f"/tenants/{tenant.name}/life")
    admin.press("Suspend …")
    admin.see("Its calls are refused with 403 from now on", "else executions go on to their ends")
    admin.write("Reason", "unpaid <b>bills</b>")
    admin.press("Suspend")
    said = "by admin:first: unpaid <b>bills</b>"
    admin.see(f"{tenant.name} is suspended.", said)
    admin.element("//dl[contains(., 'Since')][contains(., 'admin:first')]//dd[.='unpaid <b>bills</b>']")
    refusal = tenant.client.get("/v1/whoami").problem("tenant-disabled")
    assert "unpaid <b>bills</b>" in json.dumps(refusal)
    admin.go("/tenants")
    admin.element(f"//tr[contains(., '{tenant.name}')]//p[contains(., '{said}')]")
    admin.go(f"/tenants/{tenant.name}/life")
    admin.press("Resume …")
    admin.press("Resume")
    admin.see(f"{tenant.name} is let in again.")
    admin.see_no_more(said)
    assert tenant.client.get("/v1/whoami").status == 200
    name = f"{tenant.name}-renamed"
    admin.press("Rename …")
    admin.write("New name", name)
    admin.press("Rename")
    admin.heading(name)
    admin.element(f"//div[dt='Former names']/dd[.='{tenant.name}']")
    assert tenant.client.get("/v1/whoami").document["tenant"] == name
    admin.press("Delete …")
    admin.write("Type", name)
    admin.press("Delete")
    admin.heading("Tenants")
    admin.see_no_more(name)
    tenant.client.get("/v1/whoami").problem("invalid-token")


@pytest.mark.parametrize(("ends", "outcome"), [(True, "killed"), (False, "completed")])
def test_what_a_tenant_runs_is_ended_with_its_suspension_unless_told_otherwise(
    admin: Browser, governed: Gateway, ends: bool, outcome: str
) -> None:
    tenant = governed.tenant()
    with tenant.client.stream(SLEEPS if ends else "import time\ntime.sleep(10)") as stream:
        events = iter(stream)
        next(events)
        admin.go(f"/tenants/{tenant.name}/life")
        admin.press("Suspend …")
        box = admin.field("End what it runs")
        assert box.is_selected()
        if not ends:
            box.click()
        admin.press("Suspend")
        admin.see(f"{tenant.name} is suspended.")
        *_, last = events
    assert last["outcome"] == outcome
    [suspended] = [
        each["record"] for each in governed.json_command("audit", "search", "--tenant", tenant.name)
        if each["record"]["action"] == "tenant.suspended"
    ]
    assert suspended["after"].get("end_running", False) == ends


@pytest.mark.parametrize("side", ["life", "limits"])
def test_what_another_administrator_does_to_a_tenant_is_seen(admin: Browser, governed: Gateway, side: str) -> None:
    tenant = governed.tenant()
    admin.go(f"/tenants/{tenant.name}/{side}")
    if side == "limits":
        admin.write("Executions at once", "7")
    admin.element("//button[.='Suspend …' or .='Save']")
    governed.command("tenant", "suspend", tenant.name, "--reason", "unpaid bills", "--yes")
    admin.element("//p[contains(., ': unpaid bills')]", within=30)
    admin.element("//span[.='suspended']")
    if side == "life":
        admin.element("//button[.='Resume …']")
    else:
        # What somebody fills in stays.
        assert admin.field("Executions at once").get_attribute("value") == "7"
    governed.command("tenant", "resume", tenant.name)
    admin.see_no_more("unpaid bills", within=30)
    admin.element("//button[.='Suspend …' or .='Save']")


def test_a_key_is_suspended_and_resumed(admin: Browser, governed: Gateway) -> None:
    tenant = governed.tenant()
    admin.go(f"/tenants/{tenant.name}/keys")
    admin.press("Suspend …", row=tenant.key_id)
    assert not admin.field("End what it runs").is_selected()
    admin.write("Reason", "looks leaked")
    admin.press("Suspend")
    admin.see("The key is suspended.")
    said = "by admin:first: looks leaked"
    admin.element(f"//tr[contains(., '{tenant.key_id}')]//p[contains(., '{said}')]")
    assert tenant.client.get("/v1/whoami").status in (401, 403)
    admin.press("Resume", row=tenant.key_id)
    admin.press("Resume")
    admin.see("The key works again.")
    admin.see_no_more(said)
    assert tenant.client.get("/v1/whoami").status == 200


def test_upstream_keys_are_tried_and_rotated(admin: Browser, governed: Gateway) -> None:
    key = governed.note_upstream_key("e2b_" + "0a1b2c3d" * 5)
    [active] = [each for each in governed.json_command("upstream-key", "list") if each["role"] == "active"]
    admin.press("Upstream")
    admin.press("Probe", row=active["id"])
    admin.see(f"E2B says of {active['id']}: accepted.")
    admin.press("Add a key …")
    admin.write("Key", key)
    admin.press("Add")
    admin.see("is added.")
    [added] = [each["id"] for each in governed.json_command("upstream-key", "list") if each["role"] == "standby"]
    admin.press("Activate …", row=added)
    admin.press("Activate")
    admin.see(f"{added} is active.")
    admin.press("Activate …", row=active["id"])
    admin.press("Activate")
    admin.see(f"{active['id']} is active.")
    for word, said in (("Retire", "retired"), ("Remove", "removed")):
        admin.press(f"{word} …", row=added)
        if word == "Remove":
            admin.write("Type", added)
        admin.press(word)
        admin.see(f"{added} is {said}.")
    assert added not in json.dumps(governed.json_command("upstream-key", "list"))


def test_administrators_come_and_go(admin: Browser, governed: Gateway) -> None:
    admin.press("Administrators")
    admin.press("New admin token …")
    admin.write("Name", "on-call")
    admin.field("admin:audit").click()
    admin.press("Issue")
    token = token_shown(admin, governed)
    theirs = signed_in(governed, token)
    assert theirs.get("/console/session").document["scopes"] == ["admin:audit", "admin:read"]
    admin.press("Revoke …", row="on-call")
    admin.write("Type", "on-call")
    admin.press("Revoke")
    admin.see("The admin token is revoked.")
    theirs.get("/admin/v1/tenants").problem("session-over")


def test_a_credit_is_given_and_withdrawn(admin: Browser, governed: Gateway) -> None:
    tenant = governed.tenant("--runtime", "600s/day")
    admin.go(f"/tenants/{tenant.name}")
    admin.press("Give a credit …")
    admin.write("Seconds", "90")
    admin.press("Give")
    admin.see("1 min 30 s")
    [credit] = governed.json_command("usage", tenant.name)["credits"]
    assert credit["runtime_ms"] == 90_000
    admin.press("Withdraw …")
    admin.press("Withdraw")
    admin.see("The credit is withdrawn.")
    admin.see_no_more("1 min 30 s")


def test_new_tenants_get_the_limits_that_are_set_for_them(admin: Browser, governed: Gateway) -> None:
    admin.press("Tenants")
    admin.press("Limits of new tenants")
    before = admin.field("Executions at once").get_attribute("value")
    admin.write("Executions at once", "9")
    admin.press("Save")
    admin.see("The limits of new tenants are changed.")
    made = governed.tenant()
    assert governed.json_command("quota", "get", made.name)["executions"] == 9
    admin.write("Executions at once", before)
    admin.press("Save")
    eventually(
        lambda: governed.json_command("quota", "get", "--default")["executions"] == int(before), within=10, pause=0.5,
        what="they are as they were",
    )


def test_recorded_code_is_shown_and_that_is_on_record(admin: Browser, governed: Gateway) -> None:
    tenant = governed.tenant()
    governed.command("quota", "set", tenant.name, "--record-code")
    execution = tenant.client.execute("print('<i>kept</i>')")["id"]
    admin.go(f"/audit?execution={execution}")
    admin.element("//tr[contains(., 'execution.admitted')]//button").click()
    admin.press("Show the code")
    admin.see("print('<i>kept</i>')")
    admin.press("Close")
    assert "code.shown" in audit_actions(governed, tenant.name)


def test_one_record_leads_to_all_of_the_same_call(admin: Browser, governed: Gateway) -> None:
    tenant = governed.tenant()
    reply = tenant.client.post("print(1)", headers={"traceparent": f"00-{'5e' * 16}-{'1b' * 8}-01"})
    tenant.client.execute("print(2)")
    for label, value in (("Trace", "5e" * 16), ("Request", reply.headers["x-request-id"])):
        admin.go(f"/audit?execution={reply.document['id']}&action=execution.finished")
        admin.element("//tr[contains(., 'execution.finished')]//button").click()
        admin.press(value)
        eventually(lambda: admin.field(label).get_attribute("value") == value, within=10, what="it is searched for")
        for action in ("execution.admitted", "execution.finished"):
            admin.element(f"//td[@data-label='What'][contains(., '{action}')]")
        eventually(
            lambda: len(admin.driver.find_elements("xpath", "//td[@data-label='What']")) == 2, within=10, what="both are found"
        )


def test_how_far_the_log_is_signed_is_told_before_it_is_verified(admin: Browser, governed: Gateway) -> None:
    def checkpoint() -> dict:
        return signed_in(governed).get("/admin/v1/overview").document["audit"]["checkpoint"]

    governed.command("audit", "checkpoint")
    before = checkpoint()
    admin.press("Audit")
    admin.see("not verified yet", "Signed up to record")
    told = re.search(r"Signed up to record ([\d,]+) by checkpoint ([\d,]+), (now|\d+ \w+ ago); .* since\.", admin.text())
    assert told, admin.text()
    sequence, number = (int(each.replace(",", "")) for each in told.groups()[:2])
    after = checkpoint()
    assert before["sequence"] <= sequence <= after["sequence"]
    assert before["number"] <= number <= after["number"]


def test_whoever_has_yet_to_take_the_log_is_told(browser: Browser, new_gateway: NewGateway) -> None:
    with unreachable_url() as nobody:
        gateway = new_gateway(GATEWAY_AUDIT_COLLECTOR_URL=f"{nobody}/audit")
        administrator = signed_in(gateway)

        def is_down() -> bool:
            [sink] = administrator.get("/admin/v1/overview").document["audit"]["sinks"]
            return not sink["up"] and sink["behind"] > 0

        eventually(is_down, within=20, pause=0.2, what="it is found to be down")
        browser.open(gateway.admin_url, "/audit")
        browser.sign_in(gateway.admin_token)
        browser.element("//section[@aria-label='The chain']//p[contains(., 'collector down')][contains(., 'to take')]")


def test_settings_are_shown_with_their_source_and_without_secrets(admin: Browser, governed: Gateway) -> None:
    admin.press("Settings")
    admin.element("//tr[contains(., 'GATEWAY_LEDGER')][contains(., 'gateway.db')]")
    admin.element("//tr[contains(., 'E2B_API_KEY')][contains(., 'set, not shown')]")
    admin.element("//tr[contains(., 'GATEWAY_ADMIN_TOKEN')][contains(., 'not set')]")
    assert not [secret for secret in governed.secrets if secret in admin.text()]
    admin.write("Search settings", "admin_listen")
    admin.see_no_more("E2B_API_KEY")
    admin.see("GATEWAY_ADMIN_LISTEN")


def test_the_overview_shows_what_happened(admin: Browser, governed: Gateway) -> None:
    for name in ("Calls", "Refusals", "Latency", "Runtime", "Upstream’s room", "Warm pool"):
        admin.element(f"//figure//h3[.='{name}']")
    for name, range_ in (("24 hours", "24h"), ("30 days", "30d"), ("1 hour", "1h")):
        admin.press(name)
        eventually(lambda: admin.place.endswith(f"range={range_}"), within=5, what="the address says it")
        admin.element(f"//button[.='{name}'][@aria-pressed='true']")
        admin.element("//figure//h3[.='Calls']")
    tenant = governed.tenant()
    tenant.client.execute("print(1)")
    tenant.client.post("print(1)", template="no-such-template").problem("not-offered")
    for chart, series in (("Calls", "completed"), ("Refusals", "not offered")):
        figures = f"//figure[.//h3[.='{chart}']]//details"
        admin.element(f"{figures}/summary").click()
        admin.element(f"{figures}//th[contains(translate(., '-_', '  '), '{series}')]", within=90)
        admin.element(f"{figures}//td[normalize-space(.)!='0' and normalize-space(.)!='–']")


# Getting in, staying in, coming back


def test_a_wrong_token_is_told_and_the_right_one_opens(browser: Browser, governed: Gateway) -> None:
    browser.expected_statuses = {401}
    browser.open(governed.admin_url, "/tenants")
    browser.write("Admin token", governed.tenant().token)
    browser.press("Sign in")
    browser.see("A tenant’s token does not open the console")
    assert browser.cookie() is None
    browser.sign_in(governed.admin_token)
    browser.heading("Tenants")
    cookie = browser.cookie()
    assert (cookie["secure"], cookie["httpOnly"], cookie["sameSite"], cookie["path"]) == (True, True, "Strict", "/")
    kept = browser.driver.execute_script("return [document.cookie, localStorage.length, sessionStorage.length]")
    assert kept == ["", 0, 0]


def test_a_session_that_is_over_leads_back_to_the_same_place(browser: Browser, governed: Gateway) -> None:
    browser.expected_statuses = {401}
    leaver = Administrator(governed, governed.admin_token).appoint("leaver")
    tenant = governed.tenant()
    browser.open(governed.admin_url, f"/tenants/{tenant.name}/keys")
    browser.sign_in(leaver.token)
    browser.see(tenant.key_id)
    governed.command("admin-token", "revoke", leaver.key_id)
    browser.see("Your session is over")
    browser.sign_in(governed.admin_token)
    browser.heading(tenant.name)
    browser.see(tenant.key_id)


def test_a_session_that_ends_by_itself_says_so(browser: Browser, governed: Gateway) -> None:
    browser.expected_statuses = {401}
    end = int(time.time()) + 15
    token = expiring(governed.admin_token, end)
    governed.secrets.add(token)
    browser.open(governed.admin_url, "/tenants")
    browser.sign_in(token)
    browser.heading("Tenants")
    browser.see("Your session is over", within=45)


def test_a_gateway_that_is_away_is_waited_for(browser: Browser, new_gateway: NewGateway) -> None:
    gateway = new_gateway(GATEWAY_ADMIN_LISTEN=f"127.0.0.1:{free_port()}")
    browser.open(gateway.admin_url, "/upstream")
    browser.sign_in(gateway.admin_token)
    browser.see("Updated")
    gateway.stop()
    browser.see("The gateway does not answer; trying again in", within=30)
    browser.press("first")
    browser.press("Sign out")
    browser.element("//*[@id='toasts'][contains(., 'The gateway does not answer')]")
    gateway.start()
    browser.see("Updated", within=60)
    # It complained of nothing but that nobody was there.
    browser.forgive("ERR_CONNECTION_REFUSED", "ERR_EMPTY_RESPONSE", "ERR_CONNECTION_RESET", "ERR_CONNECTION_CLOSED")


def test_places_have_addresses_and_the_way_back_works(admin: Browser, governed: Gateway) -> None:
    tenant = governed.tenant()
    admin.press("Tenants")
    admin.press(tenant.name)
    admin.press("Limits")
    admin.heading(tenant.name)
    assert admin.place == f"/tenants/{tenant.name}/limits"
    assert admin.driver.title == f"{tenant.name} · e2b-gateway"
    admin.driver.back()
    admin.driver.back()
    admin.heading("Tenants")
    admin.driver.refresh()
    admin.heading("Tenants")
    admin.go("/no/such/place")
    admin.heading("Overview")


def test_a_reader_sees_everything_and_changes_nothing(browser: Browser, governed: Gateway) -> None:
    tenant, token = governed.tenant(), to_scopes(governed.admin_token, "admin:read")
    governed.secrets.add(token)
    browser.open(governed.admin_url, f"/tenants/{tenant.name}/keys")
    browser.sign_in(token)
    browser.see("You can look but not change anything here", tenant.key_id)
    before = audit_actions(governed, tenant.name)
    for name in ("Issue a key …", "Revoke …"):
        button = browser.element(f"//button[.='{name}']")
        assert button.get_attribute("aria-disabled") == "true"
        assert "admin:keys" in button.get_attribute("title")
        button.click()
    assert not browser.driver.find_elements("css selector", "dialog")
    browser.press("Use")
    browser.see("To see them, sign in with a token that has the scope")
    browser.expected_statuses = {403}
    browser.press("Audit")
    browser.see("The token does not allow this", "Sign in with one that may")
    assert audit_actions(governed, tenant.name) == before


def test_somebody_elses_change_is_not_written_over(admin: Browser, governed: Gateway) -> None:
    tenant = governed.tenant()
    admin.go(f"/tenants/{tenant.name}/limits")
    admin.write("Executions at once", "7")
    governed.command("quota", "set", tenant.name, "--executions", "3")
    admin.expected_statuses = {412}
    admin.press("Save")
    admin.see("Somebody changed this meanwhile")
    admin.press("Discard")
    eventually(lambda: admin.field("Executions at once").get_attribute("value") == "3", within=10, what="it is shown as it is")


def test_two_windows_are_two_sessions(admin: Browser, governed: Gateway) -> None:
    other = signed_in(governed)
    assert other.cookie != admin.cookie()["value"]
    assert other.call("DELETE", "/console/session").status == 204
    admin.press("Tenants")
    admin.see("Updated")
