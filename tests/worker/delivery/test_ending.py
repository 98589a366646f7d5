"""Every job ends once in Discord: with its pictures, or with a sentence that its user hears of."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import redis

from contract import events, messages
from contract.catalogue import DEFAULT_CATALOGUE
from contract.errors import UserError
from contract.ids import nonce
from contract.jobs import Job, Strength, channel_of
from contract.lineage import caption
from contract.outcomes import Cancelled, Done, Failed, Fault, JobState, Outcome, Refused, Stored, Texts
from contract.remarks import Remark
from exchange import keys
from exchange.accounts import month_of
from exchange.delivery import MessageRef, delivery_state
from exchange.images import FolderStore, StoreUnavailable
from tests.contract.factories import imagine, planned, press, upscale, variation
from tests.worker.conftest import keep_pictures, picture
from tests.worker.fakes import CANNOT_DM, MISSING_PERMISSIONS, UNKNOWN_CHANNEL, Crash, FakeDiscord
from worker.delivery.discord import NONCE_TRUSTED_MS, DiscordDoor
from worker.delivery.ending import (
    AWAY_PATIENCE_MS,
    LONGEST_DELAY_S,
    PATIENCE_MS,
    SHORTEST_DELAY_S,
    Delivery,
    Ended,
    PicturesMissing,
)
from worker.encoding import encode_lossless, read_parameters
from worker.leases import RetryLater
from worker.recipes import read_recipe
from worker.results import Pictures
from worker.signing import Signer, Verdict, make_certificate, read_credentials

WAITING = 500


class Clock:
    """Unix milliseconds that a test moves."""

    def __init__(self) -> None:
        self.ms = 1_790_000_100_000

    def __call__(self) -> int:
        return self.ms


@pytest.fixture
def discord() -> FakeDiscord:
    return FakeDiscord(waiting={WAITING: ("**a fox** - <@811> (Waiting to start)", None)})


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def delivery(discord: FakeDiscord, store: FolderStore, client: redis.Redis, clock: Clock) -> Delivery:
    door = DiscordDoor(discord, upload_limit_bytes=10 * 2**20, now_ms=clock)
    return Delivery({"discord": door}, store, client, DEFAULT_CATALOGUE, now_ms=clock)


def accepted(client: redis.Redis, job: Job, *, waiting: int | None = WAITING, interaction: int | None = None) -> Job:
    """What submit and release leave behind for a job that is now being delivered."""
    fields: dict[Any, Any] = {"state": "delivering"}
    if waiting is not None:
        fields |= {"waiting_channel": channel_of(job.destination).channel_id, "waiting_message": waiting}
    if interaction is not None:
        fields["interaction"] = interaction
    client.hset(keys.state(job.id), mapping=fields)
    return job


def test_what_was_not_read_stands_in_the_final_message(
    delivery: Delivery, discord: FakeDiscord, store: FolderStore, client: redis.Redis
) -> None:
    """Below the line that clients read, in the person's language; also that another version was asked for."""
    job = accepted(client, planned(replace(imagine("fox --v 7"), locale="zh-CN")))
    keep_pictures(store, job)
    delivery.deliver(job, Done(1.0, (Remark("unknown_words", {"model": "Easel Small", "words": "`elk`"}),)))
    line, version, unknown = (discord.messages[0].post.content or "").splitlines()
    assert line == messages.result(job)
    assert version.startswith("-# ")
    assert unknown == "-# Easel Small 不认识 `elk`"


