"""The page in a real browser, the real bot and worker behind it: what a newcomer does in the first five minutes."""

import json
import os
import re
import shutil
import signal
import tempfile
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, Route, expect

from tests.e2e.demo import ROOT, Demo
from tests.sandbox.browsing import CHROMIUM, DESKTOP, PATIENCE_MS, PHONE, chromium, messages, newest, opened

SCREENSHOT = Path(os.environ.get("EASEL_SCREENSHOT") or ROOT / "build" / "screenshots" / "page.png")

if CHROMIUM is None and os.environ.get("CI") != "true":
    pytest.skip("no browser here: apt-get install chromium, to run the page's tests", allow_module_level=True)


@pytest.fixture(scope="module")
def demo() -> Iterator[Demo]:
    """Everything behind the page, as real processes."""
    data = Path(tempfile.mkdtemp(prefix="easel-"))
    running = Demo(data)
    try:
        running.start()
        yield running
        running.stop()
    finally:
        shutil.rmtree(data, ignore_errors=True)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Headless Chromium."""
    with chromium() as running:
        yield running


@pytest.fixture
def page(browser: Browser, demo: Demo) -> Iterator[Page]:
    """The page on a desktop."""
    with opened(browser, demo.facts["base_url"], DESKTOP) as page:
        yield page


@pytest.fixture
def phone(browser: Browser, demo: Demo) -> Iterator[Page]:
    """The page on a small touch screen."""
    with opened(browser, demo.facts["base_url"], PHONE) as page:
        yield page


def grids(page: Page) -> Locator:
    """The messages with a grid's buttons."""
    return messages(page).filter(has=page.get_by_role("button", name="U1", exact=True))


def expect_picture(message: Locator) -> None:
    """The message's picture is there, decoded and as large as it is shown."""
    image = message.locator(".picture img.ready")
    expect(image).to_have_count(1, timeout=PATIENCE_MS)
    assert image.evaluate("image => image.naturalWidth") > 0
    assert image.evaluate("image => image.getBoundingClientRect().width") > 200


def imagine(page: Page, prompt: str) -> Locator:
    """Type the command and wait for the grid; its message."""
    before = grids(page).count()
    page.get_by_role("textbox", name=re.compile("^Message #")).click()
    page.keyboard.type(f"/imagine {prompt}")
    page.keyboard.press("Enter")
    expect(grids(page)).to_have_count(before + 1, timeout=PATIENCE_MS)
    message = grids(page).last
    expect_picture(message)
    return message


def by_id(page: Page, message: Locator) -> Locator:
    """The same message later on, however many came after it."""
    return page.locator(f"li[id='{message.get_attribute('id')}']")


def test_imagine_then_every_kind_of_button(page: Page) -> None:
    """The picker completes the command, the picture emerges, and U1, V2 and 🔄 each bring their message."""
    page.keyboard.type("/im")
    expect(page.get_by_role("option", name=re.compile("imagine"))).to_be_visible()
    page.keyboard.press("Tab")
    prompt = page.get_by_role("textbox", name=re.compile("^prompt:"))
    expect(prompt).to_be_focused()
    page.keyboard.type("a blue butterfly, watercolor")
    page.keyboard.press("Enter")
    expect(messages(page).filter(has_text="Waiting to start").or_(messages(page).filter(has_text="%)"))).to_be_visible()
    expect(grids(page)).to_have_count(1, timeout=PATIENCE_MS)
    grid = by_id(page, grids(page).last)
    expect(grid).to_contain_text("a blue butterfly, watercolor")
    expect_picture(grid)
    assert grid.get_by_role("button", name=re.compile(r"^(U|V)[1-4]$|^🔄$")).count() == 9
    SCREENSHOT.parent.mkdir(parents=True, exist_ok=True)
    page.mouse.move(0, 0)
    page.screenshot(path=SCREENSHOT)

    grid.get_by_role("button", name="U1", exact=True).click()
    upscale = messages(page).filter(has_text="Image #1").filter(has=page.get_by_role("button", name="Vary (Subtle)"))
    expect(upscale).to_have_count(1, timeout=PATIENCE_MS)
    expect_picture(upscale)
    grid.get_by_role("button", name="V2", exact=True).click()
    expect(grids(page)).to_have_count(2, timeout=PATIENCE_MS)
    expect(grids(page).last).to_contain_text("Variations")
    grid.get_by_role("button", name="🔄").click()
    expect(grids(page)).to_have_count(3, timeout=PATIENCE_MS)
    expect(messages(page).filter(has_text="Waiting to start")).to_have_count(0)
    for name in ("U1", "V2", "🔄"):  # what has been pressed is blue, what has not is as it was
        expect(grid.get_by_role("button", name=name, exact=True)).to_have_css("background-color", "rgb(58, 105, 201)")
    assert grid.locator(".button.primary").count() == 3


