"""What holds for any text at all."""

from __future__ import annotations

import copy
import json
import pickle
import sys
import time
from dataclasses import replace
from types import FrameType
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from contract.prompt import ECHO_LIMIT, Context, Parameters, PromptError, format_prompt, parse
from contract.prompt.__main__ import answer
from contract.sentences import describe
from tests.contract.prompt.legal import legal_prompts

_PIECES = (
    "a",
    "fox",
    "red dog",
    " ",
    "::",
    "::2",
    "::-.5",
    "::+.25",
    ":",
    "--no",
    "--no a, b",
    "--no ,--x",
    "--ar 3:2",
    "--v 6",
    "--v 7",
    "--v 3",
    "--niji",
    "--test",
    "--sref",
    "--sref 5::2 random",
    "--cref https://a.org/x.png",
    "random",
    "https://a.org/x.png",
    "<https://a.org/y.jpg>",
    "--",
    "—",
    "–",
    "-",
    "—ar 2:3",
    "–ar 2:3",
    "ar",
    "no",
    "{",
    "}",
    ",",
    "{a, b}",
    "{a, {b, --ar 3:2}}",
    "{x ,",
    "\\",
    "\\{",
    "\\,",
    "*",
    "**",
    "`",
    "--stylize 50",
    "--s",
    "--tile",
    "--p abc",
    "--p",
    "--video",
    "--iw .5",
    "--q .3",
    "--style raw",
    "--w 512",
    "--uplight",
    "--turbo",
    "--repeat 2",
    "--seed 5",
    "--fast",
    "\n",
    "\u200b",
    "\u202e",
    "\u2028",
    "\x00",
    "\ud800",
    "👩‍🎨",
    "1",
    "0.5",
    "<@1>",
    *(
        "(a:1.2)",
        "((a))",
        "[a:b:.5]",
        "{a|b}",
        "__a__",
        "<lora:x:1>",
        "a AND b",
        "BREAK",
        "Negative prompt: a",
        "Steps: 1,",
    ),
    *(
        "−−ar 2:3",
        "-ar 2:3",
        "a--tile",
        "a—ar 1:1",
        "[x](https://a.org)",
        "http://a.org/x.png",
        "**a**",
        "\\*",
        "e\u0301\u0302\u0303",
    ),
)
_TEXTS = st.one_of(
    st.lists(st.sampled_from(_PIECES), max_size=14).map("".join),
    st.lists(st.sampled_from(_PIECES), max_size=14).map(" ".join),
    st.text(max_size=80),
)
_READY = Context(profile_ready=True)
_SURROUNDED = Context(suffix="--chaos 5 --no mist", options={"m": "blue --ar 3:2", "fox": "a {b, c}"})
"""Somebody with a suffix and shortcuts of their own."""
_COMMANDS = ("imagine", "shorten", "custom_zoom", "video", "prefer_suffix", "remix", "blend")

_bounded = settings(
    max_examples=250,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.too_slow],  # it judges the machine
)


def _try(text: str, context: Context = _READY) -> PromptError | None:
    try:
        parse(text, context)
    except PromptError as error:
        return error
    return None


_PROMPTS = st.one_of(legal_prompts(), legal_prompts(), _TEXTS.filter(lambda text: _try(text) is None))
"""What runs: made by the tables, or by chance."""


@_bounded
@given(legal_prompts())
def test_what_the_tables_allow_runs(text: str) -> None:
    """A flag that a version knows, with a value in its range, is never refused, whatever stands around it."""
    assert parse(text, _READY).jobs >= 1


@_bounded
@given(_PROMPTS)
@example("a:: *b --v 6")
@example("fox --no a, ar")
@example("–a ::3")
@example("fox::2 --ar 3:2 \\")
@example("__a__ **b**")
def test_echo_and_format_mean_the_same(text: str) -> None:
    """Parsing a prompt's echo, or its plain form, gives the prompt again; both are stable."""
    for prompt in parse(text, _READY).prompts:
        (echoed,) = parse(prompt.echo, Context(profile_ready=True, version="niji 5")).prompts
        assert echoed == prompt
        assert echoed.echo == prompt.echo
        plain = format_prompt(prompt)
        (again,) = parse(plain, _READY).prompts
        assert again == prompt
        assert format_prompt(again) == plain


@_bounded
@given(_PROMPTS)
def test_an_echo_cannot_break_its_bold_type(text: str) -> None:
    """One short line without `**`, without control characters, without an asterisk or a backslash at its edges."""
    for prompt in parse(text, _READY).prompts:
        echo = prompt.echo
        assert "**" not in echo
        assert echo.isprintable() or not any(ord(character) < 32 for character in echo)
        assert len(echo.splitlines()) == 1
        assert echo == echo.strip(" *")
        assert not echo.endswith("\\")
        assert len(echo) <= ECHO_LIMIT
        echo.encode()


@_bounded
@given(
    st.tuples(_TEXTS, st.sampled_from(_COMMANDS).map(lambda command: replace(_SURROUNDED, command=command))).filter(
        lambda typed: _try(*typed) is not None
    )
)
def test_refusals_are_the_languages_own(typed: tuple[str, Context]) -> None:
    """Nothing but PromptError is raised; its span lies in the text; its suggestion runs."""
    text, context = typed
    error = _try(text, context)
    assert error is not None
    assert all(describe(error))
    if error.span is not None:
        assert 0 <= error.span[0] < error.span[1] <= len(text)
    if error.suggestion is not None:
        assert _try(error.suggestion, context) is None


