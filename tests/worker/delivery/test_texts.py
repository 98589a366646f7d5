"""Texts become the words of the message that waits for them."""

from __future__ import annotations

from dataclasses import replace

import pytest
import redis

from contract import messages
from contract.codec import job_document
from contract.jobs import Job
from contract.kinds.describe import Describe
from contract.kinds.shorten import Shorten
from contract.messages import FAILURE_COLOUR
from contract.outcomes import Done, Failed, Fault, JobState, Outcome, Texts
from contract.remarks import Remark
from exchange import keys
from exchange.delivery import MessageRef, delivery_state
from exchange.images import FolderStore
from tests.contract.factories import imagine
from tests.worker.conftest import picture
from tests.worker.delivery.conftest import WAITING, Clock, accepted
from tests.worker.fakes import Crash, FakeDiscord
from worker.delivery.discord import NONCE_TRUSTED_MS
from worker.delivery.ending import Delivery, Ended
from worker.delivery.poster import Post
from worker.encoding import encode_lossless

DESCRIPTION = replace(imagine("describe a picture"), request=Describe("https://example.org/a/my%20cat_1.jpg?ex=1"))
CAPTIONS = Texts(("a fox --ar 1:1", "a red fox --ar 1:1"))


@pytest.fixture(params=[Failed(Fault.WORKER_LOST), Failed(Fault.ERROR), Done()], ids=["lost", "error", "vanished"])
def outcome(request: pytest.FixtureRequest) -> Outcome:
    """What is said of a job whose worker died, or whose delivery vanished from the queues."""
    found: Outcome = request.param
    return found


def test_texts_become_the_words_of_their_waiting_message(
    delivery: Delivery, discord: FakeDiscord, store: FolderStore, client: redis.Redis
) -> None:
    """midjourney.md §4.5: no new message, one embed with the picture under the upload's own name, a button for each
    text. Repeated, nothing changes."""
    job = accepted(client, DESCRIPTION)
    store.put_input(job.id, "input/0", encode_lossless(picture(200), parameters=job.links[0]).data)
    for _ in range(2):
        ended = delivery.deliver(job, CAPTIONS)
        assert ended == Ended(JobState.DELIVERED, MessageRef(31, WAITING))
    assert (discord.messages, discord.deleted) == ([], [])
    post = discord.filled[WAITING]
    assert post.embed is not None
    assert post.embed.description == "1️⃣ a fox --ar 1:1\n\n2️⃣ a red fox --ar 1:1"
    assert post.embed.image == "attachment://my_cat_1.png"
    assert post.attachment is not None
    assert post.attachment.name == "my_cat_1.png"
    [first, second, again], [all_of_them] = buttons_of(post)
    assert [first, second] == ["MJ::Job::PicReader::1", "MJ::Job::PicReader::2"]
    assert (again, all_of_them) == ("MJ::Picread::Retry", "MJ::Job::PicReader::all")
    assert not post.content


@pytest.mark.parametrize(
    ("file", "shown"),
    [("%E7%8B%90%E7%8B%B8.jpg", "HuLi"), ("%F0%9F%A6%8A%201.png", "fox_1"), ("%2F..%2F.png", "picture")],
)
def test_the_name_of_an_upload_survives_in_letters_that_discord_keeps(
    delivery: Delivery, discord: FakeDiscord, store: FolderStore, client: redis.Redis, file: str, shown: str
) -> None:
    """Clients find their task by it, whatever script it is in."""
    job = accepted(client, replace(DESCRIPTION, request=Describe(f"https://example.org/a/{file}")))
    store.put_input(job.id, "input/0", encode_lossless(picture(200), parameters=job.links[0]).data)
    delivery.deliver(job, CAPTIONS)
    attachment = discord.filled[WAITING].attachment
    assert attachment is not None
    assert attachment.name == f"{shown}.png"


def test_texts_without_a_waiting_message_are_posted_anew(
    delivery: Delivery, discord: FakeDiscord, store: FolderStore, client: redis.Redis
) -> None:
    """Deleted meanwhile, or never known: the person is mentioned, and a picture that is gone stops nobody."""
    job = accepted(client, DESCRIPTION)
    discord.waiting.clear()
    assert delivery.deliver(job, CAPTIONS).state is JobState.DELIVERED
    [message] = discord.messages
    assert message.post.content == "<@811>"
    assert message.post.embed is not None
    assert message.post.embed.image is None


