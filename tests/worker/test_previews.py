"""Previews are small pictures, paced."""

from __future__ import annotations

import contextlib
import io

import numpy as np
import pytest
from PIL import Image

import model
from tests.contract.factories import imagine, planned
from tests.model.conftest import DEFAULT
from worker.encoding import assemble_grid
from worker.previews import SIDE, Pace, encode_preview
from worker.render import preview_interval, request_for


@pytest.mark.parametrize(("shape", "size"), [((16, 16, 3), (SIDE, SIDE)), ((1000, 500, 3), (SIDE // 2, SIDE))])
def test_a_preview_has_one_size_whatever_the_sheet(shape: tuple[int, int, int], size: tuple[int, int]) -> None:
    """Tiny sheets of latents are enlarged and large ones reduced, keeping their shape."""
    preview = Image.open(io.BytesIO(encode_preview(np.full(shape, 200, np.uint8))))
    assert preview.format == "WEBP"
    assert preview.size == size
    assert abs(np.asarray(preview.convert("RGB"), int) - 200).max() <= 3


def test_a_preview_costs_kilobytes() -> None:
    """Even noise, which compresses worst, stays below what a Redis message should carry."""
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
    assert len(encode_preview(noise)) < 40_000


def test_pace_lets_the_first_through_and_then_two_a_second() -> None:
    """At 20 steps a second for two seconds, five previews pass: at 0, 0.5, 1, 1.5 and 2 s."""
    moments = iter(step / 20 for step in range(41))
    pace = Pace(0.5, lambda: next(moments))
    assert [step / 20 for step in range(41) if pace.allows()] == [0, 0.5, 1.0, 1.5, 2.0]


def test_what_people_see_near_the_end_is_nearly_the_picture(monkeypatch: pytest.MonkeyPatch) -> None:
    """The files themselves: the default model's previews from 85 % on correlate over 0.95 with the posted grid, be it
    bright or dark."""
    monkeypatch.setattr("model.engine.WATCHED_S", 0.0)  # as on a machine where somebody has the time to look
    with contextlib.closing(model.Engine(model.load(DEFAULT), quicken="off")) as engine:
        engine.start()
        for prompt in ("a yellow sunflower", "a dark forest"):
            job = planned(imagine(prompt))
            assert job.plan is not None
            ticket = engine.submit(request_for(job, job.plan), preview_every=preview_interval(job.plan))
            late = [one.preview for one in ticket.events() if one.preview is not None and one.step > 0.85 * one.steps]
            grid = assemble_grid(ticket.result())
            assert late
            for preview in late:
                shown = Image.open(io.BytesIO(encode_preview(preview))).convert("RGB").resize(grid.shape[1::-1])
                assert np.corrcoef(np.asarray(shown, float).ravel(), grid.astype(float).ravel())[0, 1] > 0.95, prompt