@_bounded
@given(st.one_of(st.binary(max_size=60), st.text(max_size=60).map(str.encode), st.just(b"[" * 100_000)))
def test_any_line_gets_one_line_of_json(line: bytes) -> None:
    """For anything that comes in, one JSON object without a line break goes out."""
    out = answer(line)
    assert "\n" not in out
    assert isinstance(json.loads(out), dict)


@_bounded
@given(_PROMPTS)
@example("fox --v 4 --style 4a")
def test_settings_apply_only_where_the_prompt_is_silent(text: str) -> None:
    """Defaults never refuse what would be accepted without them, unless the line grows too long; they are echoed."""
    defaults = Parameters(stylize=250, raw=True, weird=9, speed="relax", aspect=(16, 9), quality=0.5)
    plain = parse(text, _READY).prompts
    for before, after in zip(plain, parse(text, Context(profile_ready=True, defaults=defaults)).prompts, strict=True):
        assert after.parameters.stylize in (before.parameters.stylize, 250)
        assert before.parameters.stylize is None or after.parameters.stylize == before.parameters.stylize
        assert parse(after.echo, _READY).prompts == (after,)


def _steps(text: str) -> int:
    """How many lines and calls of the parser `text` takes."""
    steps = 0

    def count(frame: FrameType, event: str, argument: Any) -> Any:
        nonlocal steps
        steps += 1
        return count

    before = sys.gettrace()
    sys.settrace(count)
    try:
        _try(text)
    finally:
        sys.settrace(before)
    return steps


_FAMILIES = (
    "a ",
    "a::1 ",
    "::",
    "{a}",
    "{",
    "}",
    "{a,",
    "{{",
    "}{",
    "\\{",
    "--no a ",
    "--no a,--no ",
    "--x ",
    "-- ",
    "--v5 ",
    "--ar 1 ",
    "--s 9999 ",
    "--sref 1 ",
    "--p a ",
    "—",
    "–ar ",
    "- ",
    "a\n\n",
    "*a",
    "https://a.org/x.png ",
    "http://",
    "<",
    "1.",
    "::1.1",
    "\u200b",
    "-- https://a.org/x.png ",
    "--seed 1 --tile ",
    *(
        "(",
        "((",
        "[",
        "[[",
        "[a|",
        "[a:",
        "(a:1.2)",
        "(a:",
        "{a|",
        "{|",
        "__",
        "__a",
        "<lora:",
        "<",
        "a AND ",
        "BREAK ",
    ),
    *(
        "Negative prompt: ",
        "Steps: 1, ",
        "embedding:",
        "a--ar ",
        "a—ar 2:1 ",
        "-ar 2 ",
        "−−ar ",
        "−",
        "—a",
        "a://",
        "**",
        "\\*",
    ),
    *(
        "e\u0301\u0302\u0303",
        "\u200d",
        "👩\u200d",
        "\u3164",
        "discord.gg/",
        "a.bc/",
        "a.",
        "｛",
        "{，",
        "：：",
        "https:",
        "https://a.org/x.png,",
        "](",
        "_",
    ),
)


@pytest.mark.parametrize("family", _FAMILIES)
def test_work_is_linear_in_the_length(family: str) -> None:
    """6,000 characters take at most 12 times the steps of 600."""
    tail = "" if family.endswith("{") else " "
    short = family * (600 // len(family)) + tail
    long = family * (6000 // len(family))
    assert _steps(long) <= 12 * _steps(short)


@pytest.mark.parametrize("family", _FAMILIES)
def test_nothing_that_can_be_typed_takes_long(family: str) -> None:
    """6,000 characters take at most 30 ms of processor time: one who types them holds up everybody else."""
    text = family * (6000 // len(family))
    took = []
    for _ in range(3):  # the quickest of three: the first may meet the garbage collector
        began = time.process_time()
        _try(text)
        took.append(time.process_time() - began)
    assert min(took) < 0.03


def test_a_million_million_jobs_are_counted_not_made() -> None:
    """Expansions are counted before they are expanded: the refusal takes fewer steps than there are groups times 40."""
    text = "{a,b,c,d,e,f,g,h,i,j}" * 200
    error = _try(text)
    assert error is not None
    assert error.kind == "too_many_jobs"
    assert _steps(text) < 40 * len(text)


def test_a_thousand_nested_groups_are_no_recursion() -> None:
    """Depth costs no stack."""
    (prompt,) = parse("{" * 2900 + "fox" + "}" * 2900).prompts
    assert prompt.text == "fox"


def test_errors_survive_copying() -> None:
    """A refusal can be copied and pickled, as process pools and loggers do."""
    error = _try("fox --v5")
    assert error is not None
    for twin in (copy.copy(error), pickle.loads(pickle.dumps(error))):
        assert (twin.kind, *describe(twin), twin.suggestion) == (error.kind, *describe(error), error.suggestion)
