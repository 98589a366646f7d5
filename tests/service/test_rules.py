"""A server's rules as they are stored, and what they find in a prompt."""

from __future__ import annotations

import pytest

from service.rules import Rules, blocked_word, read_rules


def test_rules_that_make_no_sense_are_no_rules() -> None:
    """Whatever an older or newer Easel left there, a command goes on."""
    assert read_rules({}) == Rules()
    nonsense = {"rule:channels": "all", "rule:models": [1], "rule:newcomers": {"days": "x"}, "rule:blocked": [None, ""]}
    assert read_rules(nonsense) == Rules()


@pytest.mark.parametrize(
    ("text", "found"),
    [("bad word", True), ("a BAD, word!", True), ("badword", False), ("a bad, bad wordsmith", False), ("", False)],
)
def test_a_blocked_word_is_a_whole_word(text: str, found: bool) -> None:
    """Punctuation and case do not hide it; longer words do not hold it."""
    assert (blocked_word(Rules(blocked=("bad word",)), text) is not None) is found