def test_a_process_that_dies_after_it_showed_texts_shows_them_once(
    delivery: Delivery, discord: FakeDiscord, store: FolderStore, client: redis.Redis
) -> None:
    """The next try changes the same message to the same words, and does not delete it."""
    job = accepted(client, DESCRIPTION)

    def crash(step: str) -> None:
        raise Crash

    discord.after = crash
    with pytest.raises(Crash):
        delivery.deliver(job, CAPTIONS)
    discord.after = lambda step: None
    assert delivery.deliver(job, CAPTIONS).state is JobState.DELIVERED
    assert (discord.messages, discord.deleted, list(discord.filled)) == ([], [], [WAITING])


def test_texts_say_which_words_were_not_read(
    delivery: Delivery, discord: FakeDiscord, store: FolderStore, client: redis.Redis
) -> None:
    """In small print above the embed."""
    job = accepted(client, replace(imagine("a red elk"), request=Shorten()))
    remark = Remark("unknown_words", {"model": "Easel Small", "words": "`elk`"})
    delivery.deliver(job, Texts(("red", "elk"), influence=(0.1, 1.0, 0.3), remarks=(remark,)))
    post = discord.filled[WAITING]
    assert post.content == "-# Easel Small does not know `elk`"
    assert post.embed is not None
    assert post.embed.description.startswith("## Important tokens\n~~a~~ **red** elk\n## Shortened prompts\n1️⃣ red")
    assert post.embed.footer == "Click on a button to imagine one of the shortened prompts!"


def test_texts_that_were_shown_did_not_fail(
    delivery: Delivery, discord: FakeDiscord, store: FolderStore, client: redis.Redis, outcome: Outcome
) -> None:
    """The worker died on its last try, after its message stood: one end, the texts."""
    job = accepted(client, DESCRIPTION)
    show(delivery, discord, job)
    assert delivery.deliver(job, outcome) == Ended(JobState.DELIVERED, MessageRef(31, WAITING))
    assert (discord.messages, discord.deleted, list(discord.filled)) == ([], [], [WAITING])
    assert delivery_state(client, job.id).posted == MessageRef(31, WAITING)


def test_texts_of_a_message_of_their_own_did_not_fail(
    delivery: Delivery, discord: FakeDiscord, store: FolderStore, client: redis.Redis, clock: Clock, outcome: Outcome
) -> None:
    """The waiting message was gone; the one that was posted in its place is found, also once its nonce is forgotten."""
    job = accepted(client, DESCRIPTION)
    discord.waiting.clear()
    show(delivery, discord, job)
    clock.ms += 10 * NONCE_TRUSTED_MS
    discord.remembers_nonces = False
    assert delivery.deliver(job, CAPTIONS).state is JobState.DELIVERED
    client.hdel(keys.state(job.id), "posted_channel", "posted_message")
    assert delivery.deliver(job, outcome).state is JobState.DELIVERED
    [message] = discord.messages
    assert delivery_state(client, job.id).posted == MessageRef(31, message.id)


def test_texts_in_the_store_outweigh_a_failure(
    delivery: Delivery, discord: FakeDiscord, store: FolderStore, client: redis.Redis, outcome: Outcome
) -> None:
    """They were made, and only their delivery was lost."""
    job = accepted(client, DESCRIPTION)
    store.put_record({**job_document(job), "texts": list(CAPTIONS.texts), "influence": []})
    assert delivery.deliver(job, outcome) == Ended(JobState.DELIVERED, MessageRef(31, WAITING))
    embed = discord.filled[WAITING].embed
    assert embed is not None
    assert embed.description == "1️⃣ a fox --ar 1:1\n\n2️⃣ a red fox --ar 1:1"


def test_texts_that_nobody_has_any_more_are_told_as_failed(
    delivery: Delivery, discord: FakeDiscord, store: FolderStore, client: redis.Redis, outcome: Outcome
) -> None:
    """The waiting message still waits: its person hears of it, and it loses its button."""
    job = accepted(client, DESCRIPTION)
    assert delivery.deliver(job, outcome).state is JobState.FAILED
    [message] = discord.messages
    assert message.post.embed is not None
    assert message.post.embed.colour == FAILURE_COLOUR
    assert discord.waiting[WAITING] == (messages.stopped(job), None)


def show(delivery: Delivery, discord: FakeDiscord, job: Job) -> None:
    """A worker shows the texts and dies just then."""

    def crash(step: str) -> None:
        if step in ("fill", "post"):
            raise Crash

    discord.after = crash
    with pytest.raises(Crash):
        delivery.deliver(job, CAPTIONS)
    discord.after = lambda step: None


def buttons_of(post: Post) -> list[list[str]]:
    """The ids of its rows."""
    return [[part.custom_id for part in row] for row in post.buttons]
