"""What others can do to whoever sits at the console: pages from elsewhere, and markup in every name."""

import contextlib
import http.server
import json
import threading
from collections.abc import Iterator
from urllib.parse import quote

import pytest

from harness.browser import Browser
from harness.gateway import Gateway
from harness.sandboxes import Door
from harness.tokens import for_subject
from harness.waiting import eventually

# What would run, load or break out if anything took it for markup.
# As a name may be that holds no space and no comma, such as a template's.
TIGHT_MARKUP = "<img/src=x/onerror=document.title='taken'><svg/onload=alert(1)>"
MARKUP = "<img src=x onerror=\"document.title='taken'\"><script>document.title='taken'</script>\"'><svg onload=alert(1)>"


@contextlib.contextmanager
def page_elsewhere(text: str) -> Iterator[str]:
    """A page of somebody else's on this machine: another port is another origin, though the same site."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("content-type", "text/html")
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, *words: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()


def tenants(gateway: Gateway) -> set[str]:
    return {tenant["name"] for tenant in gateway.json_command("tenant", "list")}


def test_a_page_from_elsewhere_cannot_act_for_whoever_is_signed_in(admin: Browser, governed: Gateway) -> None:
    """By everything a page can send without being allowed to read: forms, fetches, pictures, scripts, frames."""
    api = f"{governed.admin_url}/admin/v1"
    victim = governed.tenant()
    page = f"""<!doctype html><title>elsewhere</title>
    <form id=f action="{api}/tenants" method=post enctype="text/plain">
      <input name='{{"name":"forged-by-form","a":"' value='"}}'></form>
    <iframe name=sink src="{governed.admin_url}/console"></iframe>
    <img src="{api}/tenants"><script src="{api}/tenants"></script>
    <script>
    window.done = [];
    const to = (path, init) => fetch("{api}" + path, {{credentials: "include", ...init}})
      .then((r) => done.push(r.type + r.status), (e) => done.push("refused"));
    (async () => {{
      await to("/tenants", {{method: "POST", mode: "no-cors", body: JSON.stringify({{name: "forged-by-fetch"}})}});
      await to("/tenants", {{method: "POST", headers: {{"Content-Type": "application/json"}},
                             body: JSON.stringify({{name: "forged-by-json"}})}});
      await to("/keys/{victim.key_id}", {{method: "DELETE"}});
      await to("/tenants", {{}});
      f.target = "sink";
      f.submit();
      setTimeout(() => done.push("all"), 300);
    }})();
    </script>"""
    before = tenants(governed)
    with page_elsewhere(page) as address:
        admin.driver.get(address)
        done = eventually(
            lambda: (done := admin.driver.execute_script("return window.done")) and "all" in done and done,
            within=20, what="it has tried everything",
        )
        # What it may not send it could not, and what it sent it could not read.
        assert done == ["opaque0", "refused", "refused", "refused", "all"], done
        assert admin.driver.execute_script("try { return frames[0].document.body.innerText } catch { return 'apart' }") == "apart"
    admin.driver.get_log("browser")
    assert tenants(governed) == before
    assert victim.client.get("/v1/whoami").status == 200
    # Whoever was signed in still is.
    admin.open(governed.admin_url, "/tenants")
    admin.heading("Tenants")


def test_the_page_itself_runs_nothing_that_is_not_its_own(admin: Browser) -> None:
    """Even if markup came in: inline code, foreign scripts and texts that become markup are refused by the browser."""
    said = admin.driver.execute_async_script(
        """
        const done = arguments[0], seen = [];
        document.addEventListener('securitypolicyviolation', (e) => seen.push(e.effectiveDirective));
        const script = document.createElement('script');
        try { script.text = "document.title = 'taken'"; } catch { seen.push('trusted types'); }
        try { document.body.innerHTML = '<p>taken</p>'; } catch { seen.push('trusted types'); }
        const picture = new Image();
        picture.src = 'https://elsewhere.example/x.png';
        document.body.append(picture);
        const button = document.createElement('button');
        try { button.setAttribute('onclick', "document.title = 'taken'"); } catch { seen.push('trusted types'); }
        button.click();
        fetch('https://elsewhere.example/').catch(() => {});
        setTimeout(() => done([document.title, ...seen]), 500);
        """
    )
    assert said[0] != "taken"
    assert {"trusted types", "img-src", "connect-src"} <= set(said), said
    assert admin.faults()
    admin._faults.clear()


def test_markup_in_every_name_stays_text(admin: Browser, governed: Gateway) -> None:
    """Whatever callers may write freely: subjects, metadata, reasons, user agents, and what comes in by the address."""
    tenant = governed.tenant("--runtime", "600s/day")
    token = for_subject(tenant.token, MARKUP)
    governed.secrets.add(token)
    caller = governed.client(token)
    caller.post("print(1)", headers={"user-agent": MARKUP})
    door = Door(tenant)
    sandbox = door.made(metadata={MARKUP: MARKUP})
    refused = caller.post("print(1)", template=MARKUP[:60])
    assert refused.status >= 400
    execution = caller.execute("raise ValueError(" + json.dumps(MARKUP) + ")")["id"]

    for place, seen in (
        (f"/tenants/{tenant.name}/subjects", MARKUP),
        (f"/audit?tenant={tenant.name}", MARKUP),
        (f"/audit?execution={execution}", MARKUP),
        ("/sandboxes", sandbox),
        (f"/tenants/{tenant.name}", "Recent refusals"),
    ):
        admin.go(place)
        admin.see(seen)
        untouched(admin)
    admin.go(f"/audit?execution={execution}")
    admin.element("//button[contains(., 'Details')]").click()
    admin.see("In the chain", MARKUP)
    untouched(admin)
    admin.press("Close")
    # And what whoever sends a link puts into the address.
    admin.expected_statuses = {400, 404}
    coded = quote(MARKUP, safe="")
    fields = ("tenant", "subject", "key", "action", "outcome", "execution", "request", "trace", "from", "to", "after")
    for place in (
        "/tenants/{}", f"/tenants/{tenant.name}/keys/{{}}/rotation", *(f"/audit?{field}={{}}" for field in fields),
        "/sandboxes?tenant={}", "/tenants?q={}", "/settings?q={}", "/{}",
    ):
        admin.go(place.format(coded))
        admin.element("//h1")
        untouched(admin)
    assert door.kill(sandbox).status == 204


@pytest.mark.parametrize(
    ("place", "asks", "field", "does"),
    [
        ("/tenants", "New tenant …", "Name", "Create"),
        ("/tenants/{}/life", "Rename …", "New name", "Rename"),
        ("/administrators", "New admin token …", "Name", "Issue"),
        ("/upstream", "Add a key …", "Team", "Add"),
    ],
)
def test_markup_in_a_name_is_refused_and_stays_text(
    admin: Browser, governed: Gateway, place: str, asks: str, field: str, does: str
) -> None:
    tenant = governed.tenant()
    admin.expected_statuses = {400}
    admin.go(place.format(tenant.name))
    admin.press(asks)
    if field == "Team":
        admin.write("Key", governed.note_upstream_key("e2b_" + "7e57" * 10))
    admin.write(field, MARKUP)
    # So that it is the gateway that refuses, and the page that shows what it says.
    admin.driver.execute_script("document.querySelector('dialog[open] form').noValidate = true")
    admin.press(does)
    admin.element("//*[@role='alert'][normalize-space(.)!='']")
    untouched(admin)


def test_markup_in_limits_stays_text(admin: Browser, governed: Gateway) -> None:
    """A template may be called anything that is printed and has no space."""
    tenant = governed.tenant()
    admin.go(f"/tenants/{tenant.name}/limits")
    admin.write("Templates", TIGHT_MARKUP)
    admin.press("Save")
    admin.see(f"The limits of {tenant.name} are changed.")
    untouched(admin)
    admin.go(f"/tenants/{tenant.name}")
    admin.see(TIGHT_MARKUP)
    untouched(admin)
    admin.expected_statuses = {400}
    admin.go(f"/tenants/{tenant.name}/limits")
    admin.write("Rate", MARKUP)
    admin.press("Save")
    admin.element("//form//*[@role='alert'][normalize-space(.)!='']")
    untouched(admin)


def test_markup_in_a_subject_that_is_asked_for_stays_text(admin: Browser, governed: Gateway) -> None:
    tenant = governed.tenant("--subject-executions", "2")
    admin.go(f"/tenants/{tenant.name}/subjects")
    admin.write("Subject", MARKUP)
    admin.press("Look")
    admin.element("//section[h2='One subject’s share']//*[@role='status'][contains(., 'Executions')]")
    untouched(admin)


def test_markup_in_the_reason_of_a_pause_stays_text(admin: Browser) -> None:
    admin.press("Pause everything …")
    admin.write("Reason", MARKUP)
    admin.write("Type", "pause")
    admin.press("Pause")
    admin.see("Everything is paused since", MARKUP)
    untouched(admin)
    admin.press("Resume")
    admin.press("Resume")
    admin.see_no_more("Everything is paused since")


def test_markup_in_the_reason_of_a_suspension_stays_text(admin: Browser, governed: Gateway) -> None:
    """Wherever it is shown: at the key, in the tenant's head, its life, the list of tenants, the audit log."""
    tenant = governed.tenant()
    admin.go(f"/tenants/{tenant.name}/keys")
    admin.press("Suspend …", row=tenant.key_id)
    admin.write("Reason", MARKUP)
    admin.press("Suspend")
    admin.see("The key is suspended.", MARKUP)
    untouched(admin)
    admin.go(f"/tenants/{tenant.name}/keys/{tenant.key_id}/rotation")
    admin.see("it cannot be rotated", MARKUP)
    untouched(admin)
    admin.go(f"/tenants/{tenant.name}/life")
    admin.press("Suspend …")
    admin.write("Reason", MARKUP)
    admin.press("Suspend")
    admin.see(f"{tenant.name} is suspended.", MARKUP)
    untouched(admin)
    for place, seen in (
        (f"/tenants/{tenant.name}", "Longest execution"), (f"/tenants/{tenant.name}/subjects", "This month"),
        ("/tenants", "Limits of new tenants"),
    ):
        admin.go(place)
        admin.see(seen)
        admin.element("//p[contains(., 'by admin:first: <img src=x')]")
        untouched(admin)
    admin.go(f"/audit?tenant={tenant.name}&action=tenant.suspended")
    admin.element("//button[contains(., 'Details')]").click()
    admin.see("In the chain", "<svg onload=alert(1)>")
    untouched(admin)


def untouched(browser: Browser) -> None:
    assert browser.driver.title != "taken"
    strange = browser.driver.execute_script(
        "return [...document.querySelectorAll('main *, dialog *, #banner *')].filter((e) => ['IMG', 'SCRIPT', 'IFRAME'].includes(e.tagName)"
        " || [...e.attributes].some((a) => a.name.startsWith('on'))).map((e) => e.outerHTML)"
    )
    assert not strange
