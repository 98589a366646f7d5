"""Input pictures are fetched once and kept for all that follows."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from contract.codec import job_document
from contract.errors import UserError
from contract.jobs import Job, Strength
from contract.prompt import parse
from contract.prompt.values import ImagePrompt
from contract.sentences import describe
from exchange.images import FolderStore
from tests.contract.factories import imagine, press, reroll, upscale, variation
from tests.worker.conftest import picture
from tests.worker.fakes import FakeWeb
from worker.intake import MAX_INPUTS, Intake, input_name
from worker.reading import Pixels, ReadingStopped

A, B = "https://example.org/a.png", "https://example.org/b.png"


@pytest.fixture
def web() -> FakeWeb:
    return FakeWeb({A: picture(100), B: picture(200)})


@pytest.fixture
def intake(store: FolderStore, web: FakeWeb) -> Intake:
    return Intake(store, web)


def taken_in(intake: Intake, job: Job) -> list[Pixels]:
    """A job's pictures as the rendering finds them after the intake."""
    intake.take_in(job, lambda reading: None)
    return intake.pictures(job, lambda reading: None)


def test_a_prompt_without_links_asks_nobody(intake: Intake, web: FakeWeb) -> None:
    """The ordinary case."""
    assert taken_in(intake, imagine()) == []
    assert web.asked == []


def test_pictures_come_in_the_prompts_order_and_are_fetched_once(intake: Intake, web: FakeWeb) -> None:
    """A second try of the same job finds them in the store."""
    job = imagine(f"{B} {A} a fox")
    for _ in range(2):
        shades = [int(image[0, 0, 0]) for image in taken_in(intake, job)]
        assert shades == [200, 100]
    assert web.asked == [B, A]


def test_descendants_need_no_link_that_still_works(intake: Intake, store: FolderStore, web: FakeWeb) -> None:
    """Discord's links die after a day; a variation of a single picture of the grid finds what the grid kept."""
    grid = imagine(f"{A} a fox")
    taken_in(intake, grid)
    web.pages.clear()
    single = upscale(grid, 1, press())
    for job in (grid, single):
        store.put_record(job_document(job))
    for job in (reroll(grid, press(interaction=20)), variation(single, 0, Strength.SUBTLE, press(interaction=21))):
        [image] = taken_in(intake, job)
        assert np.array_equal(image, picture(100))
        assert store.get_input(job.id, input_name(0)) is not None
    assert web.asked == [A]


def test_other_words_with_another_link_get_the_other_picture(intake: Intake, web: FakeWeb) -> None:
    """A remix may swap the picture: what is kept is known by its link, not by its place."""
    grid = imagine(f"{A} a fox")
    taken_in(intake, grid)
    remixed = reroll(grid, press(), parse(f"{B} a fox").prompts[0])
    [image] = taken_in(intake, remixed)
    assert np.array_equal(image, picture(200))


def test_a_link_that_leads_nowhere_is_told_by_name(intake: Intake) -> None:
    """The user reads which link and why."""
    with pytest.raises(UserError) as caught:
        taken_in(intake, imagine("https://example.org/gone.png a fox"))
    title, description = describe(caught.value)
    assert title == "Invalid link"
    assert "https://example.org/gone.png" in description
    assert "not found" in description


def test_there_is_room_for_only_so_many(intake: Intake, web: FakeWeb) -> None:
    """Counted before anything is fetched."""
    job = imagine()
    crowd = replace(job, prompt=replace(job.prompt, images=(ImagePrompt(A),) * (MAX_INPUTS + 1)))
    with pytest.raises(UserError, match="link_refused"):
        taken_in(intake, crowd)
    assert web.asked == []


def test_a_link_of_a_thousand_characters_is_told_short(intake: Intake) -> None:
    """Enough of it to know which one is meant."""
    with pytest.raises(UserError) as caught:
        taken_in(intake, imagine(f"https://example.org/{'a' * 1000}.png a fox"))
    assert len(describe(caught.value)[1]) < 250
    assert "https://example.org/aaa" in describe(caught.value)[1]


def test_a_cancelled_intake_keeps_nothing(intake: Intake, store: FolderStore) -> None:
    """The holder of the reading can end it."""
    job = imagine(f"{A} a fox")
    with pytest.raises(ReadingStopped):
        intake.take_in(job, lambda reading: reading.cancel())
    assert store.get_input(job.id, input_name(0)) is None


def test_what_the_store_has_lost_is_taken_in_again(intake: Intake, store: FolderStore, web: FakeWeb) -> None:
    """A rendering does not draw without the picture that was asked for."""
    job = imagine(f"{A} a fox")
    taken_in(intake, job)
    store.delete(job.id)
    [image] = intake.pictures(job, lambda reading: None)
    assert np.array_equal(image, picture(100))
    assert web.asked == [A, A]


def test_a_signature_that_has_expired_is_no_other_picture(intake: Intake, store: FolderStore, web: FakeWeb) -> None:
    """A message shows Discord's links without it: a remix of the message finds what the grid kept."""
    upload = "https://cdn.discordapp.com/attachments/1/2/a.png"
    web.pages[f"{upload}?ex=1&hm=2"] = picture(50)
    grid = imagine(f"{upload}?ex=1&hm=2 a fox")
    taken_in(intake, grid)
    store.put_record(job_document(grid))
    remixed = reroll(grid, press(), parse(grid.prompt.echo).prompts[0])
    assert remixed.prompt.images[0].url == upload
    [image] = taken_in(intake, remixed)
    assert np.array_equal(image, picture(50))
    assert len(web.asked) == 1