def test_many_jobs_are_asked_about_first(page: Page) -> None:
    """The question says how many; No runs none of them, and the queue says so too."""
    page.get_by_role("textbox", name=re.compile("^Message #")).click()
    page.keyboard.type("/imagine a {red, green} house --repeat 2")
    page.keyboard.press("Enter")
    question = by_id(page, messages(page).filter(has_text="Are you sure?"))
    expect(question).to_contain_text("This makes 4 jobs, 16 pictures")
    expect(question.get_by_role("button", name="Yes, run 4 jobs")).to_be_visible()
    question.get_by_role("button", name="No", exact=True).click()
    expect(question).to_contain_text("Nothing was run.")
    expect(question.get_by_role("button", name=re.compile("^Yes|^No"))).to_have_count(0)
    page.get_by_role("textbox", name=re.compile("^Message #")).click()
    page.keyboard.type("/queue")
    page.keyboard.press("Enter")  # chooses the command
    page.keyboard.press("Enter")
    expect(newest(page)).to_contain_text("You have no jobs waiting or running.")


def test_a_finished_picture_is_sent_shown_again_and_deleted(page: Page) -> None:
    """The envelope brings a direct message with the job's id, /show posts it once more, the cross deletes it."""
    grid = by_id(page, imagine(page, "a rocket --seed 5"))
    grid.hover()
    grid.get_by_role("button", name="React with ✉️").click()
    channels = page.get_by_role("navigation", name="Channels")
    channels.get_by_role("button", name=re.compile("Easel")).click()
    sent = messages(page).filter(has_text="a rocket --seed 5")
    expect(sent).to_contain_text("seed 5")
    expect(sent.locator(".attachments img.ready")).to_have_count(4)
    found = re.search(r"Job ID: (\S+)", sent.inner_text())
    assert found is not None
    channels.get_by_role("button", name="newcomers").click()
    page.get_by_role("textbox", name=re.compile("^Message #")).click()
    page.keyboard.type(f"/show {found[1]}")
    page.keyboard.press("Enter")
    expect(messages(page).filter(has_text="a rocket --seed 5")).to_have_count(2)
    expect(newest(page)).to_contain_text("a rocket --seed 5")
    expect_picture(newest(page))
    grid.hover()
    grid.get_by_role("button", name="React with ❌").click()
    expect(grid).to_have_count(0)


def test_a_picture_opens_large_and_closes_by_keyboard(page: Page) -> None:
    """Enter on a picture opens the viewer, Escape closes it."""
    grid = imagine(page, "a green tree")
    grid.get_by_role("button", name=re.compile("^Enlarge picture")).press("Enter")
    viewer = page.get_by_role("dialog", name="Picture")
    expect(viewer.get_by_role("img")).to_be_visible()
    assert viewer.get_by_role("img").evaluate("image => image.getBoundingClientRect().height") > 600
    page.keyboard.press("Escape")
    expect(viewer).to_have_count(0)


def test_a_refusal_is_shown_in_red(page: Page) -> None:
    """The embed names the wrong word."""
    page.keyboard.type("/imagine a fox --abcde 7")
    page.keyboard.press("Enter")
    embed = newest(page).locator(".embed")
    expect(embed).to_contain_text("abcde")
    assert embed.evaluate("box => getComputedStyle(box).borderLeftColor") == "rgb(255, 0, 0)"