# ── results ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_grid_is_posted_and_the_waiting_message_deleted_after_it(
    delivery: Delivery, discord: FakeDiscord, store: FolderStore, client: redis.Redis
) -> None:
    """One new message with pictures, content, rows, file name, caption and nonce; then the waiting one goes."""
    job = accepted(client, planned(imagine()))
    keep_pictures(store, job)
    result = delivery.deliver(job, Done())
    [message] = discord.messages
    assert result == Ended(JobState.DELIVERED, MessageRef(31, message.id))
    assert discord.steps == ["post", "delete"]
    assert discord.deleted == [WAITING]
    assert message.place == 31
    assert message.nonce == nonce(job.id)
    assert message.post.content == messages.result(job)
    assert message.post.buttons == messages.result_buttons(job)
    assert message.post.mention == 811
    assert message.post.reply_to is None
    assert message.post.attachment is not None
    assert message.post.attachment.name.endswith(f"_{job.id}.png")
    assert message.post.attachment.description == caption(job)
    assert discord.shades(message) == [10, 60, 110, 160]
    assert f"Easel job: {job.id}" in (read_parameters(message.post.attachment.data) or "")
    state = delivery_state(client, job.id)
    assert state.state == "delivered"
    assert state.posted is not None
    assert state.posted.message_id == message.id


def test_what_is_posted_carries_its_credentials(
    discord: FakeDiscord, store: FolderStore, client: redis.Redis, clock: Clock
) -> None:
    """Signed after it was encoded, within the limit all the same; the recipe is the job's."""
    signer = Signer(*make_certificate())
    door = DiscordDoor(discord, upload_limit_bytes=100_000, signer=signer, now_ms=clock)
    job = accepted(client, planned(imagine()))
    keep_pictures(store, job)
    Delivery({"discord": door}, store, client, DEFAULT_CATALOGUE, now_ms=clock).deliver(job, Done())
    file = discord.messages[0].post.attachment
    assert file is not None
    found = read_credentials(file.data, file.name.rpartition(".")[2], signer.chain)
    assert found.verdict is Verdict.TRUSTED
    assert found.recipe is not None
    assert read_recipe(found.recipe).job.id == job.id
    assert len(file.data) <= 100_000


def test_follow_ups_answer_the_message_they_came_from(
    delivery: Delivery, discord: FakeDiscord, store: FolderStore, client: redis.Redis
) -> None:
    """A variation replies to the grid that was pressed."""
    job = accepted(client, variation(imagine(), 1, Strength.STRONG, press(reply_to=99)))
    keep_pictures(store, job)
    delivery.deliver(job, Done())
    assert discord.messages[0].post.reply_to == 99
    assert discord.messages[0].post.content == messages.result(job)


def test_a_single_picture_comes_from_the_store_without_any_drawing(
    delivery: Delivery, discord: FakeDiscord, store: FolderStore, client: redis.Redis
) -> None:
    """U3 posts the third picture of the grid and keeps it under its own id."""
    grid = imagine()
    keep_pictures(store, grid)
    job = accepted(client, upscale(grid, 2, press()))
    delivery.deliver(job, Stored())
    [message] = discord.messages
    assert discord.shades(message) == [110] * 4
    assert message.post.content == messages.result(job)
    assert store.get_image(job.id, 0) == store.get_image(grid.id, 2)
    assert store.get_record(job.id) == job
    assert client.llen("rq:queue:render") == 0


def test_a_single_picture_that_the_store_lost_is_rendered_again(
    delivery: Delivery, discord: FakeDiscord, store: FolderStore, client: redis.Redis
) -> None:
    """The one picture goes through the render queue, and its delivery ends the job."""
    job = accepted(client, upscale(imagine(), 2, press()))
    assert delivery.deliver(job, Stored()) == Ended(JobState.QUEUED)
    assert delivery.deliver(job, Stored()) == Ended(JobState.QUEUED)
    assert client.lrange("rq:queue:render", 0, -1) == [keys.again_id(job.id).encode()]
    assert discord.steps == []
    keep_pictures(store, job, (77,))
    delivery.deliver(job, Done())
    assert discord.shades(discord.messages[0]) == [77] * 4


