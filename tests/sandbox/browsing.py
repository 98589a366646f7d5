"""A headless browser for the page's tests, and what both kinds of them do on the page."""

import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser, Locator, Page, ViewportSize, expect, sync_playwright

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
QUIET = ["--disable-background-networking", "--disable-component-update", "--disable-sync", "--no-first-run"]
ARGUMENTS = ["--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu", *QUIET]
DESKTOP: ViewportSize = {"width": 1280, "height": 880}
PHONE: ViewportSize = {"width": 390, "height": 844}
PATIENCE_MS = 60_000
expect.set_options(timeout=30_000)  # on a busy machine five seconds are nothing


@contextmanager
def chromium() -> Iterator[Browser]:
    """Headless Chromium. In CI its absence is a failure."""
    assert CHROMIUM is not None, "there is no chromium on PATH"
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield running
        running.close()


@contextmanager
def opened(browser: Browser, base_url: str, viewport: ViewportSize) -> Iterator[Page]:
    """The page, newly opened. Any error in its console, and any request to elsewhere, fails the test."""
    small = viewport is PHONE
    context = browser.new_context(viewport=viewport, color_scheme="dark", has_touch=small, is_mobile=small)
    page = context.new_page()
    page.set_default_timeout(PATIENCE_MS)
    errors: list[str] = []
    elsewhere: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("console", lambda line: errors.append(line.text) if line.type == "error" else None)
    inside = (base_url, "blob:", "data:")
    page.on("request", lambda one: None if one.url.startswith(inside) else elsewhere.append(one.url))
    page.goto(f"{base_url}/")
    expect(page.get_by_role("heading", level=1)).to_have_text("# newcomers")
    expect(page.locator("#messages")).to_have_attribute("aria-busy", "false")  # what was there before is shown
    yield page
    context.close()
    assert errors == []
    assert elsewhere == []


def messages(page: Page) -> Locator:
    """The messages that are there, without those still being sent."""
    return page.locator("#messages > li")


def newest(page: Page) -> Locator:
    """The lowest message."""
    return messages(page).last


def write(page: Page, text: str) -> None:
    """Type into the message box."""
    page.get_by_role("textbox", name=re.compile("^Message #")).click()
    page.keyboard.type(text)
