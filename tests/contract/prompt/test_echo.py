"""Echoes: drawn styles and the room in a message."""

from __future__ import annotations

from itertools import count

import pytest

from contract.prompt import ECHO_LIMIT, Context, Parameters, PromptError, draw_styles, parse, without_manner
from contract.sentences import describe


def test_every_job_draws_its_own_style() -> None:
    """§3.12 and §2 --sref: random becomes a number, different for permutations and repeats, in the echo too."""
    ordinals = count(7)
    drawn = [
        draw_styles(prompt, lambda: next(ordinals))
        for prompt in parse("a {red, green} fox --sref random 5::2 random --ar 3:2").prompts
    ]
    assert [prompt.echo for prompt in drawn] == [
        "a red fox --ar 3:2 --v 8.2 --sref 7 5::2 8",
        "a green fox --ar 3:2 --v 8.2 --sref 9 5::2 10",
    ]
    assert all(parse(prompt.echo).prompts == (prompt,) for prompt in drawn)


def test_without_random_nothing_is_drawn() -> None:
    """A prompt without `--sref random` stays the very same."""
    (prompt,) = parse("a random fox --sref 5").prompts
    assert draw_styles(prompt, lambda: 1) is prompt


def test_the_longest_echo_fits_a_message_and_one_more_character_does_not() -> None:
    """§3.11: the limit leaves room for the longest line that stands around an echo; the refusal names it."""
    around = "****" + " - Animate (High motion) by <@12345678901234567890> (100%) (relaxed, stealth)"
    room = ECHO_LIMIT - len(" --v 8.2")
    (prompt,) = parse("x" * room).prompts
    assert len(prompt.echo) + len(around) == 2000
    with pytest.raises(PromptError, match="too_long") as caught:
        parse("x" * (room + 1))
    assert str(ECHO_LIMIT) in describe(caught.value)[1]


def test_a_style_yet_to_be_drawn_has_its_room() -> None:
    """What fits with `random` fits with any number of ten digits."""
    ending = " --v 8.2 --sref random"
    (prompt,) = parse("x" * (ECHO_LIMIT - len(ending) - 4) + " --sref random").prompts
    assert len(draw_styles(prompt, lambda: 4294967295).echo) == ECHO_LIMIT
    with pytest.raises(PromptError, match="too_long"):
        parse("x" * (ECHO_LIMIT - len(ending) - 3) + " --sref random")


def test_settings_are_echoed_where_the_prompt_is_silent() -> None:
    """§3.9: settings come last of all, and only where the version knows them."""
    context = Context(version="8.2", defaults=Parameters(stylize=250, raw=True, speed="relax"))
    assert parse("fox", context).echo == "fox --v 8.2 --stylize 250 --raw"
    assert parse("fox --s 5 --style raw", context).echo == "fox --s 5 --style raw --v 8.2"
    assert parse("fox --v 5", context).echo == "fox --v 5.0 --stylize 250"
    assert parse("fox --v 3", context).echo == "fox --v 3"


def test_settings_that_make_no_sense_alone_are_left_out() -> None:
    """A film's motion or a zoom is no setting, and a shape that the version cannot take is not applied."""
    context = Context(defaults=Parameters(motion="high", zoom=2, seed=5, repeat=3, version="3", aspect=(100, 1)))
    submission = parse("fox", context)
    assert submission.echo == "fox --v 8.2"
    assert submission.jobs == 1


@pytest.mark.parametrize(
    ("typed", "echo"),
    [("fox --zoom 2", "fox --v 8.2"), ("--zoom 2", "--v 8.2"), ("--zoom 2 --ar 2:1", "--ar 2:1 --v 8.2")],
)
def test_how_far_one_zoom_goes_stands_in_no_echo(typed: str, echo: str) -> None:
    """Nor does a space before the flags that are left: between its asterisks it would be no bold text."""
    assert without_manner(parse(typed, Context(command="custom_zoom")).prompts[0]).echo == echo
