"""Input pictures are fetched once and kept for all that follows."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from contract.codec import job_document
from contract.errors import UserError
from contract.jobs import Job, Strength
from contract.kinds.attached import Attached
from contract.prompt import parse
from contract.prompt.links import called
from contract.prompt.values import ImagePrompt
from contract.sentences import describe
from exchange.images import FolderStore
from tests.contract.factories import imagine, press, reroll, upscale, variation
from tests.worker.conftest import picture
from tests.worker.fakes import FakeWeb
from worker.intake import LEAST_SIDE, MAX_INPUTS, Intake, input_name
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


@pytest.mark.parametrize(("height", "width"), [(1, 1), (15, 600), (1024, 15)])
def test_a_picture_of_which_nothing_can_be_seen_is_refused(
    intake: Intake, store: FolderStore, web: FakeWeb, height: int, width: int
) -> None:
    """The sentence says how large one has to be, and nothing is kept; the smallest that can be seen is taken."""
    web.pages[A] = np.full((height, width, 3), 100, np.uint8)
    job = imagine(f"{A} a fox")
    with pytest.raises(UserError, match="too_small") as caught:
        taken_in(intake, job)
    assert f"at least {LEAST_SIDE} pixels" in describe(caught.value)[1]
    assert store.get_input(job.id, input_name(0)) is None
    web.pages[A] = picture(100, LEAST_SIDE)
    assert len(taken_in(intake, job)) == 1


def test_there_is_room_for_only_so_many(intake: Intake, web: FakeWeb) -> None:
    """Counted before anything is fetched."""
    job = imagine()
    crowd = replace(job, prompt=replace(job.prompt, images=(ImagePrompt(A),) * (MAX_INPUTS + 1)))
    with pytest.raises(UserError, match="link_refused"):
        taken_in(intake, crowd)
    assert web.asked == []


@pytest.mark.parametrize(
    ("link", "named"),
    [
        ("https://cdn.discordapp.com/attachments/1/2/my%20cat.png?ex=6b0&is=6a0&hm=5bf", "`my cat.png`"),
        ("http://127.0.0.1:1/ephemeral-attachments/1/2/%60%0Acat.png", "`ˋcat.png`"),
        ("https://example.com/a/1/2/cat.png?x=1", "`https://example.com/a/1/2/cat.png?x=1`"),
    ],
)
def test_an_upload_is_named_as_its_owner_knows_it(link: str, named: str) -> None:
    """Not by an address that nobody typed."""
    error = UserError("link_refused", link=called(link), reason="no_picture")
    assert describe(error)[1].startswith(f"The picture {named} could not be used")


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


def test_a_picture_of_its_message_takes_no_place_of_a_grids_own(
    intake: Intake, store: FolderStore, web: FakeWeb
) -> None:
    """Where a grid's record is lost, U goes on from its message, under the grid's id: each link has its own picture."""
    grid = imagine(f"{A} a fox")
    taken_in(intake, grid)
    shown = replace(grid, request=Attached(B, 64, 64, 4), prompt=grid.prompt.without_pictures())
    for _ in range(2):
        assert [int(image[0, 0, 0]) for image in taken_in(intake, shown)] == [200]
    web.pages.clear()
    assert [int(image[0, 0, 0]) for image in taken_in(intake, grid)] == [100]
    assert web.asked == [A, B]


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


def test_two_pictures_alike_are_told_of(store: FolderStore) -> None:
    """The same picture under two names, even in another file format, is no blend; beside words it may be."""
    noisy = picture(100)
    noisy[::7, ::5] += 1
    web = FakeWeb({A: picture(100), B: noisy})
    intake = Intake(store, web)
    for text in (f"{A} {B}", f"make it red --edit {A} {B}"):
        with pytest.raises(UserError, match="duplicate_images"):
            intake.take_in(imagine(text), lambda reading: None)
    intake.take_in(imagine(f"{A} {B} a fox"), lambda reading: None)


def test_a_map_is_read_before_it_is_drawn(store: FolderStore) -> None:
    """Colours that are not the legend's are told of at the intake, where nothing is charged."""
    intake = Intake(store, FakeWeb({A: np.full((64, 64, 3), (200, 30, 200), np.uint8)}))
    with pytest.raises(UserError, match="map_colours"):
        intake.take_in(imagine(f"a fox --map {A}"), lambda reading: None)