def test_a_delivered_job_counts_once(delivery: Delivery, store: FolderStore, client: redis.Redis) -> None:
    """Usage and history know the job, however often it is delivered."""
    job = accepted(client, imagine())
    keep_pictures(store, job)
    delivery.deliver(job, Done())
    delivery.deliver(job, Done())
    usage = client.hgetall(keys.usage(job.user.id, month_of(job.created_ms)))
    assert usage[b"fast:jobs"] == b"1"
    assert usage[b"fast:images"] == b"4"


# ── once, and only once ─────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("moment", "step"), [("before", "post"), ("after", "post"), ("before", "delete"), ("after", "delete")]
)
def test_a_crash_anywhere_neither_loses_nor_doubles(
    delivery: Delivery,
    discord: FakeDiscord,
    store: FolderStore,
    client: redis.Redis,
    moment: str,
    step: str,
) -> None:
    """The next try gets the first message back by its nonce, or knows it from its notes; and the waiting one goes."""
    job = accepted(client, imagine())
    keep_pictures(store, job)
    setattr(discord, moment, crash_at(step))
    with pytest.raises(Crash):
        delivery.deliver(job, Done())
    discord.before = discord.after = lambda step: None
    assert delivery.deliver(job, Done()).state is JobState.DELIVERED
    assert len(discord.messages) == 1
    assert discord.steps.count("post") == (2 if step == "post" else 1)
    assert discord.waiting == {}


def test_when_the_nonce_may_be_forgotten_the_channel_is_searched(
    delivery: Delivery, discord: FakeDiscord, store: FolderStore, client: redis.Redis, clock: Clock
) -> None:
    """A try after minutes finds the message of the first by its buttons instead of posting again."""
    job = accepted(client, imagine())
    keep_pictures(store, job)
    discord.after = crash_at("post")
    with pytest.raises(Crash):
        delivery.deliver(job, Done())
    discord.after = lambda step: None
    discord.remembers_nonces = False
    clock.ms = first_try(client, job) + NONCE_TRUSTED_MS + 1
    delivery.deliver(job, Done())
    assert len(discord.messages) == 1
    assert discord.steps == ["post", "search", "delete"]


def test_a_late_try_without_an_earlier_message_posts(
    delivery: Delivery, discord: FakeDiscord, store: FolderStore, client: redis.Redis, clock: Clock
) -> None:
    """The search finds nothing when the first try never arrived; without the right to search, posting wins."""
    for interaction, refuse in ((1, {}), (2, {"search": MISSING_PERMISSIONS})):
        job = accepted(client, imagine(interaction=interaction))
        keep_pictures(store, job)
        discord.refuse = {}
        discord.before = crash_at("post")
        with pytest.raises(Crash):
            delivery.deliver(job, Done())
        discord.before = lambda step: None
        discord.refuse = refuse
        clock.ms = first_try(client, job) + NONCE_TRUSTED_MS + 1
        assert delivery.deliver(job, Done()).state is JobState.DELIVERED
    assert len(discord.messages) == 2


