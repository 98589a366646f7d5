"""Results into Discord, exactly once: post a new message, then delete the waiting one. No torch, so it can run alone.

Every step may be repeated after a crash. A nonce from the job id makes Discord answer a repeated post with the first
message; minutes later, when it may have forgotten the nonce, the channel is searched for our own buttons first.
"""

from __future__ import annotations

import io
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any, Protocol

import numpy as np
import redis
import structlog
from numpy.typing import NDArray
from PIL import Image

from contract import messages
from contract.catalogue import Catalogue
from contract.codec import job_document
from contract.errors import EaselError, UserError
from contract.ids import JobId, nonce
from contract.jobs import Job
from contract.lineage import caption
from contract.plan import plan
from contract.sentences import describe
from exchange import accounts
from exchange.delivery import (
    DeliveryState,
    MessageRef,
    Outcome,
    begin_post,
    delivery_state,
    enqueue_rendering,
    record_ended,
    record_posted,
)
from exchange.images import ImageStore
from worker.encoding import assemble_grid, encode_message
from worker.leases import RetryLater
from worker.parameters import parameters_of
from worker.poster import Attachment, NotAllowed, Post, TooLarge, Unavailable

log = structlog.get_logger(__name__)

NONCE_TRUSTED_MS = 120_000
"""Discord remembers a nonce for "a few minutes" and publishes no number; after this long we look for ourselves."""

PATIENCE_MS = 600_000
"""How long pictures may be missing from the store (a network folder lags), or anything unforeseen go wrong, before the
user is told."""

CLOCK_SKEW_MS = 60_000
"""How far our clock and Discord's may be apart when a channel is searched."""

DISCORD_PATIENCE_MS = 3 * 86_400_000
"""How long a finished picture waits for a Discord that is away."""
SHORTEST_DELAY_S, LONGEST_DELAY_S = 5.0, 600.0

_SMALLEST_UPLOAD_BYTES = 64 * 1024
_JSON = dict[str, Any]


class PicturesMissing(EaselError):
    """The job was rendered, but this host does not see its pictures in the store."""


class Messages(Protocol):
    """What a delivery asks of `worker.poster.Poster`; tests hand in their own."""

    def post(self, channel_id: int, post: Post, nonce: str) -> int | None: ...
    def post_directly(self, user_id: int, post: Post, nonce: str) -> int | None: ...
    def amend(
        self, channel_id: int, message_id: int, *, content: str | None = None, embed: messages.Embed | None = None
    ) -> bool: ...
    def delete(self, channel_id: int, message_id: int) -> bool: ...
    def find_post(self, channel_id: int, job_id: str, since_ms: int) -> int | None: ...
    def find_answer(self, channel_id: int, interaction_id: int, since_ms: int) -> int | None: ...


