"""Remarks are lines in small print, in the reader's language, as far as a message has room."""

from __future__ import annotations

from dataclasses import replace

import pytest

from contract.actions import Action
from contract.catalogue import EASEL_SMALL
from contract.jobs import Job, Strength
from contract.planning import plan
from contract.prompt import parse
from contract.remarks import CONTENT_LIMIT, Remark, faint_remarks, idle_remark, version_remark, with_small_print
from tests.contract.factories import follow, imagine, press, upscale, variation
from tests.contract.kinds.examples import filmed


def test_a_remark_is_said_in_the_readers_language() -> None:
    """By the books."""
    remark = Remark("unknown_words", {"model": "M", "words": "`elk`"})
    assert remark.say() == "M does not know `elk`"
    assert remark.say("zh-CN") == "M 不认识 `elk`"


def test_another_name_of_the_same_model_is_remarked_upon() -> None:
    """`--v 7` is drawn by the one model there is; the default version is what it says."""
    assert version_remark(parse("fox").prompts[0], EASEL_SMALL) is None
    remark = version_remark(parse("fox --v 7").prompts[0], EASEL_SMALL)
    assert remark is not None
    assert "Version 7" in remark.say()
    assert version_remark(parse("fox --v 7").prompts[0], replace(EASEL_SMALL, versions=("7",))) is None


def test_what_has_no_room_is_left_out() -> None:
    """The message itself comes first."""
    assert with_small_print("**fox** - <@1> (fast)", ["a", "b"]) == "**fox** - <@1> (fast)\n-# a\n-# b"
    full = "x" * (CONTENT_LIMIT - 6)
    assert with_small_print(full, ["too long", "ok"]) == full + "\n-# ok"


@pytest.mark.parametrize(
    ("job", "flags"),
    [
        (upscale(imagine("a fox --ar 3:2"), 0, press()), None),
        (follow(upscale(imagine("a fox --ar 3:2"), 0, press()), Action.PAN_LEFT, press()), None),
        (follow(upscale(imagine("a fox --tile"), 0, press()), Action.ZOOM_2, press()), "`--tile`"),
        (
            follow(upscale(imagine("a fox"), 0, press()), Action.PAN_LEFT, press(), parse("a fox --ar 2:1").prompts[0]),
            "`--ar`",
        ),
        (
            follow(
                upscale(imagine("a fox"), 0, press()), Action.CUSTOM_ZOOM, press(), parse("a fox --ar 2:1").prompts[0]
            ),
            None,
        ),
        (
            follow(
                upscale(imagine("a fox --ar 3:2"), 0, press()), Action.VARY_REGION, press(), parse("a hat").prompts[0]
            ),
            None,
        ),
        (variation(imagine("a fox --v 6.1 --q .5"), 0, Strength.SUBTLE, press()), "`--quality`"),
        (filmed(upscale(imagine("a fox --s 300 --tile"), 0, press()), Action.ANIMATE_LOW, press()), None),
        (
            filmed(
                upscale(imagine("a fox --s 300 --v 7"), 0, press()),
                Action.ANIMATE_LOW,
                press(),
                parse("a fox runs --s 900 --weird 10 --repeat 2 --v 7").prompts[0],
            ),
            "`--s`, `--weird`",
        ),
    ],
    ids=[
        "upscale",
        "pan",
        "tile",
        "ratio of a pan",
        "ratio of a zoom",
        "no ratio",
        "quality",
        "video",
        "other words of a video",
    ],
)
def test_a_flag_that_does_nothing_to_a_kind_is_said(job: Job, flags: str | None) -> None:
    """What the picture's own words had before is no surprise."""
    remark = idle_remark(job)
    assert (None if remark is None else remark.values["flags"]) == flags


@pytest.mark.parametrize(
    ("job", "said"),
    [
        (imagine("a fox"), []),
        (imagine("a fox --v 7 --draft"), ["`--draft`: 4 steps instead of 8"]),
        (imagine("a fox --turbo --v 7"), ["`--turbo`: 4 steps instead of 8"]),
        (imagine("a fox --turbo --no red --v 7"), ["`--turbo` goes before other jobs"]),
        (imagine("a fox --raw"), ["`--raw` takes a third off"]),
        (imagine("a fox --style raw --turbo --v 6.1"), ["`--turbo` goes before", "`--raw` takes a third off"]),
    ],
    ids=["none", "draft", "turbo", "turbo without a student", "raw", "both"],
)
def test_a_flag_of_which_little_is_seen_is_said(job: Job, said: list[str]) -> None:
    """And what it does nevertheless."""
    remarks = [remark.say() for remark in faint_remarks(replace(job, plan=plan(job, EASEL_SMALL)), EASEL_SMALL)]
    assert len(remarks) == len(said)
    assert all(remark.startswith(start) for remark, start in zip(remarks, said, strict=True))
