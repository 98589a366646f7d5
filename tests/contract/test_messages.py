"""A job's words are Midjourney's, letter by letter, because clients read them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from contract.actions import Action, Menu, custom_id, read_custom_id
from contract.jobs import Job, Speed, Strength
from contract.kinds.styles import LOOKS
from contract.messages import bold_prompt, cancel_button, file_name, progress, result, result_buttons, stopped, waiting
from tests.contract.factories import buttons, imagine, press, upscale, variation
from tests.contract.kinds.examples import SHEET, STYLED

FOX = imagine("a red fox --ar 3:2")
SUBTLE = variation(FOX, 0, Strength.SUBTLE, press())
SINGLE = upscale(FOX, 1, press())


@pytest.mark.parametrize(
    ("job", "words"),
    [
        (FOX, "**a red fox --ar 3:2 --v 8.2** - <@811> (Waiting to start)"),
        (SUBTLE, "**a red fox --ar 3:2 --v 8.2** - Variations (Subtle) by <@822> (Waiting to start)"),
        (SINGLE, "Upscaling image #2 with **a red fox --ar 3:2 --v 8.2** - <@822> (Waiting to start)"),
    ],
)
def test_waiting(job: Job, words: str) -> None:
    """midjourney.md §4.1 step 1 and §4.3: the first answer to a command or a press."""
    assert waiting(job) == words


def test_progress_and_stopped() -> None:
    """midjourney.md §4.1 steps 2 and 2': percent, then mode."""
    assert progress(FOX, 31) == "**a red fox --ar 3:2 --v 8.2** - <@811> (31%) (fast)"
    assert progress(SUBTLE, 0) == "**a red fox --ar 3:2 --v 8.2** - Variations (Subtle) by <@822> (0%) (fast)"
    assert stopped(FOX) == "**a red fox --ar 3:2 --v 8.2** - <@811> (Stopped)"


@pytest.mark.parametrize(
    ("job", "words"),
    [
        (FOX, "**a red fox --ar 3:2 --v 8.2** - <@811> (fast)"),
        (replace(FOX, speed=Speed.RELAX), "**a red fox --ar 3:2 --v 8.2** - <@811> (relaxed)"),
        (replace(FOX, speed=Speed.TURBO, stealth=True), "**a red fox --ar 3:2 --v 8.2** - <@811> (turbo, stealth)"),
        (SUBTLE, "**a red fox --ar 3:2 --v 8.2** - Variations (Subtle) by <@822> (fast)"),
        (SINGLE, "**a red fox --ar 3:2 --v 8.2** - Image #2 <@822>"),
    ],
)
def test_result(job: Job, words: str) -> None:
    """midjourney.md §4.2 and §4.3: a single picture has no mode."""
    assert result(job) == words


def test_the_prompt_can_be_read_back() -> None:
    """Clients match the first pair of `**`."""
    assert bold_prompt(result(FOX)) == "a red fox --ar 3:2 --v 8.2"
    assert bold_prompt("no bold here") is None


def test_back_to_the_parent_stands_last_and_only_where_there_is_one() -> None:
    """In a line of its own under a grid, so that clients find all others where they were; the fifth of the last line
    under a single picture."""
    made = variation(FOX, 1, Strength.SUBTLE, press())
    *others, last = buttons(made)
    assert [[button.label for button in line] for line in others] == [[b.label for b in line] for line in buttons(FOX)]
    assert [button.emoji for button in last] == ["↩️"]
    single = buttons(upscale(FOX, 1, press()))
    assert [button.emoji for button in single[-1]][2:] == ["❤️", "🌳", "↩️"]
    assert len(single) <= 5
    assert all(len(line) <= 5 for line in single)


