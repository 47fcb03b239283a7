"""A real browser at the console: Debian's Chromium, driven as a person would, and looked over the shoulder."""

import contextlib
import json
import os
import pathlib
import tempfile
from collections.abc import Callable, Iterator
from typing import TypeVar

import axe_core_python
from selenium import webdriver
from selenium.common.exceptions import StaleElementReferenceException
from selenium.webdriver.chrome.service import Service as Driver
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webelement import WebElement

from harness.waiting import eventually

Value = TypeVar("Value")

PATIENCE = 15
_AXE = (pathlib.Path(axe_core_python.__file__).parent / "axe.min.js").read_text()
# Levels A and AA of WCAG 2.1, and what axe holds for good practice.
_RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice"]


class Browser:
    """One window. What it logs is a fault unless a test has said that it will come."""

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory()
        options = webdriver.ChromeOptions()
        options.binary_location = "/usr/bin/chromium"
        arguments = ["--headless=new", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run", "--lang=en-GB"]
        # Of Chromium's own sandbox root has none.
        arguments += ["--no-sandbox"] if os.geteuid() == 0 else []
        arguments += [f"--user-data-dir={self._folder.name}", "--hide-scrollbars", "--no-proxy-server"]
        for argument in arguments:
            options.add_argument(argument)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
        self.driver = webdriver.Chrome(options=options, service=Driver("/usr/bin/chromedriver"))
        self.driver.set_script_timeout(60)
        self.url = ""
        self.expected_statuses: set[int] = set()
        self._faults: list[str] = []

    def quit(self) -> None:
        self.driver.quit()
        self._folder.cleanup()

    def forget(self) -> None:
        """As if nobody had been here."""
        self.driver.get("about:blank")
        self.driver.execute_cdp_cmd("Network.clearBrowserCookies", {})
        if self.url:
            self.driver.execute_cdp_cmd("Storage.clearDataForOrigin", {"origin": self.url, "storageTypes": "all"})
        self.look(1280, "light")
        self.faults()
        self._faults, self.expected_statuses = [], set()

    # Where

    def look(self, width: int, scheme: str, height: int = 900) -> None:
        """How wide the window is, and whether the system is light or dark."""
        self.driver.execute_cdp_cmd(
            "Emulation.setDeviceMetricsOverride",
            {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False},
        )
        features = [
            {"name": "prefers-color-scheme", "value": scheme},
            {"name": "prefers-reduced-motion", "value": "reduce"},
        ]
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})

    def open(self, url: str, place: str = "/") -> None:
        """The console of a gateway, anew."""
        self.url = url
        self.driver.get("about:blank")
        self.driver.get(f"{url}/console#{place}")

    def go(self, place: str) -> None:
        """Another place of the same console, as a link would."""
        self.driver.execute_script("location.hash = arguments[0]", f"#{place}")

    @property
    def place(self) -> str:
        return self.driver.execute_script("return location.hash.slice(1)")

    def sign_in(self, token: str) -> None:
        self.write("Admin token", token)
        self.press("Sign in")
        self.element("//header")

    def cookie(self) -> dict | None:
        """Also one that no script can read."""
        cookies = self.driver.execute_cdp_cmd("Network.getCookies", {"urls": [self.url]})["cookies"]
        return cookies[0] if cookies else None

    # What a person sees and does

    def element(self, path: str, *, within: float = PATIENCE) -> WebElement:
        """The first visible element of this XPath, in the dialog if one is open."""

        def visible() -> WebElement | None:
            dialogs = self.driver.find_elements(By.CSS_SELECTOR, "dialog[open]")
            root = dialogs[-1] if dialogs else self.driver.find_element(By.TAG_NAME, "body")
            with contextlib.suppress(StaleElementReferenceException):
                for element in root.find_elements(By.XPATH, f".{path}"):
                    if element.is_displayed():
                        return element
            return None

        return self._await(visible, within, f"{path} is there")

    def text(self) -> str:
        return self.driver.execute_script("return document.body.innerText")

    def see(self, *texts: str, within: float = PATIENCE) -> None:
        for text in texts:
            self._await(lambda: text in self.text(), within, f"{text!r} is seen")

    def see_no_more(self, text: str, within: float = PATIENCE) -> None:
        self._await(lambda: text not in self.text(), within, f"{text!r} is gone")

    def see_none(self, selector: str, within: float = PATIENCE) -> None:
        """Nothing that this CSS selector finds is there any more."""
        self._await(lambda: not self.driver.find_elements(By.CSS_SELECTOR, selector), within, f"no {selector} is there")

    def focus_is_on(self, name: str, within: float = PATIENCE) -> None:
        self._await(lambda: self.focused == name, within, f"the focus is on {name!r}")

    def _await(self, condition: Callable[[], Value], within: float, what: str) -> Value:
        try:
            return eventually(condition, within=within, what=what, pause=0.1)
        except AssertionError as fault:
            raise AssertionError(f"{fault}\nat {self.place}\n{self.text()[:3000]}") from None

    def heading(self, text: str) -> None:
        self.element(f"//h1[normalize-space(.)={_quoted(text)}]")

    def press(self, name: str, *, row: str | None = None) -> None:
        """A button or link of this name; in the row that has this text, if one is given."""
        kind = f"(self::button or self::a or self::summary) and normalize-space(.)={_quoted(name)}"
        place = f"//tr[contains(., {_quoted(row)})]" if row else ""

        def pressed() -> bool:
            # A list that is made anew meanwhile has another button.
            try:
                self.element(f"{place}//*[{kind}]").click()
            except StaleElementReferenceException:
                return False
            return True

        eventually(pressed, within=PATIENCE, what=f"{name!r} is pressed")

    def field(self, label: str) -> WebElement:
        name = _quoted(label)
        by_label = f"//*[@id=//label[normalize-space(.)={name}]/@for]"
        return self.element(f"{by_label}[1] | .//label[normalize-space(.)={name}]//input | .//*[@aria-label={name}]")

    def write(self, label: str, text: str) -> None:
        field = self.field(label)
        field.send_keys(Keys.CONTROL, "a")
        field.send_keys(text or Keys.DELETE)

    def keys(self, *keys: str) -> None:
        self.driver.switch_to.active_element.send_keys(*keys)

    @property
    def focused(self) -> str:
        """What the focus is on: its name, or else its text."""
        return self.driver.execute_script(
            "const e = document.activeElement; return (e.getAttribute('aria-label') || e.innerText || e.name || e.tagName).trim()"
        )

    # What must hold

    def faults(self) -> list[str]:
        """All that the browser has complained of since the last look, without refusals that were expected."""
        for entry in self.driver.get_log("browser"):
            expected = entry["source"] == "network" and any(
                f"status of {status} " in entry["message"] for status in self.expected_statuses
            )
            if entry["level"] in ("SEVERE", "WARNING") and not expected:
                self._faults.append(entry["message"])
        return self._faults

    def forgive(self, *texts: str) -> None:
        """Takes back complaints that contain one of these, and no others."""
        self._faults = [fault for fault in self.faults() if not any(text in fault for text in texts)]

    def overflow(self) -> int:
        """By how many pixels the page is wider than the window."""
        return self.driver.execute_script("return document.documentElement.scrollWidth - innerWidth")

    def accessibility_faults(self) -> list[str]:
        """What axe-core finds. It comes in by the debugger, so that the page's own policy stays as it is."""
        self.driver.execute_cdp_cmd("Runtime.evaluate", {"expression": _AXE})
        report = self.driver.execute_async_script(
            "const done = arguments[1]; axe.run(document, {runOnly: arguments[0], resultTypes: ['violations']})"
            ".then((r) => done(r.violations), (e) => done([{id: String(e), nodes: []}]))",
            _RULES,
        )
        return [
            f"{fault['id']}: {fault.get('help', '')}\n" + "\n".join(
                f"    {node['html'][:300]}\n      {json.dumps(node.get('failureSummary', ''))[:400]}" for node in fault["nodes"][:5]
            )
            for fault in report
        ]

    def picture(self) -> bytes:
        """What is seen, as PNG."""
        return self.driver.get_screenshot_as_png()


@contextlib.contextmanager
def browsing() -> Iterator[Browser]:
    browser = Browser()
    try:
        yield browser
    finally:
        browser.quit()


def _quoted(text: str) -> str:
    assert "'" not in text or '"' not in text
    return f'"{text}"' if "'" in text else f"'{text}'"
