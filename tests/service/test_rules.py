"""A server's rules as they are stored, and what they find in a prompt."""

from __future__ import annotations

from service.rules import Rules, read_rules


def test_rules_that_make_no_sense_are_no_rules() -> None:
    """Whatever an older or newer Easel left there, a command goes on."""
    assert read_rules({}) == Rules()
    nonsense = {"rule:channels": "all", "rule:models": [1], "rule:newcomers": {"days": "x"}, "rule:blocked": [None, ""]}
    assert read_rules(nonsense) == Rules()