def test_grid_buttons_are_in_midjourneys_order() -> None:
    """midjourney.md §4.1: U1-U4 and the re-roll, then V1-V4."""
    first, second = buttons(FOX)
    assert [button.label or button.emoji for button in first] == ["U1", "U2", "U3", "U4", "🔄"]
    assert [button.label for button in second] == ["V1", "V2", "V3", "V4"]
    assert first[2].custom_id == f"MJ::JOB::upsample::3::{FOX.id}"
    assert first[4].custom_id == f"MJ::JOB::reroll::0::{FOX.id}::SOLO"
    assert second[1].custom_id == f"MJ::JOB::variation::2::{FOX.id}"


def test_a_single_picture_can_be_varied_three_ways() -> None:
    """midjourney.md §4.2: subtle, strong, and in a region."""
    [subtle, strong, region] = [
        button for row in buttons(SINGLE) for button in row if (button.label or "").startswith("Vary")
    ]
    assert (subtle.label, strong.label) == ("Vary (Subtle)", "Vary (Strong)")
    assert subtle.custom_id == f"MJ::JOB::low_variation::1::{SINGLE.id}::SOLO"
    assert strong.custom_id == f"MJ::JOB::high_variation::1::{SINGLE.id}::SOLO"
    assert (region.label, region.custom_id) == ("Vary (Region)", f"MJ::Inpaint::1::{SINGLE.id}::SOLO")


@pytest.mark.parametrize(
    ("locale", "placeholder", "last"),
    [
        ("en-US", "Draw one of them at full quality", "Black and white"),
        ("zh-CN", "选一张以最高质量绘制", "黑白 · Black and white"),
    ],
)
def test_a_menu_speaks_the_persons_language(locale: str, placeholder: str, last: str) -> None:
    """And says what stands on the sheet."""
    [[menu]] = result_buttons(replace(STYLED, locale=locale))
    assert isinstance(menu, Menu)
    assert (menu.placeholder, menu.options[-1], len(menu.options)) == (placeholder, last, len(LOOKS))
    assert all(name in shown for name, shown in zip(LOOKS, menu.options, strict=True))
    [[numbers]] = result_buttons(replace(SHEET, locale=locale))
    assert isinstance(numbers, Menu)
    assert numbers.options == tuple(map(str, range(1, 25)))


def test_every_button_can_be_read_back() -> None:
    """What is sent as a custom_id says action, index from 0 and job when it returns; all fit 100 characters."""
    for job in (FOX, SINGLE):
        for button in (button for row in result_buttons(job) for button in row):
            read = read_custom_id(button.custom_id)
            assert custom_id(read.action, read.index, read.job) == button.custom_id
            assert len(button.custom_id) <= 100
    assert read_custom_id(result_buttons(FOX)[1][3].custom_id).index == 3
    assert read_custom_id(cancel_button(FOX.id).custom_id).action is Action.CANCEL


@pytest.mark.parametrize(
    ("prompt", "name"),
    [
        ("a red, red fox! --ar 3:2", "alice_a_red_red_fox"),
        ("ein Füchslein", "alice_ein_Fuchslein"),
        ("../../etc/passwd", "alice_....etcpasswd"),
        ("x" * 200, "alice_" + "x" * 57),
        ("一只狐狸", "alice_YiZhiHuLi"),
        ("лиса in a café", "alice_lisa_in_a_cafe"),
        ("🦊🐱 in snow", "alice_fox_cat_in_snow"),
    ],
)
def test_file_names_end_in_the_job(prompt: str, name: str) -> None:
    """midjourney.md §4.1: user and words, cut to 63 characters, then the id behind the last underscore."""
    job = imagine(prompt)
    assert file_name(job, "png") == f"{name}_{job.id}.png"
    assert file_name(job, "png").rsplit("_", 1)[1] == f"{job.id}.png"


def test_one_place_writes_that_a_job_was_stopped() -> None:
    """The delivery, which is retried until it is said: two authors would race for the same message."""
    root = Path(__file__).parents[2]
    packages = [root / name for name in ("bot", "exchange", "service", "worker", "api")]
    authors = [
        path for package in packages for path in package.rglob("*.py") if "stopped(job" in path.read_text("utf-8")
    ]
    assert [path.relative_to(root).as_posix() for path in authors] == ["worker/delivery/discord.py"]