def test_a_missing_required_option_is_pointed_at(page: Page) -> None:
    """Nothing is sent; the line below says which option is missing, and the caret is in it."""
    page.keyboard.type("/imagine ")
    page.keyboard.press("Enter")
    expect(page.get_by_role("status").filter(has_text="prompt: This option is required")).to_be_visible()
    expect(page.get_by_role("textbox", name=re.compile("^prompt:"))).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.get_by_role("textbox", name=re.compile("^Message #"))).to_be_focused()


def test_a_channel_is_loaded_once(page: Page) -> None:
    """Opened because the connection became ready, it is not emptied and fetched again for the same reason."""
    fetched: list[str] = []
    page.on("request", lambda one: fetched.append(one.url) if re.search(r"/messages\?", one.url) else None)
    page.reload()
    expect(page.locator("#messages")).to_have_attribute("aria-busy", "false")
    # The commands are asked for last, so by now a second load would have been asked for too.
    page.keyboard.type("/imagine ")
    expect(page.get_by_role("textbox", name=re.compile("^prompt:"))).to_be_focused()
    assert len(fetched) == 1


def test_a_command_typed_before_the_commands_are_there_is_one(page: Page) -> None:
    """A person who types faster than the list loads is not told that there is no such command."""

    def late(route: Route) -> None:
        page.wait_for_timeout(500)
        route.continue_()

    page.route("**/application-command-index", late)
    page.reload()
    expect(page.locator("#messages")).to_have_attribute("aria-busy", "false")
    page.keyboard.type("/imagine ")
    page.keyboard.press("Enter")
    expect(page.get_by_role("status").filter(has_text="prompt: This option is required")).to_be_visible()
    page.unroute("**/application-command-index")


def test_a_suggestion_fills_the_composer(page: Page) -> None:
    """In an empty channel a click on a suggested prompt is the first picture but for Enter."""
    page.get_by_role("button", name="showcase").click()
    page.get_by_role("button", name="two cats").click()
    prompt = page.get_by_role("textbox", name=re.compile("^prompt:"))
    expect(prompt).to_have_value("two cats")
    expect(prompt).to_be_focused()


def test_what_people_type_is_text_and_never_markup(page: Page) -> None:
    """Tags are shown as typed; Discord's markdown is understood; script links are none."""
    hostile = '<img src=x onerror="document.title=1"> **bold** [link](javascript:alert(1))'
    page.keyboard.type(hostile)
    page.keyboard.press("Enter")
    content = newest(page).locator(".content")
    expect(content).to_contain_text('<img src=x onerror="document.title=1"> bold [link](javascript:alert(1))')
    expect(content.locator("strong")).to_have_text("bold")
    assert content.locator("img, a").count() == 0


def test_two_people_share_the_page(page: Page) -> None:
    """The switch changes who one is; both see what is said."""
    page.get_by_role("radio", name="Ben").click()
    expect(page.get_by_role("radio", name="Ben")).to_be_checked()
    page.get_by_role("textbox", name=re.compile("^Message #")).click()
    page.keyboard.type("hello from Ben")
    page.keyboard.press("Enter")
    expect(newest(page)).to_contain_text("hello from Ben")
    page.get_by_role("radio", name="Ada").click()
    expect(newest(page)).to_contain_text("hello from Ben")
    expect(newest(page).locator(".author")).to_have_text("Ben")


def test_who_types_before_the_channels_came_is_who_was_chosen(page: Page) -> None:
    """What is typed right after the switch is the new person's, and nothing of the other one's is left to press."""
    held: list[Route] = []
    page.route("**/api/v9/guilds/*/channels", lambda request: held.append(request))
    page.get_by_role("radio", name="Ben").click()
    expect(page.get_by_role("radio", name="Ben")).to_be_checked()
    assert messages(page).count() == 0
    page.get_by_role("textbox", name=re.compile("^Message #")).click()
    page.keyboard.type("Ben is quicker than his channels")
    page.keyboard.press("Enter")
    expect(page.get_by_role("textbox", name=re.compile("^Message #"))).to_have_value("")
    for request in held:
        request.continue_()
    expect(newest(page)).to_contain_text("Ben is quicker than his channels")
    expect(newest(page).locator(".author")).to_have_text("Ben")


