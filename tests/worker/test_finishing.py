"""What is drawn comes out as people get it: enlarged, and painted where the words ask for a style."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import cast

import numpy as np
import pytest
from numpy.typing import NDArray

from contract.actions import Action
from contract.catalogue import EASEL_SMALL, Catalogue
from contract.jobs import Job
from contract.kinds.sheet import Drafts
from contract.kinds.shorten import Shorten, words_of
from contract.plan import Plan
from contract.planning import plan
from model import Prompt
from model.manners import asked_in
from model.painting import Manner, painted
from model.request import text_to_image
from tests.contract.factories import follow, imagine, press, upscale
from tests.model.conftest import assert_same_pictures
from worker.alone import make_alone
from worker.engines import Engine, Warm
from worker.finishing import enlarged, finished, paints
from worker.loading import Loader
from worker.recipes import Recipe
from worker.results import Pictures, Words
from worker.verifying import Redrawer

Picture = NDArray[np.uint8]
DRAWN = [np.full((16, 16, 3), level, np.uint8) for level in (40, 90, 160, 220)]
ASKED = text_to_image("a fox, mosaic", seed=5, size=(16, 16))
PLAIN = text_to_image("a fox", seed=5, size=(16, 16))
PLAN = plan(imagine("a fox"), EASEL_SMALL)


def four_times(images: list[Picture], plan: Plan) -> list[Picture]:
    return [image.repeat(4, 0).repeat(4, 1) for image in images]


def manner(prompt: Prompt) -> Manner:
    return Manner("mosaic" if "mosaic" in prompt.parts[0][0] else "")


STUDIO = Warm("small", cast(Engine, None), four_times, manner=manner)


def test_what_asks_for_no_style_is_enlarged_and_nothing_else() -> None:
    made = finished(STUDIO, PLAN, DRAWN, PLAIN)
    assert np.array_equal(made, four_times(DRAWN, PLAN))
    assert not paints(STUDIO, PLAIN)


def test_each_picture_is_painted_by_its_own_seed() -> None:
    made = finished(STUDIO, PLAN, DRAWN, ASKED)
    large = enlarged(STUDIO, PLAN, DRAWN)
    assert np.array_equal(made[0], painted(large[0], Manner("mosaic"), 5))
    assert np.array_equal(made[3], painted(large[3], Manner("mosaic"), 5 + 3 * 2**32))
    third = replace(ASKED, noises=ASKED.noises[2:3])
    assert np.array_equal(finished(STUDIO, PLAN, DRAWN[2:3], third), made[2:3])
    assert paints(STUDIO, ASKED)


def test_a_variation_has_the_grain_of_its_parent() -> None:
    parent, child = ASKED.noises[0], replace(ASKED.noises[0], ancestors=((9, 0, 0.3),))
    ones, others = (finished(STUDIO, PLAN, DRAWN[:1], replace(ASKED, noises=(one,))) for one in (parent, child))
    assert np.array_equal(ones, others)


@pytest.fixture(scope="module")
def warm() -> Iterator[Warm]:
    """The default model."""
    loaded = Loader(Catalogue((EASEL_SMALL,)), "cpu").load(EASEL_SMALL.name)
    yield loaded
    loaded.engine.close()


def made_of(job: Job, warm: Warm, *indices: int) -> list[Picture]:
    result = make_alone(job, plan(job, EASEL_SMALL), EASEL_SMALL, warm, indices or None)
    assert isinstance(result, Pictures)
    return list(result.images)


@pytest.mark.parametrize("typed", ["a red fox, pencil sketch", "红色的狐狸，素描", "a red fox, pencl sketch"])
def test_the_default_model_is_painted_over(warm: Warm, typed: str) -> None:
    """The same fox without its colours; one alone is that of the grid to the rounding of a level, of which the edges
    of hatches make a few."""
    plain, drawn = made_of(imagine("a red fox"), warm, 1), made_of(imagine(typed), warm)
    assert np.ptp(plain[0].astype(int), axis=-1).max() > 100
    assert np.ptp(np.stack(drawn).astype(int), axis=-1).max() < 30
    bare = replace(warm, manner=lambda prompt: Manner())
    assert_same_pictures(made_of(imagine(typed), bare, 1), made_of(imagine(typed), bare)[1:2])
    [alone] = made_of(imagine(typed), warm, 1)
    apart = np.abs(alone.astype(int) - drawn[1])
    assert apart.max() <= 8
    assert (apart > 1).mean() < 0.001


@pytest.mark.parametrize("typed", ["a red fox --no watercolor, ink", "a red fox, watercolor --no watercolor"])
def test_a_style_that_is_not_to_be_there_is_not(warm: Warm, typed: str) -> None:
    assert np.array_equal(
        made_of(imagine(typed), warm, 0), made_of(imagine(typed), replace(warm, manner=lambda prompt: Manner()), 0)
    )


def test_a_numbered_style_moves_pictures(warm: Warm) -> None:
    plain = made_of(imagine("a red fox"), warm, 0)[0].astype(int)
    for number in (12345, 7):
        assert np.abs(made_of(imagine(f"a red fox --sref {number}"), warm, 0)[0] - plain).mean() > 15


def test_what_is_beside_a_painted_picture_is_painted_too(warm: Warm) -> None:
    """And the picture itself stays as it is, to the byte."""
    single = upscale(imagine("a red fox, blueprint"), 1, press())
    wider = made_of(follow(single, Action.PAN_LEFT, press(interaction=8)), warm, 0)[0]
    [parent] = made_of(single, warm)
    width = parent.shape[1]
    assert wider.shape[1] > width
    assert np.array_equal(wider[:, -width:], parent)
    red, _, blue = np.median(wider[:, :-width].reshape(-1, 3).astype(int), axis=0)
    assert blue > red + 60


@pytest.mark.parametrize("action", [Action.UPSCALE_SUBTLE, Action.UPSCALE_CREATIVE])
def test_a_painted_picture_made_larger_is_the_same_painting(warm: Warm, action: Action) -> None:
    single = upscale(imagine("a red fox, blueprint"), 1, press())
    [larger], [parent] = made_of(follow(single, action, press(interaction=9)), warm), made_of(single, warm)
    assert larger.shape[0] == 2 * parent.shape[0]
    again = larger.reshape(*parent.shape[:1], 2, parent.shape[1], 2, 3).mean(axis=(1, 3))
    assert np.abs(again - parent).mean() < 6


def test_sheets_show_what_is_painted(warm: Warm) -> None:
    """Small, in all cells."""
    [sheet] = made_of(replace(imagine("a red fox, blueprint"), request=Drafts()), warm)
    red, _, blue = np.median(sheet.reshape(-1, 3).astype(int), axis=0)
    assert blue > red + 60


def test_descriptions_ask_for_no_style_by_the_way(warm: Warm) -> None:
    """ "A drawing of a fox" would be painted as a drawing."""
    assert warm.describe is not None
    [fox] = made_of(imagine("a red fox"), warm, 0)
    for seed in range(6):
        assert not any(asked_in(caption) for caption in warm.describe(fox, seed))


def test_a_word_of_a_style_weighs_more_than_one_that_does_nothing(warm: Warm) -> None:
    job = replace(imagine("a red fox, blueprint, very"), request=Shorten())
    result = make_alone(job, plan(job, EASEL_SMALL), EASEL_SMALL, warm)
    assert isinstance(result, Words)
    influence = dict(zip(words_of(job.prompt.text), result.influence, strict=True))
    assert influence["blueprint,"] > 2 * influence["very"]


def test_a_painted_picture_is_drawn_again_from_its_recipe(warm: Warm) -> None:
    """By a model that is loaded anew, to the byte."""
    job = imagine("a red fox, stained glass")
    job = replace(job, plan=plan(job, EASEL_SMALL))
    assert job.plan is not None
    first = make_alone(job, job.plan, EASEL_SMALL, warm)
    assert isinstance(first, Pictures)
    catalogue = Catalogue((EASEL_SMALL,))
    with Redrawer(catalogue, Loader(catalogue, "cpu")) as redrawer:
        again = redrawer.draw(Recipe(job, None, first.drawn_by))
    assert isinstance(again, Pictures)
    assert np.array_equal(again.images, first.images)
