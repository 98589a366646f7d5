"""Where there is no picture to post, or nowhere to post it, its person hears of it, and the record says why."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import redis

from contract import messages
from contract.codec import job_document
from contract.errors import UserError
from contract.ids import nonce
from contract.jobs import Job
from contract.outcomes import Done, Failed, Fault, JobState, Refused, Stored
from contract.remarks import Remark
from exchange.delivery import MessageRef, delivery_state
from exchange.images import FolderStore, StoreUnavailable
from tests.contract.factories import imagine, press, upscale
from tests.worker.conftest import keep_pictures, picture
from tests.worker.delivery.conftest import WAITING, Clock, accepted, crash_at, first_try
from tests.worker.fakes import CANNOT_DM, MISSING_PERMISSIONS, UNKNOWN_CHANNEL, Crash, FakeDiscord
from worker.delivery.ending import (
    AWAY_PATIENCE_MS,
    LONGEST_DELAY_S,
    PATIENCE_MS,
    SHORTEST_DELAY_S,
    Delivery,
    Ended,
    PicturesMissing,
)
from worker.encoding import encode_lossless
from worker.leases import RetryLater
from worker.remarks import noted
from worker.results import Pictures


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


def test_what_was_posted_from_memory_did_not_fail(
    delivery: Delivery, discord: FakeDiscord, store: FolderStore, client: redis.Redis
) -> None:
    """The store took nothing, and the worker died after its post, before it could say so: one end, the picture."""
    job = accepted(client, imagine())
    discord.after = crash_at("post")
    with pytest.raises(Crash):
        delivery.hand_over(job, Pictures((picture(100),) * 4))
    discord.after = lambda step: None
    assert delivery.deliver(job, Failed(Fault.WORKER_LOST)).state is JobState.DELIVERED
    [message] = discord.messages
    assert message.post.attachment is not None
    assert delivery_state(client, job.id).posted == MessageRef(31, message.id)
    assert WAITING not in discord.waiting


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
    """A worker that died after drawing has drawn all the same, and what it had to say is said."""
    job = accepted(client, imagine())
    keep_pictures(store, job)
    remark = Remark("unknown_words", {"model": "M", "words": "`elk`"})
    store.put_record({**job_document(job), **noted((remark,))})
    assert delivery.deliver(job, outcome).state is JobState.DELIVERED
    said = discord.messages[-1].post.embed
    assert said is not None
    assert said.footer == remark.say().replace("`", "")


def test_telling_a_failure_needs_no_store(
    delivery: Delivery, discord: FakeDiscord, store: FolderStore, client: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The store may be what failed: the person is told at once all the same."""
    job = accepted(client, imagine())
    break_store(store, monkeypatch)
    assert delivery.deliver(job, Failed(Fault.ERROR)).way == "reply"
    assert len(discord.messages) == 1


def test_a_result_is_posted_from_memory(
    delivery: Delivery, discord: FakeDiscord, store: FolderStore, client: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A store that takes nothing and gives nothing keeps no picture from its person; once is enough."""
    job = accepted(client, imagine())
    break_store(store, monkeypatch)
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


def break_store(store: FolderStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """From now on the store takes nothing and gives nothing."""

    def fail(*_: object) -> None:
        raise StoreUnavailable("the disk is full")

    for name in ("put_image", "get_image", "put_record", "get_document"):
        monkeypatch.setattr(store, name, fail)


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
