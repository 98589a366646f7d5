"""Every message at every stage, read by the expressions of parsers that people's proxies have.

The expressions are facts about novicezk's (Java), trueai's (C#), webman's (PHP) proxies, mutiny (Python) and midjourney
(npm), written down here once more; midjourney.md §7 says where each was read.
"""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from contract.actions import Action, Button
from contract.jobs import Speed, Strength
from contract.kinds.describe import Describe
from contract.kinds.shorten import Shorten
from contract.messages import progress, result, result_buttons, stopped, told, waiting
from tests.contract.factories import follow, imagine, press, upscale, variation

GRID = imagine("a (red) fox, 50% --ar 3:2 --no trees")
SINGLE = upscale(GRID, 1, press())
BLEND = imagine("https://s.mj.run/abc https://s.mj.run/def --ar 2:3")
JOBS = {
    "imagine": GRID,
    "blend": BLEND,
    "edit": imagine("make it red --edit https://example.com/a.png"),
    "variation": variation(GRID, 0, Strength.STRONG, press()),
    "subtle": variation(SINGLE, 0, Strength.SUBTLE, press()),
    "region": follow(SINGLE, Action.VARY_REGION, press()),
    "image": SINGLE,
    "upscaled": follow(SINGLE, Action.UPSCALE_SUBTLE, press()),
    "creative": follow(SINGLE, Action.UPSCALE_CREATIVE, press()),
    "zoom": follow(SINGLE, Action.ZOOM_2, press()),
    "left": follow(SINGLE, Action.PAN_LEFT, press()),
    "down": follow(SINGLE, Action.PAN_DOWN, press()),
}

_MODE = r"(?:fast|relaxed|turbo)(?:,\s*stealth)?"
_PERCENT = r"(?:\((\d+%)\)\s*)?"
_BEHIND = r"(?:\s*\[[^\]]*\]\([^)]*\)|\s*\([^)]*\))*\s*"
_HOW = r"(?:\((?:Subtle|Creative|4x|2x)\))?"
NOVICEZK = {
    "imagine": r"\*\*(.*)\*\* - <@\d+> \((.*?)\)",
    "blend": r"\*\*(.*)\*\* - <@\d+> \((.*?)\)",
    "edit": r"\*\*(.*)\*\* - <@\d+> \((.*?)\)",
    "variation": r"\*\*(.*)\*\* - Variations \(.*?\) by <@\d+> \((.*?)\)",
    "subtle": r"\*\*(.*)\*\* - Variations \(.*?\) by <@\d+> \((.*?)\)",
    "region": r"\*\*(.*)\*\* - Variations \(.*?\) by <@\d+> \((.*?)\)",
    "image": r"\*\*(.*)\*\* - Image #(\d) <@\d+>",
    "upscaled": r"\*\*(.*)\*\* - Upscaled \(.*?\) by <@\d+> \((.*?)\)",
    "creative": r"\*\*(.*)\*\* - Upscaled \(.*?\) by <@\d+> \((.*?)\)",
}
TRUEAI = {
    "imagine": rf"\*\*(.+?)\*\* - <@\d+>\s*{_PERCENT}{_BEHIND}\({_MODE}\)",
    "blend": rf"\*\*(.+?)\*\* - <@\d+>\s*{_PERCENT}{_BEHIND}\({_MODE}\)",
    "edit": rf"\*\*(.+?)\*\* - <@\d+>\s*{_PERCENT}{_BEHIND}\({_MODE}\)",
    "variation": rf"\*\*(.+?)\*\* - (?:Remix|Variations)\s*\(Strong\)\s*by <@\d+>\s*{_PERCENT}{_BEHIND}\({_MODE}\)",
    "subtle": rf"\*\*(.+?)\*\* - (?:Remix|Variations)\s*\(Subtle\)\s*by <@\d+>\s*{_PERCENT}{_BEHIND}\({_MODE}\)",
    "region": rf"\*\*(.+?)\*\* - (?:Remix|Variations)\s*\(Region\)\s*by <@\d+>\s*{_PERCENT}{_BEHIND}\({_MODE}\)",
    "image": r"\*\*(.+?)\*\* - Image #(\d+) <@(\d+)>",
    "upscaled": rf"\*\*(.+?)\*\* - (?:Upscaling|Upscaled)\s*{_HOW}\s*by <@\d+>\s*{_PERCENT}{_BEHIND}\({_MODE}\)",
    "creative": rf"\*\*(.+?)\*\* - (?:Upscaling|Upscaled)\s*{_HOW}\s*by <@\d+>\s*{_PERCENT}{_BEHIND}\({_MODE}\)",
    "zoom": rf"\*\*(.+?)\*\* - Zoom Out by <@\d+>\s*{_PERCENT}{_BEHIND}\({_MODE}\)",
    "left": rf"\*\*(.+?)\*\* - Pan Left by <@\d+>\s*{_PERCENT}{_BEHIND}\({_MODE}\)",
    "down": rf"\*\*(.+?)\*\* - Pan Down by <@\d+>\s*{_PERCENT}{_BEHIND}\({_MODE}\)",
}
MUTINY = {
    "zoom": r"\*\*(.*)\*\* - (Zoom Out|Pan (?:Left|Right|Up|Down)) by <@\d+> \((.*?)\)",
    "left": r"\*\*(.*)\*\* - (Zoom Out|Pan (?:Left|Right|Up|Down)) by <@\d+> \((.*?)\)",
    "down": r"\*\*(.*)\*\* - (Zoom Out|Pan (?:Left|Right|Up|Down)) by <@\d+> \((.*?)\)",
}
DONE = [
    (parser, name, expression)
    for parser, table in (("novicezk", NOVICEZK), ("trueai", TRUEAI), ("mutiny", MUTINY))
    for name, expression in table.items()
]
RUNNING = [
    row for row in DONE if row[1] != "image" and row[:2] not in (("novicezk", "upscaled"), ("novicezk", "creative"))
]
"""A picture that is chosen is there at once; novicezk's follows what it upscales by the id of its message."""
GENERAL = re.compile(r".*?\*\*(.*)\*\*.+<@\d+> \((.*?)\)")