def test_a_message_deleted_by_a_person_is_not_posted_again(
    delivery: Delivery, discord: FakeDiscord, store: FolderStore, client: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Discord says that the nonce's message was deleted: the job had been delivered."""
    job = accepted(client, imagine())
    keep_pictures(store, job)
    monkeypatch.setattr(discord, "post", lambda *arguments: None)
    assert delivery.deliver(job, Done()) == Ended(JobState.DELIVERED)
    assert discord.deleted == [WAITING]
    assert delivery_state(client, job.id).state == "delivered"


def test_a_waiting_message_that_nobody_noted_is_found_by_its_interaction(
    delivery: Delivery, discord: FakeDiscord, store: FolderStore, client: redis.Redis
) -> None:
    """The bot died between its answer and its note: the interaction's id leads to the message."""
    job = accepted(client, imagine(), waiting=None, interaction=7)
    keep_pictures(store, job)
    discord.answers = {7: WAITING}
    delivery.deliver(job, Done())
    assert discord.deleted == [WAITING]


def test_a_waiting_message_that_is_gone_is_no_trouble(
    delivery: Delivery, discord: FakeDiscord, store: FolderStore, client: redis.Redis
) -> None:
    """Someone deleted it, or the bot may not: the result stands."""
    for interaction in (1, 2):
        job = accepted(client, imagine(interaction=interaction))
        keep_pictures(store, job)
        discord.waiting.clear()
        discord.refuse = {} if interaction == 1 else {"delete": MISSING_PERMISSIONS}
        assert delivery.deliver(job, Done()).state is JobState.DELIVERED


def test_texts_are_posted_as_a_numbered_list(
    delivery: Delivery, discord: FakeDiscord, store: FolderStore, client: redis.Redis
) -> None:
    """A result that is words needs no picture in the store: one embed, with the buttons of its kind."""
    job = accepted(client, imagine())
    assert delivery.deliver(job, Texts(("a fox", "a red fox"))).state is JobState.DELIVERED
    [message] = discord.messages
    assert message.post.embed is not None
    assert message.post.embed.description == "1️⃣ a fox\n\n2️⃣ a red fox"
    assert message.post.attachment is None
    assert message.post.buttons == messages.result_buttons(job)
    assert discord.deleted == [WAITING]


# ── bad ends ────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_failed_job_is_told_by_a_red_reply_to_the_waiting_message(
    delivery: Delivery, discord: FakeDiscord, store: FolderStore, client: redis.Redis
) -> None:
    """Colour 15548997, the job's number in the footer, a ping, the waiting message kept, the reason recorded."""
    job = accepted(client, imagine())
    assert delivery.deliver(job, Failed(Fault.ERROR)).way == "reply"
    [message] = discord.messages
    assert message.post.embed is not None
    assert message.post.embed.colour == 15548997
    assert message.post.embed.footer == f"Job {job.id}"
    assert message.post.reply_to == WAITING
    assert message.post.mention == 811
    assert message.post.attachment is None
    assert message.nonce != nonce(job.id)
    assert discord.waiting[WAITING] == (messages.stopped(job), None)
    assert recorded_failure(store, job) == ("job_failed", "error")
    assert delivery_state(client, job.id).state == "failed"
    discord.waiting[WAITING] = ("(31%)", None)  # the process died before it had said so there
    ended = Ended(JobState.FAILED, MessageRef(31, message.id))
    assert delivery.deliver(job, Failed(Fault.ERROR)) == ended
    assert discord.waiting[WAITING] == (messages.stopped(job), None)
    assert len(discord.messages) == 1


def test_what_the_user_can_mend_is_said_in_its_own_words(
    delivery: Delivery, discord: FakeDiscord, client: redis.Redis
) -> None:
    """A refusal found after acceptance keeps its kind and values."""
    job = accepted(client, imagine())
    delivery.deliver(job, Refused.by(UserError("ratio_too_extreme", ratio="20:1", model="Easel Small", limit=8)))
    embed = discord.messages[0].post.embed
    assert embed is not None
    assert embed.title == "Invalid parameter"
    assert "--ar 20:1" in embed.description


def test_what_the_channel_does_not_take_is_handed_over_directly(
    delivery: Delivery, discord: FakeDiscord, store: FolderStore, client: redis.Redis
) -> None:
    """The picture is made: its person gets it, with its buttons, and learns why it comes this way."""
    job = accepted(client, imagine())
    keep_pictures(store, job)
    discord.refuse = {"post": MISSING_PERMISSIONS}
    assert delivery.deliver(job, Done()).state is JobState.DELIVERED
    assert delivery.deliver(job, Done()).state is JobState.DELIVERED
    [message] = discord.messages
    assert message.place == -811
    assert message.post.attachment is not None
    assert "may not post it in <#31>" in (message.post.content or "")
    assert WAITING not in discord.waiting


