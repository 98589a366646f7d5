"""A klein that keeps the keys and values of its reference pictures."""

from dataclasses import replace
from typing import Any

import pytest

from model import tiny
from model.drawing import generate
from model.request import Reference, Request
from tests.model.conftest import assert_same_pictures, level_difference, running, submit_together
from tests.model.families.test_stock import asked, bundle_of, photograph


def looking(prompt: str, seed: int, steps: int, *sides: tuple[int, int]) -> Request:
    """A request that looks at pictures."""
    bundle = bundle_of("flux2-klein-kv")
    request = asked(bundle, prompt, num_inference_steps=steps)
    noises = tuple(replace(noise, seed=seed) for noise in request.noises)
    return replace(request, noises=noises, controls=tuple(Reference(photograph(side)) for side in sides))


def test_company_changes_nothing() -> None:
    """Rows that look at pictures of the same shapes share forwards, whatever their step; others have their own."""
    bundle = bundle_of("flux2-klein-kv")
    requests = [
        looking("a red apple", 7, 5, (64, 64)),
        looking("an owl", 8, 3, (64, 64)),
        looking("a boat", 9, 4, (64, 64), (48, 64)),
        looking("a fox", 10, 4),
    ]
    alone = [generate(bundle, request) for request in requests]
    assert level_difference(alone[0], generate(bundle, replace(requests[0], controls=()))) > 0
    with running(bundle) as engine:
        for ticket, expected in zip(submit_together(engine, requests), alone, strict=True):
            assert_same_pictures(ticket.result(120), expected)


def test_references_are_looked_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not once a step; and nothing is kept of a request that is done."""
    bundle = tiny.bundle("flux2-klein-kv")
    family: Any = bundle.family
    looks: list[int] = []
    look = family._look

    def counted(rows: Any) -> None:
        looks.append(len(rows))
        look(rows)

    monkeypatch.setattr(family, "_look", counted)
    generate(bundle, looking("a red apple", 7, 5, (64, 64)))
    assert looks == [2]
    assert len(family._kept_seen) == 0
