"""Every job ends once in Discord: with its pictures, or with a sentence that its user hears of."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import redis

from contract import events, messages
from contract.actions import Action
from contract.catalogue import DEFAULT_CATALOGUE
from contract.ids import nonce
from contract.jobs import Strength
from contract.lineage import caption
from contract.outcomes import Cancelled, Done, Failed, Fault, JobState, Outcome, Refused, Stored
from contract.remarks import Remark
from exchange import keys
from exchange.accounts import month_of
from exchange.delivery import MessageRef, delivery_state
from exchange.images import FolderStore
from tests.contract.factories import follow, imagine, planned, press, upscale, variation
from tests.worker.conftest import keep_pictures
from tests.worker.delivery.conftest import WAITING, Clock, accepted, crash_at, first_try
from tests.worker.fakes import MISSING_PERMISSIONS, Crash, FakeDiscord
from worker import mp4
from worker.delivery.discord import NONCE_TRUSTED_MS, DiscordDoor
from worker.delivery.ending import (
    Delivery,
    Ended,
)
from worker.encoding import encode_animation, read_parameters
from worker.recipes import Recipe, read_recipe
from worker.results import Animation
from worker.signing import Signer, Verdict, make_certificate, read_credentials
from worker.verifying import PictureFile, compare


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


def test_what_was_not_read_stands_in_the_final_message(
    delivery: Delivery, discord: FakeDiscord, store: FolderStore, client: redis.Redis
) -> None:
    """Below what clients read, in the person's language; also that another version was asked for."""
    job = accepted(client, planned(replace(imagine("fox --v 7"), locale="zh-CN")))
    keep_pictures(store, job)
    delivery.deliver(job, Done(1.0, (Remark("unknown_words", {"model": "Easel Small", "words": "`elk`"}),)))
    post = discord.messages[0].post
    assert post.content == messages.result(job)
    assert post.embed is not None
    assert (post.embed.title, post.embed.description) == ("", ""), "there are clients that read both"
    version, unknown = (post.embed.footer or "").splitlines()
    assert version.startswith("这里的版本 7 ")
    assert unknown == "Easel Small 不认识 elk"


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


def test_a_cancelled_job_says_stopped_where_it_waited(
    delivery: Delivery, discord: FakeDiscord, client: redis.Redis
) -> None:
    """No new message: the waiting one ends as `(Stopped)`."""
    job = accepted(client, imagine())
    assert delivery.deliver(job, Cancelled()) == Ended(JobState.CANCELLED)
    assert discord.waiting[WAITING] == (messages.stopped(job), None)
    assert discord.messages == []
    assert delivery_state(client, job.id).state == "cancelled"


@pytest.mark.parametrize("limit_bytes", [10 * 2**20, 100_000])
def test_what_moves_is_posted_as_mp4_where_that_is_wanted(
    discord: FakeDiscord, store: FolderStore, client: redis.Redis, clock: Clock, limit_bytes: int
) -> None:
    """Made from the store's WebP, signed, within the limit; it says what made it, and can be told from another."""
    signer = Signer(*make_certificate())
    door = DiscordDoor(discord, upload_limit_bytes=limit_bytes, signer=signer, animations="mp4", now_ms=clock)
    job = accepted(client, planned(follow(upscale(imagine(), 1, press()), Action.ANIMATE_LOW, press(seed=4))))
    random = np.random.default_rng(5)
    frames = [random.integers(0, 256, (16, 24, 3), np.uint8).repeat(8, 0).repeat(8, 1) for _ in range(6)]
    webp = encode_animation(frames, 70, parameters="a fox")
    store.put_image(job.id, 0, webp, "webp")
    Delivery({"discord": door}, store, client, DEFAULT_CATALOGUE, now_ms=clock).deliver(job, Done())
    file = discord.messages[0].post.attachment
    assert file is not None
    assert file.name.endswith(f"{job.id}.mp4")
    assert len(file.data) <= limit_bytes
    shown, comment = mp4.decode(file.data)
    assert (len(shown), comment) == (6, "a fox")
    assert read_credentials(file.data, "mp4", signer.chain).verdict is Verdict.TRUSTED
    recipe = Recipe(job, 0)
    assert compare(PictureFile(file.data, "mp4"), Animation(webp), recipe).same
    other = encode_animation(frames[::-1], 70, parameters="a fox")
    assert not compare(PictureFile(file.data, "mp4"), Animation(other), recipe).same


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