def test_every_expression_has_its_job() -> None:
    """And every job some expression."""
    assert {name for _, name, _ in DONE} == set(JOBS)


@pytest.mark.parametrize(("parser", "name", "expression"), DONE)
@pytest.mark.parametrize(("speed", "stealth"), [(Speed.FAST, False), (Speed.RELAX, True), (Speed.TURBO, False)])
def test_what_is_done_is_read(parser: str, name: str, expression: str, speed: Speed, stealth: bool) -> None:
    """With its prompt, in every mode; and by no other's expression where those differ."""
    job = replace(JOBS[name], speed=speed, stealth=stealth)
    found = re.fullmatch(expression, result(job))
    assert found is not None
    assert found[1] == job.prompt.echo


@pytest.mark.parametrize(("parser", "name", "expression"), RUNNING)
def test_what_is_drawn_is_read(parser: str, name: str, expression: str) -> None:
    """With prompt and percent; the PHP proxy reads the percent alone, from the end."""
    text = progress(JOBS[name], 31)
    found = re.match(expression, text)
    assert found is not None
    assert found[1] == JOBS[name].prompt.echo
    assert found[found.re.groups] == "31%"
    percent = re.search(r" \((\d+%)\) \(.*?\)$", text)
    assert percent is not None
    assert percent[1] == "31%"


@pytest.mark.parametrize("name", JOBS)
def test_what_waits_is_read_as_waiting(name: str) -> None:
    """The general expression finds prompt and state; nothing in it is taken for a mode or a percent."""
    text = waiting(JOBS[name])
    found = GENERAL.match(text)
    assert found is not None
    assert (found[1], found[2]) == (JOBS[name].prompt.echo, "Waiting to start")
    assert re.search(rf"\({_MODE}\)$|\d+%\)", text) is None
    assert found[1] == re.findall(r"\*\*(.*?)\*\*", text)[0], "npm's midjourney takes the first pair of stars"


@pytest.mark.parametrize("name", JOBS)
def test_what_was_stopped_ends_in_the_word(name: str) -> None:
    """`Stopped`, which novicezk's skips and yokonsan's looks for."""
    found = GENERAL.match(stopped(JOBS[name]))
    assert found is not None
    assert found[2] == "Stopped"


def test_a_description_is_read() -> None:
    """npm's midjourney parts the embed at blank lines and keeps its picture; buttons are known by their ids."""
    job = replace(imagine("describe a picture"), request=Describe("https://example.com/a.png"))
    texts = [
        "a red fox --ar 3:2",
        "a fox, watercolor --ar 3:2",
        "a fox at night --ar 3:2",
        "a picture of a fox --ar 3:2",
    ]
    embed = told(job, texts, (), "https://example.com/a.png")
    assert embed.description.split("\n\n") == [f"{number}️⃣ {text}" for number, text in enumerate(texts, 1)]
    assert embed.image == "https://example.com/a.png"
    ids = [one.custom_id for row in result_buttons(job, texts=4) for one in row if isinstance(one, Button)]
    numbers = [f"MJ::Job::PicReader::{number}" for number in range(1, 5)]
    assert ids[:6] == [*numbers, "MJ::Picread::Retry", "MJ::Job::PicReader::all"]


def test_shorter_prompts_are_read() -> None:
    """npm's midjourney finds the numbered lines, trueai's the footer and the marks of words."""
    job = replace(imagine("a majestic red fox, digital art"), request=Shorten())
    texts = [f"fox {number}" for number in range(1, 6)]
    embed = told(job, texts, (0.1, 0.2, 0.9, 1.0, 0.3, 0.05))
    assert re.findall(r"(\d️⃣ .+)", embed.description) == [f"{number}️⃣ fox {number}" for number in range(1, 6)]
    assert embed.footer is not None
    assert embed.footer.startswith("Click on a button to imagine")
    assert re.findall(r"\*\*(.+?)\*\*", embed.description) == ["red", "fox,"]
    assert re.findall(r"~~(.+?)~~", embed.description) == ["a", "art"]
    ids = [one.custom_id for row in result_buttons(job, texts=5) for one in row if isinstance(one, Button)]
    assert ids[:5] == [f"MJ::Job::PromptAnalyzer::{number}" for number in range(1, 6)]
    assert "MJ::Job::PromptAnalyzerExtended" in ids