class Delivery:
    """Ends jobs in Discord. One object serves many threads."""

    def __init__(
        self,
        poster: Messages,
        store: ImageStore,
        client: redis.Redis,
        catalogue: Catalogue,
        *,
        upload_limit_bytes: int,
        now_ms: Callable[[], int] = lambda: int(time.time() * 1000),
    ) -> None:
        self._poster = poster
        self._store = store
        self._redis = client
        self._catalogue = catalogue
        self._upload_limit_bytes = upload_limit_bytes
        self._now_ms = now_ms

    def deliver(self, job: Job, outcome: Outcome) -> _JSON:
        """End `job` with its outcome and say what became of it, as JSON. Repeating it is harmless.

        Raises only what a later try may mend: RetryLater while Discord is away, PicturesMissing, Redis or store errors.
        """
        state = delivery_state(self._redis, job.id)
        try:
            return self._end(job, outcome, state)
        except Unavailable as error:
            return self._wait_for_discord(job, error)
        except (PicturesMissing, redis.exceptions.RedisError):
            raise
        except Exception as error:
            # Whatever it is may pass. When it does not, a person is waiting who should hear of it.
            if self._tried_for_ms(job) < PATIENCE_MS:
                raise
            log.exception("the delivery keeps failing")
            return self._tell_failure(job, state, UserError("job_failed"), f"{type(error).__name__}: {error}")

    def _end(self, job: Job, outcome: Outcome, state: DeliveryState) -> _JSON:
        if state.posted is not None:
            return self._finish(job, state, state.posted)
        match outcome.get("state", "stored"):
            case "stored":
                return self._deliver_stored(job, state)
            case "done":
                return self._deliver_rendered(job, state)
            case "cancelled":
                return self._tell_stopped(job, state)
            case "refused":
                return self._tell_failure(job, state, UserError(outcome["kind"], **outcome["values"]))
            case _:
                return self._tell_failure(job, state, UserError("job_failed"), str(outcome.get("reason", "error")))

    def _tried_for_ms(self, job: Job) -> int:
        """Milliseconds since the first try; 0 at the first, which this notes."""
        first_try_ms = begin_post(self._redis, job.id).first_try_ms
        return self._now_ms() - first_try_ms if first_try_ms is not None else 0

    def _wait_for_discord(self, job: Job, error: Unavailable) -> _JSON:
        """Ever more patiently, for days if need be: the picture is made and safe, and nobody else can post it."""
        waited_ms = self._tried_for_ms(job)
        if waited_ms < DISCORD_PATIENCE_MS:
            delay_s = min(LONGEST_DELAY_S, max(SHORTEST_DELAY_S, waited_ms / 2000))
            raise RetryLater(delay_s, str(error), burns_try=False) from error
        log.error("Discord stayed away, giving up", waited_h=round(waited_ms / 3_600_000))
        self._record_reason(job, "discord_away", str(error))
        record_ended(self._redis, job.id, "failed")
        return {"state": "failed", "kind": "discord_away", "told_by": None}

    # ── results ─────────────────────────────────────────────────────────────────────────────────────────────────────

    def _deliver_stored(self, job: Job, state: DeliveryState) -> _JSON:
        """A job that needed no GPU, as long as the store has its picture."""
        pictures = self._pictures(job)
        if pictures:
            return self._post_result(job, state, pictures)
        try:
            return self._render_again(job)
        except UserError as error:
            return self._tell_failure(job, state, error)

    def _deliver_rendered(self, job: Job, state: DeliveryState) -> _JSON:
        pictures = self._pictures(job)
        if pictures:
            return self._post_result(job, state, pictures)
        if self._tried_for_ms(job) < PATIENCE_MS:
            raise PicturesMissing(f"the image store has no pictures of {job.id}: do all hosts share IMAGE_STORE?")
        return self._tell_failure(job, state, UserError("job_failed"), "pictures_missing")

    def _post_result(self, job: Job, state: DeliveryState, pictures: list[NDArray[np.uint8]]) -> _JSON:
        try:
            message_id = self._posted_before(job) or self._post(job, assemble_grid(pictures))
        except NotAllowed as error:
            failure = UserError("cannot_post", channel=str(job.destination.channel_id), reason=error.reason)
            return self._tell_failure(job, state, failure, f"{error.reason} (code {error.code})")
        except TooLarge:
            failure = UserError("too_large", limit_mib=round(self._upload_limit_bytes / 2**20, 1))
            return self._tell_failure(job, state, failure)
        if message_id is None:
            log.info("posted before and deleted since")
            self._delete_waiting(job, state)
            record_ended(self._redis, job.id, "delivered")
            return {"state": "delivered"}
        posted = MessageRef(job.destination.channel_id, message_id)
        record_posted(self._redis, job.id, posted)
        return self._finish(job, state, posted)

    def _finish(self, job: Job, state: DeliveryState, posted: MessageRef) -> _JSON:
        """The waiting message goes only after the result stands, so that a crash between leaves both, never none."""
        if state.state == "failed":
            self._mark_stopped(job, self._waiting(job, state))
            return {"state": "failed"}
        self._delete_waiting(job, state)
        gpu_s = (self._store.get_document(job.id) or {}).get("drawn", {}).get("gpu_s", 0.0)
        accounts.record(self._redis, job, job.prompt.echo, posted, images=job.image_count, gpu_s=gpu_s)
        log.info("delivered", message_id=str(posted.message_id))
        return {"state": "delivered", "channel_id": str(posted.channel_id), "message_id": str(posted.message_id)}

    def _pictures(self, job: Job) -> list[NDArray[np.uint8]] | None:
        """The job's pictures from the store, (H, W, 3) each; None when one is missing or damaged."""
        files = [self._file(job, index) for index in range(job.image_count)]
        try:
            return [_pixels(file) for file in files if file is not None] if all(files) else None
        except (OSError, SyntaxError, ValueError) as error:  # all of them mean a damaged file to Pillow
            log.error("a stored picture is damaged", error=str(error))
            return None

    def _file(self, job: Job, index: int) -> bytes | None:
        """Picture `index` as a file, from the first place that has it."""
        for place in job.places(index):
            file = self._store.get_image(*place)
            if file is not None:
                if place != (job.id, index):
                    # Kept under the job's own id as well: its buttons must not depend on how long the grid is kept.
                    self._store.put_image(job.id, index, file)
                    self._store.put_record(job_document(job))
                return file
        return None

    def _render_again(self, job: Job) -> _JSON:
        """A picture that the store has lost is drawn again from its line of generations, by a slot with a GPU."""
        model = self._catalogue.named(job.model)
        asked = plan(job, model)
        pixels = asked.width * asked.height
        enqueue_rendering(self._redis, job, cost=asked.megapixel_steps, model_key=job.model, pixels=pixels)
        log.info("picture is not in the store, it is rendered again")
        return {"state": "rendering"}

    def _posted_before(self, job: Job) -> int | None:
        """Note that a post is about to be tried; the message of an earlier try that its nonce no longer protects."""
        first_try_ms = begin_post(self._redis, job.id).first_try_ms
        if first_try_ms is None or self._now_ms() - first_try_ms < NONCE_TRUSTED_MS:
            return None
        try:
            return self._poster.find_post(job.destination.channel_id, job.id, first_try_ms - CLOCK_SKEW_MS)
        except NotAllowed as error:
            # Nobody can look without Read Message History. Posting twice is a smaller evil than not at all.
            log.warning("cannot search the channel for an earlier post", reason=error.reason)
            return None

    def _post(self, job: Job, image: NDArray[np.uint8]) -> int | None:
        """Post the picture, smaller again and again while the channel calls it too large. TooLarge at the very end."""
        limit_bytes = self._upload_limit_bytes
        text = parameters_of(job, self._catalogue)
        while True:
            file = encode_message(image, parameters=text, limit_bytes=limit_bytes)
            attachment = Attachment(messages.file_name(job, file.extension), file.data, caption(job))
            post = Post(
                content=messages.result(job),
                buttons=messages.result_buttons(job),
                attachment=attachment,
                mention=job.user.id,
                reply_to=job.destination.reply_to,
            )
            try:
                return self._poster.post(job.destination.channel_id, post, nonce(job.id))
            except TooLarge:
                limit_bytes = min(limit_bytes, len(file.data)) // 2
                if limit_bytes < _SMALLEST_UPLOAD_BYTES:
                    raise
                log.warning("too large for this channel, smaller now", limit_bytes=limit_bytes)

    # ── bad news ────────────────────────────────────────────────────────────────────────────────────────────────────

    def _tell_failure(self, job: Job, state: DeliveryState, error: UserError, reason: str = "") -> _JSON:
        """Tell the user, in the first way that works: a reply, the waiting message itself, a direct message."""
        reason = reason or str(error)
        log.warning("job ends without a result", kind=error.kind, reason=reason)
        self._record_reason(job, error.kind, reason)
        embed = messages.failure(*describe(error, job.locale), job.id)
        waiting = self._waiting(job, state)
        for way, tell in self._ways_to_tell(job, embed, waiting):
            try:
                told = tell()
            except (NotAllowed, TooLarge) as problem:
                log.warning("could not tell of the failure this way", way=way, reason=str(problem))
                continue
            if told is False:
                continue
            if way == "reply" and told is not None:
                record_posted(self._redis, job.id, MessageRef(job.destination.channel_id, told), "failed")
            else:
                record_ended(self._redis, job.id, "failed")
            log.info("told of the failure", way=way)
            if way != "edit":
                self._mark_stopped(job, waiting)
            return {"state": "failed", "kind": error.kind, "told_by": way}
        log.error("nobody could be told of the failure", kind=error.kind, reason=reason)
        record_ended(self._redis, job.id, "failed")
        return {"state": "failed", "kind": error.kind, "told_by": None}

    def _record_reason(self, job: Job, kind: str, reason: str) -> None:
        document = self._store.get_document(job.id) or job_document(job)
        self._store.put_record({**document, "failure": {"kind": kind, "reason": reason, "at_ms": self._now_ms()}})

    def _ways_to_tell(
        self, job: Job, embed: messages.Embed, waiting: MessageRef | None
    ) -> Iterator[tuple[str, Callable[[], int | None]]]:
        """Kindest first. The waiting message is kept: clients find the failure as a reply to it."""
        post = Post(content=f"<@{job.user.id}>", embed=embed, mention=job.user.id)
        reply = replace(post, reply_to=waiting.message_id if waiting else None)
        own_nonce = nonce(JobId(f"{job.id}/failure"))
        channel_id = job.destination.channel_id
        yield "reply", lambda: self._posted_before(job) or self._poster.post(channel_id, reply, own_nonce)
        if waiting is not None:
            yield "edit", lambda: self._poster.amend(waiting.channel_id, waiting.message_id, embed=embed)
        yield "direct message", lambda: self._poster.post_directly(job.user.id, post, own_nonce)

    def _tell_stopped(self, job: Job, state: DeliveryState) -> _JSON:
        self._mark_stopped(job, self._waiting(job, state))
        record_ended(self._redis, job.id, "cancelled")
        return {"state": "cancelled"}

    def _mark_stopped(self, job: Job, waiting: MessageRef | None) -> None:
        """The waiting message stays, without its button: it must not look as if the job went on."""
        if waiting is None:
            return
        try:
            self._poster.amend(waiting.channel_id, waiting.message_id, content=messages.stopped(job))
        except NotAllowed as error:
            log.warning("could not mark the job as stopped", reason=error.reason)

    # ── the waiting message ─────────────────────────────────────────────────────────────────────────────────────────

    def _waiting(self, job: Job, state: DeliveryState) -> MessageRef | None:
        """The message that acknowledged the job; searched for when the bot died before it could say which."""
        if state.waiting is not None or state.interaction_id is None:
            return state.waiting
        channel_id = job.destination.channel_id
        try:
            found = self._poster.find_answer(channel_id, state.interaction_id, job.created_ms - CLOCK_SKEW_MS)
        except NotAllowed as error:
            log.warning("cannot search for the waiting message", reason=error.reason)
            return None
        return MessageRef(channel_id, found) if found is not None else None

    def _delete_waiting(self, job: Job, state: DeliveryState) -> None:
        waiting = self._waiting(job, state)
        if waiting is None:
            return
        try:
            if not self._poster.delete(waiting.channel_id, waiting.message_id):
                log.info("the waiting message was gone already")
        except NotAllowed as error:
            log.warning("could not delete the waiting message", reason=error.reason)


def _pixels(file: bytes) -> NDArray[np.uint8]:
    with Image.open(io.BytesIO(file)) as image:
        return np.asarray(image.convert("RGB"))
