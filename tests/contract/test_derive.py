"""Every button is a pure function from a job to the next one."""

from __future__ import annotations

from dataclasses import replace

import pytest

from contract.actions import Action, ButtonId
from contract.derive import next_job
from contract.errors import UserError
from contract.ids import model_fingerprint_of
from contract.jobs import Generation, Strength, channel_of
from contract.kinds.imagine import Imagine
from contract.kinds.upscale import Upscale
from contract.kinds.variation import Variation
from tests.contract.factories import BOB, imagine, press, reroll, upscale, variation


def test_a_reroll_is_the_same_with_another_seed() -> None:
    """Prompt, model and request stay; id, seed, user and destination are the press's."""
    job = imagine("a fox --ar 3:2", seed=42)
    again = reroll(job, press(seed=5))
    assert (again.prompt, again.model, again.request) == (job.prompt, job.model, Imagine())
    assert (again.seed, again.user, channel_of(again.destination).reply_to) == (5, BOB, 99)
    assert again.parent is not None
    assert (again.parent.id, again.parent.index) == (job.id, None)


def test_a_variation_starts_from_its_source_picture() -> None:
    """Its line of generations is the source's line and one more; every picture of the grid has its own end."""
    job = variation(imagine(seed=42), 2, Strength.STRONG, press(seed=5))
    assert job.request == Variation(Strength.STRONG, (Generation(42, 2),))
    assert job.generations(3) == (Generation(42, 2), Generation(5, 3, Strength.STRONG))


def test_results_of_results_keep_the_whole_line() -> None:
    """A variation of an upscale of a variation remembers every generation in order."""
    grid = variation(imagine(seed=1), 0, Strength.SUBTLE, press(seed=2))
    single = upscale(grid, 3, press(seed=2, interaction=9))
    assert isinstance(single.request, Upscale)
    again = variation(single, 0, Strength.STRONG, press(seed=3, interaction=10))
    assert again.generations(1) == (
        Generation(1, 0),
        Generation(2, 3, Strength.SUBTLE),
        Generation(3, 1, Strength.STRONG),
    )


def test_an_upscale_is_the_picture_itself() -> None:
    """One picture, with the generations it had in its grid."""
    grid = imagine(seed=42)
    single = upscale(grid, 1, press(seed=42))
    assert single.image_count == 1
    assert single.generations(0) == grid.generations(1)


def test_a_reroll_of_a_variation_varies_the_same_source() -> None:
    """Only the new seed differs."""
    grid = variation(imagine(seed=1), 0, Strength.SUBTLE, press(seed=2))
    again = reroll(grid, press(seed=3, interaction=9))
    assert again.generations(0) == (Generation(1, 0), Generation(3, 0, Strength.SUBTLE))


@pytest.mark.parametrize("index", [-1, 4])
def test_a_picture_that_does_not_exist_is_refused(index: int) -> None:
    """A grid has four pictures."""
    with pytest.raises(UserError, match="unknown_button"):
        variation(imagine(), index, Strength.SUBTLE, press())


def test_no_job_follows_from_cancel() -> None:
    """It ends one."""
    job = imagine()
    with pytest.raises(UserError, match="unknown_button"):
        next_job(job, ButtonId(Action.CANCEL, None, job.id), press())


def test_an_upscale_keeps_seed_and_model_whatever_draws_now() -> None:
    """It is the very picture: the id says what drew it, and another press makes another id."""
    grid = imagine(seed=42)
    now = replace(press(seed=7), fingerprint=99)
    single = upscale(grid, 1, now)
    assert (single.seed, model_fingerprint_of(single.id)) == (42, model_fingerprint_of(grid.id))
    assert model_fingerprint_of(reroll(grid, now).id) == 99
    assert upscale(grid, 1, replace(now, interaction_id=now.interaction_id + 1)).id != single.id


def test_a_press_without_a_seed_draws_one_from_the_interaction() -> None:
    """The same press makes the same job, another press another one."""
    pressed = replace(press(), seed=None)
    assert reroll(imagine(), pressed) == reroll(imagine(), pressed)
    assert reroll(imagine(), replace(pressed, interaction_id=9)).seed != reroll(imagine(), pressed).seed


def test_a_variation_departs_as_its_button_says_else_as_the_person_likes() -> None:
    """V1-V4 leave it to /settings."""
    job = imagine()
    likes_subtle = replace(press(), strength=Strength.SUBTLE)
    by_grid = next_job(job, ButtonId(Action.VARIATION, 0, job.id), likes_subtle)
    assert by_grid.request == Variation(Strength.SUBTLE, (Generation(42, 0),))
    assert variation(job, 0, Strength.STRONG, likes_subtle).request == Variation(Strength.STRONG, (Generation(42, 0),))
