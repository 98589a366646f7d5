"""The page in a real browser before a bot that shows one of everything: what Discord draws, the page draws."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, FilePayload, Locator, Page, expect

from tests.e2e.demo import ROOT
from tests.sandbox.browsing import CHROMIUM, DESKTOP, PHONE, chromium, messages, newest, opened, write
from tests.sandbox.showcase import PICTURES, picture

if CHROMIUM is None and os.environ.get("CI") != "true":
    pytest.skip("no browser here: apt-get install chromium, to run the page's tests", allow_module_level=True)


@pytest.fixture(scope="module")
def facts() -> Iterator[dict[str, str]]:
    """A sandbox, and the showcase's bot on it."""
    serve = [sys.executable, "-m", "sandbox", "serve", "--json", "--port", "0"]
    with subprocess.Popen(serve, cwd=ROOT, stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout is not None
            known = json.loads(server.stdout.readline())
            arguments = [known[name] for name in ("base_url", "bot_token", "channel_id")]
            show = [sys.executable, "-m", "tests.sandbox.showcase", *arguments]
            with subprocess.Popen(show, cwd=ROOT, stdout=subprocess.PIPE, text=True) as bot:
                try:
                    assert bot.stdout is not None
                    assert bot.stdout.readline() == "ready\n"
                    yield known
                finally:
                    bot.terminate()
        finally:
            server.terminate()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Headless Chromium."""
    with chromium() as running:
        yield running


@pytest.fixture
def page(browser: Browser, facts: dict[str, str]) -> Iterator[Page]:
    """The page on a desktop."""
    with opened(browser, facts["base_url"], DESKTOP) as page:
        yield page


@pytest.fixture
def phone(browser: Browser, facts: dict[str, str]) -> Iterator[Page]:
    """The page on a small touch screen."""
    with opened(browser, facts["base_url"], PHONE) as page:
        yield page


def shown(page: Page, text: str) -> Locator:
    """The showcase's message that begins with a text."""
    return messages(page).filter(has_text=re.compile(f"{text}")).first


def png(name: str) -> FilePayload:
    """A picture to be chosen for upload."""
    return {"name": name, "mimeType": "image/png", "buffer": picture(1).getvalue()}


def drop(target: Locator, *names: str) -> None:
    """Drag files onto an element and let them go."""
    files = target.page.evaluate_handle(
        """(names) => {
            const carried = new DataTransfer();
            for (const name of names) carried.items.add(new File(["x"], name, { type: "image/png" }));
            return carried;
        }""",
        list(names),
    )
    for event in ("dragover", "drop"):
        target.dispatch_event(event, {"dataTransfer": files, "bubbles": True, "cancelable": True})


def chip(page: Page, option: str) -> Locator:
    """The field of a command's option."""
    return page.locator(".chip").filter(has=page.locator(".chip-name", has_text=re.compile(f"^{option}$")))


def add_option(page: Page, option: str) -> None:
    """Open one of the optional options."""
    page.locator(".more-options").click()
    page.locator(".option").filter(has_text=re.compile(f"^{option}")).click()


# What is shown


def test_emoji_on_buttons_are_drawn_without_a_font(page: Page) -> None:
    """🔄 and the others are drawings with a size and a colour of their own, and say their name."""
    for name, button in (("🔄", "🔄"), ("🖌️", "Region")):
        drawn = shown(page, "panel").get_by_role("button", name=button).get_by_role("img", name=name)
        box = drawn.locator("svg").bounding_box()
        assert box is not None
        assert box["width"] >= 15
        assert drawn.locator("path").count() >= 2


def test_many_pictures_stand_in_rows_of_three(page: Page) -> None:
    """As on Discord: one above, then threes; none is cut off by the message's width."""
    boxes = [one.bounding_box() for one in shown(page, "pictures").locator(".picture").all()]
    assert len(boxes) == PICTURES
    tops = [round(box["y"]) for box in boxes if box is not None]
    assert [tops.count(top) for top in sorted(set(tops))] == [1, 3, 3]


def test_an_animation_moves(page: Page) -> None:
    """An animated WebP is a picture like others, and the browser plays it."""
    moving = shown(page, "animation").locator("img.ready")
    moving.scroll_into_view_if_needed()
    first = moving.screenshot()
    for _ in range(50):
        page.wait_for_timeout(40)
        if moving.screenshot() != first:
            return
    pytest.fail("the picture stands still")


def test_a_layout_shows_gallery_section_and_file(page: Page) -> None:
    """Components V2: a heading, pictures of which one is hidden until asked for, a thumbnail, a file with its size."""
    layout = messages(page).filter(has_text="Sheet")
    expect(layout.get_by_role("heading", name="Sheet")).to_be_visible()
    expect(layout.locator(".gallery img.ready")).to_have_count(2)
    hidden = layout.get_by_role("button", name="Hidden; press to show")
    hidden.click()
    expect(layout.locator(".hidden-content")).to_have_count(0)
    expect(layout.locator(".thumbnail img.ready")).to_have_count(1)
    expect(layout.get_by_role("link", name=re.compile("notes.txt"))).to_contain_text("2 KB")


def test_links_to_messages_stay_on_the_page(page: Page) -> None:
    """In text and on buttons, named or bare; the message is brought into sight, and the way back works."""
    first = messages(page).filter(has_text="the first of all")
    for link in (
        shown(page, "history:").get_by_role("link", name="#newcomers › message"),
        shown(page, "history:").get_by_role("link", name="this one"),
        shown(page, "panel").get_by_role("link", name="First message"),
    ):
        link.scroll_into_view_if_needed()
        page.evaluate("location.hash = ''")
        link.click()
        expect(first).to_be_in_viewport()
        assert page.url.split("#")[0].endswith("/")
    outside = shown(page, "panel").get_by_role("link", name="Elsewhere")
    expect(outside).to_have_attribute("target", "_blank")


# What is filled in


def test_a_region_modal_takes_cells_files_and_choices(page: Page) -> None:
    """Everything that was filled in reaches the bot: several cells, two files, words, one choice of each kind."""
    shown(page, "panel").get_by_role("button", name="Region").click()
    modal = page.get_by_role("dialog", name="Vary (Region)")
    modal.get_by_role("combobox").click()
    for cell in ("A1", "C3", "E5"):
        modal.get_by_role("option", name=cell).click()
    page.keyboard.press("Escape")
    expect(modal).to_be_visible()
    with page.expect_file_chooser() as chooser:
        modal.get_by_role("button", name=re.compile("Choose up to 2 files")).click()
    chooser.value.set_files([png("mask.png")])
    drop(modal.locator(".upload"), "second.png")
    expect(modal.locator(".file-chip")).to_have_count(2)
    modal.get_by_role("textbox").fill("a blue apple\non a table")
    modal.get_by_text("Subtle").click()
    modal.get_by_text("Edge").click()
    modal.get_by_role("button", name="Submit").click()
    expect(newest(page)).to_contain_text("cells A1 C3 E5; files mask.png second.png")
    expect(newest(page)).to_contain_text(r"words 'a blue apple\non a table'; Subtle; ['Edge']")


def test_a_modal_of_other_fields(page: Page) -> None:
    """A person, a box to tick, a list; the answer is for one's own eyes and can be put away."""
    shown(page, "panel").get_by_role("button", name="Choices").click()
    modal = page.get_by_role("dialog", name="Choices")
    expect(modal).to_contain_text("Some text above the fields.")
    for field, option in (("Who", "Ben"), ("Style", "ink")):
        modal.get_by_role("combobox", name=field).click()
        modal.get_by_role("option", name=option).click()
    modal.get_by_label("Agree").check()
    modal.get_by_role("button", name="Submit").click()
    expect(newest(page)).to_contain_text("ben True ink")
    newest(page).get_by_role("button", name="Dismiss message").click()
    expect(messages(page).filter(has_text="ben True ink")).to_have_count(0)


def test_select_menus_under_a_message(page: Page) -> None:
    """One choice goes at once, several when the list closes."""
    panel = shown(page, "panel")
    panel.get_by_role("combobox", name="A page").click()
    panel.get_by_role("option", name="Page 2").click()
    expect(newest(page)).to_contain_text("chose Page 2")
    panel.get_by_role("combobox", name="Several").click()
    for name in ("one", "three"):
        panel.get_by_role("option", name=name).click()
    page.keyboard.press("Escape")
    expect(newest(page)).to_contain_text("chose one and three")


# Commands


def test_options_of_every_type(page: Page) -> None:
    """Text, numbers, choices, suggestions of the bot, a person, a role, either."""
    write(page, "/everything a fox")
    for option, typed, offer in (
        ("size", "7", None),
        ("style", "", "ink"),
        ("model", "x", "Model x2"),
        ("who", "", "Ben"),
        ("role", "", "@everyone"),
        ("anybody", "", "Ada"),
    ):
        add_option(page, option)
        page.keyboard.type(typed)
        if offer is not None:
            page.get_by_role("option", name=offer, exact=True).click()
    page.keyboard.press("Enter")
    expect(newest(page)).to_contain_text("'a fox'; files ; 7; ink; m2; ben; @everyone; ada; en-US")


def test_a_prompt_may_have_several_lines(page: Page) -> None:
    """By Shift+Enter, pasted into the option, or pasted with the command's name before it."""
    write(page, "/everything one")
    page.keyboard.press("Shift+Enter")
    page.keyboard.insert_text("two\nthree")
    expect(page.get_by_role("textbox", name=re.compile("^prompt"))).to_have_value("one\ntwo\nthree")
    page.keyboard.press("Enter")
    expect(newest(page)).to_contain_text(r"'one\ntwo\nthree'; files")
    page.get_by_role("textbox", name=re.compile("^Message #")).click()
    page.keyboard.insert_text("/everything four\nfive")
    expect(page.get_by_role("textbox", name=re.compile("^prompt"))).to_have_value("four\nfive")
    page.keyboard.press("Enter")
    expect(newest(page)).to_contain_text(r"'four\nfive'; files")


@pytest.mark.parametrize("typed", ["/everythin a fox", "/evreything a fox", "/everythingg a fox"])
def test_a_slip_of_the_finger_is_understood(page: Page, typed: str) -> None:
    """The command that was meant is suggested, and takes over what followed it."""
    write(page, typed)
    expect(page.get_by_text("Did you mean")).to_be_visible()
    page.keyboard.press("Enter")
    expect(page.get_by_role("textbox", name=re.compile("^prompt"))).to_have_value("a fox")
    page.keyboard.press("Enter")
    expect(newest(page)).to_contain_text("'a fox'; files ;")


def test_two_enters_do_not_send_an_empty_option(page: Page) -> None:
    """The first chooses the command, the second says that nothing is filled in; a third means it."""
    before = messages(page).count()
    write(page, "/prefer suffix")
    page.keyboard.press("Enter")
    page.keyboard.press("Enter")
    expect(page.get_by_role("status").filter(has_text="Nothing is filled in")).to_be_visible()
    assert messages(page).count() == before
    page.keyboard.press("Enter")
    expect(newest(page)).to_contain_text("suffix None")
    write(page, "/prefer suffix --ar 3:2")
    page.keyboard.press("Enter")
    expect(newest(page)).to_contain_text("suffix '--ar 3:2'")


def test_files_for_a_command_can_be_dropped_anywhere(page: Page) -> None:
    """They go to its options for files, one each, and none is lost in silence."""
    write(page, "/everything a fox")
    drop(page.locator("#scroller"), "a.png", "b.png", "c.png")
    expect(chip(page, "image")).to_contain_text("a.png")
    expect(chip(page, "second")).to_contain_text("b.png")
    expect(page.get_by_role("status").filter(has_text="no place for c.png")).to_be_visible()
    page.keyboard.press("Enter")
    expect(newest(page)).to_contain_text("'a fox'; files a.png b.png")


def test_files_that_came_before_their_command_are_for_it(page: Page) -> None:
    """Dropped while its name is still being typed."""
    write(page, "/every")
    drop(page.locator("#scroller"), "a.png")
    expect(page.locator(".file-chip")).to_have_count(1)
    page.get_by_role("textbox", name=re.compile("^Message #")).click()
    page.get_by_role("option").filter(has_text="/everything").click()
    expect(chip(page, "image")).to_contain_text("a.png")
    page.keyboard.press("Escape")


def test_files_for_a_message_can_be_dropped_anywhere(page: Page) -> None:
    """Seen before they are sent, and taken out again by a press."""
    drop(page.locator("#scroller"), "a.png", "b.png")
    page.get_by_role("button", name="Remove b.png").click()
    expect(page.locator(".file-chip")).to_have_count(1)
    write(page, "look")
    page.keyboard.press("Enter")
    expect(newest(page)).to_contain_text("look")
    expect(newest(page).locator(".attachments > *")).to_have_count(1)


def test_a_video_plays(page: Page) -> None:
    """Uploaded here, it comes back with controls, and one can jump about in it."""
    recorded = """async () => {
        const canvas = Object.assign(document.createElement('canvas'), { width: 64, height: 64 });
        const context = canvas.getContext('2d');
        const recorder = new MediaRecorder(canvas.captureStream(25), { mimeType: 'video/webm' });
        const parts = [];
        recorder.ondataavailable = ({ data }) => parts.push(data);
        recorder.start();
        for (let i = 0; i < 15; i += 1) {
            context.fillStyle = `hsl(${24 * i} 90% 50%)`;
            context.fillRect(0, 0, 64, 64);
            await new Promise((next) => setTimeout(next, 40));
        }
        await new Promise((ended) => { recorder.onstop = ended; recorder.stop(); });
        const carried = new DataTransfer();
        carried.items.add(new File(parts, 'moves.webm', { type: 'video/webm' }));
        return carried;
    }"""
    files = page.evaluate_handle(recorded)
    page.locator("#scroller").dispatch_event("drop", {"dataTransfer": files, "bubbles": True, "cancelable": True})
    write(page, "a video")
    page.keyboard.press("Enter")
    video = newest(page).locator("video")
    expect(video).to_be_visible()
    frames = """async (video) => {
        await video.play();
        await new Promise((ended) => (video.ended ? ended() : video.addEventListener('ended', ended)));
        video.currentTime = 0;
        await new Promise((moved) => video.addEventListener('seeked', moved, { once: true }));
        return [video.videoWidth, video.currentTime];
    }"""
    assert video.evaluate(frames) == [64, 0]


def test_menus_of_messages_and_of_people(page: Page) -> None:
    """The application's commands in both."""
    message = shown(page, "panel")
    message.hover()
    message.get_by_role("button", name="More", exact=True).click()
    page.get_by_role("menuitem", name="Apps › Details").click()
    expect(newest(page)).to_contain_text("details of")
    write(page, "hello")
    page.keyboard.press("Enter")
    newest(page).get_by_role("button", name="Ada", exact=True).click()
    page.get_by_role("menuitem", name="Apps › Pictures of").click()
    expect(newest(page)).to_contain_text("pictures of ada")


def test_a_person_speaks_chinese(page: Page) -> None:
    """The command, its option and its choice have Chinese names, the original ones are understood, the bot hears it."""
    page.get_by_label("Language").select_option("zh-CN")
    write(page, "/全")
    expect(page.get_by_role("option").filter(has_text="/全部")).to_contain_text("每一种选项")
    page.keyboard.press("Enter")
    expect(chip(page, "提示词")).to_be_visible()
    page.keyboard.type("狐狸")
    add_option(page, "style")
    page.get_by_role("option", name="油画").click()
    page.keyboard.press("Enter")
    expect(newest(page)).to_contain_text("used /全部")
    expect(newest(page)).to_contain_text("'狐狸'; files ; 3; oil; ; None; None; None; zh-CN")
    write(page, "/everything x")
    expect(chip(page, "提示词")).to_be_visible()
    page.keyboard.press("Escape")
    page.get_by_role("radio", name="Ben").click()
    expect(page.get_by_label("Language")).to_have_value("en-US")  # each person has a language
    page.get_by_role("radio", name="Ada").click()
    page.get_by_label("Language").select_option("en-US")
    write(page, "/every")
    expect(page.get_by_role("option").filter(has_text="/everything")).to_be_visible()


def test_all_of_it_fits_on_a_phone(phone: Page) -> None:
    """Nothing reaches beyond the screen: messages, modal, a command with all its options."""

    def overflowing() -> Any:
        return phone.evaluate(
            """(width) => [...document.querySelectorAll('.main *, dialog *')]
                .filter((one) => one.checkVisibility() && !one.closest('pre, .visually-hidden'))
                .filter((one) => one.getBoundingClientRect().right > width + 1)
                .map((one) => one.outerHTML.slice(0, 90))""",
            PHONE["width"],
        )

    assert overflowing() == []
    shown(phone, "panel").get_by_role("button", name="Region").tap()
    modal = phone.get_by_role("dialog", name="Vary (Region)")
    expect(modal).to_be_visible()
    modal.get_by_role("combobox").tap()
    assert overflowing() == []
    phone.keyboard.press("Escape")
    modal.get_by_role("button", name="Close").tap()
    write(phone, "/everything " + "a castle on a hill " * 20)
    for option in ("size", "style", "image"):
        add_option(phone, option)
    assert overflowing() == []
