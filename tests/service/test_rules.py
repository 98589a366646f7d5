"""A server's rules as they are stored, and what they find in a prompt."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from service.rules import CHANNELS, Rules, read_rules, rules_of, set_allowed
from service.services import Services
from tests.service.askers import asker


def test_rules_that_make_no_sense_are_no_rules() -> None:
    """Whatever an older or newer Easel left there, a command goes on."""
    assert read_rules({}) == Rules()
    nonsense = {"rule:channels": "all", "rule:models": [1], "rule:newcomers": {"days": "x"}, "rule:blocked": [None, ""]}
    assert read_rules(nonsense) == Rules()


async def test_two_managers_at_once_lose_nothing(services: Services) -> None:
    """Each allows another channel; all of them are allowed afterwards."""
    manager = replace(asker(1), manages=True)
    await asyncio.gather(*(set_allowed(services, manager, CHANNELS, id, True) for id in range(31, 36)))
    assert set((await rules_of(services, manager)).channels) == {31, 32, 33, 34, 35}
    await asyncio.gather(*(set_allowed(services, manager, CHANNELS, id, False) for id in range(31, 35)))
    assert (await rules_of(services, manager)).channels == (35,)
