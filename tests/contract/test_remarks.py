"""Remarks are lines in small print, in the reader's language, as far as a message has room."""

from __future__ import annotations

from dataclasses import replace

from contract.catalogue import EASEL_SMALL
from contract.prompt import parse
from contract.remarks import CONTENT_LIMIT, Remark, version_remark, with_small_print


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
