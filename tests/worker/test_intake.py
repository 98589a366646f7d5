"""Input pictures are fetched once and kept for all that follows."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from contract.codec import job_document
from contract.errors import UserError
from contract.jobs import Strength
from contract.prompt import parse
from contract.prompt.values import ImagePrompt
from contract.sentences import describe
from exchange.images import FolderStore
from tests.contract.factories import imagine, press, reroll, upscale, variation
from tests.worker.conftest import picture
from worker.encoding import encode_lossless
from worker.fetching import LinkRefused
from worker.intake import FIRST_INPUT, MAX_INPUTS, Intake

A, B = "https://example.org/a.png", "https://example.org/b.png"


class Web:
    """Pictures by link, and how often each was asked for."""

    def __init__(self) -> None:
        self.pages = {A: picture(100), B: picture(200)}
        self.asked: list[str] = []

    def __call__(self, link: str) -> bytes:
        self.asked.append(link)
        if link not in self.pages:
            raise LinkRefused("its host answered 404: not found")
        return encode_lossless(self.pages[link], parameters="").data


@pytest.fixture
def web() -> Web:
    return Web()


@pytest.fixture
def intake(store: FolderStore, web: Web) -> Intake:
    return Intake(store, web)


def test_a_prompt_without_links_asks_nobody(intake: Intake, web: Web) -> None:
    """The ordinary case."""
    assert intake.pictures(imagine()) == []
    assert web.asked == []


def test_pictures_come_in_the_prompts_order_and_are_fetched_once(intake: Intake, web: Web) -> None:
    """A second try of the same job finds them in the store."""
    job = imagine(f"{B} {A} a fox")
    for _ in range(2):
        shades = [int(image[0, 0, 0]) for image in intake.pictures(job)]
        assert shades == [200, 100]
    assert web.asked == [B, A]


def test_descendants_need_no_link_that_still_works(intake: Intake, store: FolderStore, web: Web) -> None:
    """Discord's links die after a day; a variation of a single picture of the grid finds what the grid kept."""
    grid = imagine(f"{A} a fox")
    intake.pictures(grid)
    web.pages.clear()
    single = upscale(grid, 1, press())
    for job in (grid, single):
        store.put_record(job_document(job))
    for job in (reroll(grid, press(interaction=20)), variation(single, 0, Strength.SUBTLE, press(interaction=21))):
        [image] = intake.pictures(job)
        assert np.array_equal(image, picture(100))
        assert store.get_image(job.id, FIRST_INPUT) is not None
    assert web.asked == [A]


def test_other_words_with_another_link_get_the_other_picture(intake: Intake, web: Web) -> None:
    """A remix may swap the picture: what is kept is known by its link, not by its place."""
    grid = imagine(f"{A} a fox")
    intake.pictures(grid)
    remixed = reroll(grid, press(), parse(f"{B} a fox").prompts[0])
    [image] = intake.pictures(remixed)
    assert np.array_equal(image, picture(200))


def test_a_link_that_leads_nowhere_is_told_by_name(intake: Intake) -> None:
    """The user reads which link and why."""
    with pytest.raises(UserError) as caught:
        intake.pictures(imagine("https://example.org/gone.png a fox"))
    title, description = describe(caught.value)
    assert title == "Invalid link"
    assert "https://example.org/gone.png" in description
    assert "not found" in description


def test_there_is_room_for_only_so_many(intake: Intake, web: Web) -> None:
    """Counted before anything is fetched."""
    job = imagine()
    crowd = replace(job, prompt=replace(job.prompt, images=(ImagePrompt(A),) * (MAX_INPUTS + 1)))
    with pytest.raises(UserError, match="link_refused"):
        intake.pictures(crowd)
    assert web.asked == []