@pytest.mark.parametrize("outcome", [Failed(Fault.WORKER_LOST), Failed(Fault.ERROR)])
def test_a_picture_in_the_store_outweighs_a_failure(
    delivery: Delivery, discord: FakeDiscord, store: FolderStore, client: redis.Redis, outcome: Failed
) -> None:
    """A worker that died after drawing has drawn all the same."""
    job = accepted(client, imagine())
    keep_pictures(store, job)
    assert delivery.deliver(job, outcome).state is JobState.DELIVERED


def test_telling_a_failure_needs_no_store(
    delivery: Delivery, discord: FakeDiscord, store: FolderStore, client: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The store may be what failed: the person is told at once all the same."""
    job = accepted(client, imagine())

    def fail(*_: object) -> None:
        raise StoreUnavailable("the disk is full")

    for name in ("put_image", "get_image", "put_record", "get_document"):
        monkeypatch.setattr(store, name, fail)
    assert delivery.deliver(job, Failed(Fault.ERROR)).way == "reply"
    assert len(discord.messages) == 1


def test_a_result_is_posted_from_memory(
    delivery: Delivery, discord: FakeDiscord, store: FolderStore, client: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A store that takes nothing and gives nothing keeps no picture from its person; once is enough."""
    job = accepted(client, imagine())

    def fail(*_: object) -> None:
        raise StoreUnavailable("the disk is full")

    for name in ("put_image", "get_image", "put_record", "get_document"):
        monkeypatch.setattr(store, name, fail)
    pictures = Pictures([picture(shade) for shade in (10, 60, 110, 160)])
    for _ in range(2):
        assert delivery.hand_over(job, pictures).state is JobState.DELIVERED
    [message] = discord.messages
    assert discord.shades(message) == [10, 60, 110, 160]
    assert WAITING not in discord.waiting


def test_without_the_right_to_post_the_waiting_message_tells(
    delivery: Delivery, discord: FakeDiscord, store: FolderStore, client: redis.Redis
) -> None:
    """Editing an own message needs no permission to send; the person takes no direct messages."""
    job = accepted(client, imagine())
    keep_pictures(store, job)
    discord.refuse = {"post": MISSING_PERMISSIONS, "direct": CANNOT_DM}
    assert delivery.deliver(job, Done()) == Ended(JobState.FAILED, None, "cannot_post", "edit")
    _, embed = discord.waiting[WAITING]
    assert embed is not None
    assert "may not post it in <#31>" in embed.description
    kind, reason = recorded_failure(store, job)
    assert kind == "cannot_post"
    assert "50013" in reason


def test_when_the_channel_is_gone_the_user_gets_a_direct_message(
    delivery: Delivery, discord: FakeDiscord, store: FolderStore, client: redis.Redis
) -> None:
    """Neither reply nor edit can reach anybody there."""
    job = accepted(client, imagine())
    discord.waiting.clear()
    discord.refuse = {"post": UNKNOWN_CHANNEL, "amend": UNKNOWN_CHANNEL}
    assert delivery.deliver(job, Failed(Fault.ERROR)).way == "direct message"
    [message] = discord.messages
    assert message.place == -811


def test_a_job_whose_user_cannot_be_reached_still_ends(
    delivery: Delivery, discord: FakeDiscord, store: FolderStore, client: redis.Redis
) -> None:
    """No channel, no direct messages: the record keeps the reason, and nothing is tried for ever."""
    job = accepted(client, imagine(), waiting=None)
    keep_pictures(store, job)
    discord.refuse = {"post": UNKNOWN_CHANNEL, "direct": CANNOT_DM}
    assert delivery.deliver(job, Done()) == Ended(JobState.FAILED, None, "cannot_post")
    assert recorded_failure(store, job)[0] == "cannot_post"
    assert delivery_state(client, job.id).state == "failed"


def test_too_large_a_file_goes_down_a_ladder(
    delivery: Delivery, discord: FakeDiscord, store: FolderStore, client: redis.Redis
) -> None:
    """The channel takes less than the operator said: the picture is posted smaller, not refused."""
    job = accepted(client, imagine())
    keep_noise(store, job)
    discord.limit_bytes = 200_000
    assert delivery.deliver(job, Done()).state is JobState.DELIVERED
    attachment = discord.messages[0].post.attachment
    assert attachment is not None
    assert 20_000 < len(attachment.data) <= 200_000
    assert attachment.name.endswith(".jpg")
    assert discord.steps.count("post") > 1


def test_a_channel_that_takes_no_file_at_all_is_told_so(
    delivery: Delivery, discord: FakeDiscord, store: FolderStore, client: redis.Redis
) -> None:
    """The ladder ends: the user reads that the picture is too large."""
    job = accepted(client, imagine())
    keep_noise(store, job)
    discord.limit_bytes = 10
    assert delivery.deliver(job, Done()).kind == "too_large"
    assert discord.messages[0].post.embed is not None


def test_pictures_that_this_host_does_not_see_are_waited_for_and_then_told(
    delivery: Delivery, discord: FakeDiscord, client: redis.Redis, clock: Clock
) -> None:
    """A network folder may lag; a wrong IMAGE_STORE does not heal."""
    job = accepted(client, imagine())
    with pytest.raises(PicturesMissing, match="IMAGE_STORE"):
        delivery.deliver(job, Done())
    clock.ms = first_try(client, job) + PATIENCE_MS + 1
    assert delivery.deliver(job, Done()).state is JobState.FAILED
    assert discord.messages[0].post.embed is not None


def test_a_damaged_picture_is_rendered_again(
    delivery: Delivery, discord: FakeDiscord, store: FolderStore, client: redis.Redis
) -> None:
    """Half a file is no picture: as good as lost."""
    grid = imagine()
    keep_pictures(store, grid)
    whole = store.get_image(grid.id, 2)
    assert whole is not None
    store.put_image(grid.id, 2, whole[:70])
    job = accepted(client, upscale(grid, 2, press()))
    assert delivery.deliver(job, Stored()) == Ended(JobState.QUEUED)


def test_what_nobody_foresaw_is_told_in_the_end(
    delivery: Delivery,
    discord: FakeDiscord,
    store: FolderStore,
    client: redis.Redis,
    clock: Clock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A bug or a full disk is tried again for a while; then the user gets an apology and the record the reason."""
    job = accepted(client, imagine())
    keep_pictures(store, job)

    def bug(*arguments: object, **keywords: object) -> None:
        raise ZeroDivisionError("a bug")

    monkeypatch.setattr("worker.delivery.discord.encode_message", bug)
    with pytest.raises(ZeroDivisionError):
        delivery.deliver(job, Done())
    clock.ms = first_try(client, job) + PATIENCE_MS + 1
    assert delivery.deliver(job, Done()).kind == "job_failed"
    assert discord.messages[0].post.embed is not None
    assert recorded_failure(store, job) == ("job_failed", "ZeroDivisionError: a bug")


def test_a_lost_picture_of_a_model_that_is_gone_ends_with_a_sentence(
    delivery: Delivery, discord: FakeDiscord, client: redis.Redis
) -> None:
    """It can neither be found nor drawn again: the user reads which models there are."""
    job = accepted(client, replace(upscale(imagine(), 0, press()), model="grand-old-model"))
    assert delivery.deliver(job, Stored()).kind == "model_not_offered"
    assert discord.messages[0].post.embed is not None
    assert "grand-old-model" in discord.messages[0].post.embed.description


def test_a_discord_that_is_away_is_waited_for_ever_more_patiently(
    delivery: Delivery, discord: FakeDiscord, store: FolderStore, client: redis.Redis, clock: Clock
) -> None:
    """For hours, without using up tries; when it is back, the picture is posted."""
    job = accepted(client, imagine())
    keep_pictures(store, job)
    discord.away = True
    delays = []
    for minutes in (0, 0, 1, 10, 600):
        clock.ms += minutes * 60_000
        with pytest.raises(RetryLater) as caught:
            delivery.deliver(job, Done())
        assert not caught.value.burns_try
        delays.append(caught.value.delay_s)
        if minutes == 0:
            clock.ms = first_try(client, job)
    assert delays == sorted(delays)
    assert (delays[0], delays[-1]) == (SHORTEST_DELAY_S, LONGEST_DELAY_S)
    discord.away = False
    assert delivery.deliver(job, Done()).state is JobState.DELIVERED
    assert len(discord.messages) == 1


def test_a_discord_that_stays_away_for_days_ends_the_job(
    delivery: Delivery, discord: FakeDiscord, store: FolderStore, client: redis.Redis, clock: Clock
) -> None:
    """The record says why; nothing is tried for ever."""
    job = accepted(client, imagine())
    keep_pictures(store, job)
    discord.away = True
    with pytest.raises(RetryLater):
        delivery.deliver(job, Done())
    clock.ms = first_try(client, job) + AWAY_PATIENCE_MS + 1
    assert delivery.deliver(job, Done()).kind == "discord_away"
    assert recorded_failure(store, job) == ("discord_away", "HTTP 503")
    assert delivery_state(client, job.id).state == "failed"


def test_a_cancelled_job_says_stopped_where_it_waited(
    delivery: Delivery, discord: FakeDiscord, client: redis.Redis
) -> None:
    """No new message: the waiting one ends as `(Stopped)`."""
    job = accepted(client, imagine())
    assert delivery.deliver(job, Cancelled()) == Ended(JobState.CANCELLED)
    assert discord.waiting[WAITING] == (messages.stopped(job), None)
    assert discord.messages == []
    assert delivery_state(client, job.id).state == "cancelled"


def crash_at(step: str) -> Callable[[str], None]:
    """A hook that ends the process at a step."""

    def hook(name: str) -> None:
        if name == step:
            raise Crash(step)

    return hook


def first_try(client: redis.Redis, job: Job) -> int:
    """When the job's post was first tried, in Unix milliseconds."""
    moment = delivery_state(client, job.id).first_try_ms
    assert moment is not None
    return moment


def recorded_failure(store: FolderStore, job: Job) -> tuple[str, str]:
    """Kind and reason in the job's record."""
    document = store.get_document(job.id)
    assert document is not None
    return document["failure"]["kind"], document["failure"]["reason"]


def keep_noise(store: FolderStore, job: Job) -> None:
    """Pictures that compress badly: four of 512 pixels a side, over a megabyte as JPEG."""
    chance = np.random.default_rng(0)
    for index in range(4):
        noise = chance.integers(0, 256, (512, 512, 3), np.uint8)
        store.put_image(job.id, index, encode_lossless(noise, parameters="").data)


def test_observers_hear_how_each_job_ended(discord: FakeDiscord, store: FolderStore, client: redis.Redis) -> None:
    """One event for each outcome, after it is so."""
    heard: list[events.Event] = []
    door = DiscordDoor(discord, upload_limit_bytes=10 * 2**20)
    delivery = Delivery({"discord": door}, store, client, DEFAULT_CATALOGUE, observe=heard.append)
    jobs = [accepted(client, imagine(interaction=number)) for number in range(4)]
    keep_pictures(store, jobs[0])
    outcomes: list[Outcome] = [
        Done(),
        Cancelled(),
        Failed(Fault.TIMEOUT),
        Refused("model_not_allowed", {"model": "sdxl", "allowed": "x"}),
    ]
    for job, outcome in zip(jobs, outcomes, strict=True):
        delivery.deliver(job, outcome)
    assert heard == [
        events.Delivered(jobs[0]),
        events.Cancelled(jobs[1]),
        events.Failed(jobs[2], "job_failed", "timeout", "reply"),
        events.Refused(811, "model_not_allowed", jobs[3]),
        events.Failed(jobs[3], "model_not_allowed", "model_not_allowed(model='sdxl', allowed='x')", "reply"),
    ]