def test_a_silent_bot_is_said_to_be_silent(page: Page, demo: Demo) -> None:
    """A bot that does not answer within Discord's three seconds leaves a sentence, not a spinner."""
    page.get_by_role("button", name="showcase").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("# showcase")
    os.kill(demo.pids["bot"], signal.SIGSTOP)
    try:
        page.keyboard.type("/imagine a red apple")
        page.keyboard.press("Enter")
        expect(page.get_by_text("Sending command")).to_be_visible()
        expect(page.get_by_role("alert")).to_contain_text("The application did not respond")
    finally:
        os.kill(demo.pids["bot"], signal.SIGCONT)
    page.get_by_role("button", name="Dismiss", exact=True).click()
    expect(page.get_by_role("alert")).to_have_count(0)


@pytest.mark.parametrize("trouble", ["drop", "reconnect", "invalid_session"])
def test_a_lost_connection_comes_back_by_itself(page: Page, demo: Demo, trouble: str) -> None:
    """Cut, asked to reconnect, or its session forgotten: the page goes on showing what is said."""
    expect(messages(page).first).to_be_visible()
    body = json.dumps({"kind": trouble, "bots": False, "resumable": False}).encode()
    request = urllib.request.Request(
        f"{demo.facts['base_url']}/_sandbox/faults", data=body, headers={"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request) as answer:
        assert json.load(answer)["struck"] >= 1
    page.get_by_role("textbox", name=re.compile("^Message #")).click()
    page.keyboard.type(f"still here after {trouble}")
    page.keyboard.press("Enter")
    expect(newest(page)).to_contain_text(f"still here after {trouble}")
    expect(page.locator("#banner")).to_be_hidden()


def test_everything_fits_on_a_phone(phone: Page) -> None:
    """Nothing is cut off at 390 pixels, the channels are a drawer, and buttons are large enough for fingers."""
    expect(phone.get_by_role("navigation", name="Channels")).to_be_hidden()
    phone.get_by_role("button", name="Show channels").tap()
    phone.get_by_role("button", name="general-art").tap()
    expect(phone.get_by_role("heading", level=1)).to_have_text("# general-art")
    expect(phone.get_by_role("navigation", name="Channels")).to_be_hidden()
    grid = imagine(phone, "a rocket")
    assert phone.evaluate("document.documentElement.scrollWidth") == PHONE["width"]
    boxes = [button.bounding_box() for button in grid.get_by_role("button", name=re.compile("^[UV][1-4]$")).all()]
    assert len(boxes) == 8
    for box in boxes:
        assert box is not None
        assert box["height"] >= 40
        assert 0 <= box["x"] <= PHONE["width"] - box["width"]
    phone.screenshot(path=SCREENSHOT.with_stem(f"{SCREENSHOT.stem}-phone"))


def test_every_control_has_a_name(page: Page) -> None:
    """A screen reader can say what each button, field and picture is."""
    imagine(page, "a red apple")
    page.get_by_role("textbox", name=re.compile("^Message #")).click()
    page.keyboard.type("/")
    expect(page.get_by_role("listbox")).to_be_visible()
    nameless = page.evaluate(
        """() => [...document.querySelectorAll('button, a, textarea, input, img, [role^=listbox], [role=option]')]
            .filter((one) => one.checkVisibility() && !one.closest('[aria-hidden=true]'))
            .filter((one) => !(one.getAttribute('aria-label') || one.getAttribute('aria-labelledby') || one.title
                || one.textContent.trim() || one.querySelector('[role=img][aria-label]')
                || one.placeholder || one.hasAttribute('alt') || one.labels?.length))
            .map((one) => one.outerHTML)"""
    )
    assert nameless == []
