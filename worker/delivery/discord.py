"""Ends of jobs in Discord: post a new message, then delete the waiting one.

A nonce from the job id makes Discord answer a repeated post with the first message; minutes later, when it may have
forgotten the nonce, the channel is searched for our own message first.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Collection, Iterator
from dataclasses import replace
from functools import partial
from pathlib import PurePosixPath
from typing import Literal, Protocol
from urllib.parse import unquote, urlsplit

import structlog

from contract import messages
from contract.actions import Button
from contract.catalogue import DEFAULT_CATALOGUE, Catalogue
from contract.errors import UserError
from contract.ids import JobId, nonce
from contract.jobs import Job, channel_of
from contract.lineage import caption
from contract.moderation import Weight
from contract.remarks import Remark, faint_remarks, idle_remark, version_remark, with_small_print
from contract.sentences import describe
from exchange.delivery import DeliveryState, MessageRef
from worker import mp4
from worker.delivery.door import Told
from worker.delivery.poster import Attachment, NotAllowed, Post, TooLarge
from worker.encoding import (
    SMALLEST_LIMIT_BYTES,
    Encoded,
    assemble_grid,
    encode_message,
    read_frames,
    read_parameters,
    smaller_animations,
)
from worker.joining import fitted
from worker.parameters import enlargement_of, parameters_text
from worker.recipes import Recipe, signed
from worker.results import Animation, Pictures, Result, Words
from worker.signing import ROOM_BYTES, Signer

log = structlog.get_logger(__name__)

NONCE_TRUSTED_MS = 120_000
"""Discord remembers a nonce for "a few minutes" and publishes no number; after this long we look for ourselves."""

CLOCK_SKEW_MS = 60_000
"""How far our clock and Discord's may be apart when a channel is searched."""

_SMALLEST_UPLOAD_BYTES = 64 * 1024
_SHOWN_SIDE, _SHOWN_BYTES = 1024, 4 * 1024 * 1024
"""A picture that was described is shown with its description, no larger than this."""
CONTENT_LIMIT = 2000


class Messages(Protocol):
    """What is asked of `worker.delivery.poster.Poster`; tests hand in their own."""

    def post(self, channel_id: int, post: Post, nonce: str) -> int | None: ...
    def post_directly(self, user_id: int, post: Post, nonce: str) -> int | None: ...
    def amend(
        self, channel_id: int, message_id: int, *, content: str | None = None, embed: messages.Embed | None = None
    ) -> bool: ...
    def fill(self, channel_id: int, message_id: int, post: Post) -> bool: ...
    def delete(self, channel_id: int, message_id: int) -> bool: ...
    def find_post(self, channel_id: int, job_id: str, since_ms: int) -> int | None: ...
    def find_result(self, channel_id: int, job_id: str, since_ms: int) -> int | None: ...
    def find_answer(self, channel_id: int, interaction_id: int, since_ms: int) -> int | None: ...
    def bears(self, channel_id: int, message_id: int, custom_ids: Collection[str]) -> bool: ...


class DiscordDoor:
    """A `worker.delivery.door.Door` to Discord's channels. One object serves many threads."""

    takes_from_memory = True

    def __init__(
        self,
        poster: Messages,
        *,
        upload_limit_bytes: int,
        catalogue: Catalogue = DEFAULT_CATALOGUE,
        signer: Signer | None = None,
        animations: Literal["webp", "mp4"] = "webp",
        now_ms: Callable[[], int] = lambda: int(time.time() * 1000),
    ) -> None:
        """`catalogue` says which buttons a model can honour, `signer` gives every file its content credentials; what
        moves is posted in the format `animations`."""
        self._poster = poster
        self._catalogue = catalogue
        self._signer = signer
        self._animations = animations
        self._upload_limit_bytes = upload_limit_bytes
        self._now_ms = now_ms

    # ── results ─────────────────────────────────────────────────────────────────────────────────────────────────────

    def post(self, job: Job, known: DeliveryState, result: Result, tried_ms: int | None) -> MessageRef | None:
        """One message with the result, as an answer to the message that it came from. Texts become the words of the
        message that waits for them, as long as that is there."""
        channel_id = channel_of(job.destination).channel_id
        try:
            if isinstance(result, Words) and (filled := self._fill(job, known, result)) is not None:
                return filled
            message_id = self._posted_before(job, tried_ms) or self._send(job, result)
        except NotAllowed as error:
            log.warning("Discord does not take the result", reason=error.reason, code=error.code)
            refusal = UserError("cannot_post", channel=str(channel_id), reason=error.reason, answer=error.answer)
            message_id = self._send_directly(job, result, refusal)
            if message_id is None:
                raise refusal from error
        except TooLarge as error:
            raise UserError("too_large", limit_mib=round(self._upload_limit_bytes / 2**20, 1)) from error
        return None if message_id is None else MessageRef(channel_id, message_id)

    def handed_over(self, job: Job, known: DeliveryState) -> MessageRef | None:
        """What stands in the channel: texts in the message that waited for them, else a message of their own."""
        channel_id = channel_of(job.destination).channel_id
        if known.first_try_ms is None:
            return None
        try:
            if job.request.in_place and (waiting := self._waiting(job, known)) is not None:
                rows = messages.result_buttons(job, self._catalogue.honours(job.model))
                ids = {part.custom_id for row in rows for part in row}
                if self._poster.bears(waiting.channel_id, waiting.message_id, ids):
                    return waiting
            found = self._poster.find_result(channel_id, job.id, known.first_try_ms - CLOCK_SKEW_MS)
        except NotAllowed as error:
            log.warning("cannot search the channel for an earlier post", reason=error.reason)
            return None
        return None if found is None else MessageRef(channel_id, found)

    def _fill(self, job: Job, known: DeliveryState, words: Words) -> MessageRef | None:
        """The waiting message, with these words in it; None when there is none. Harmless to repeat."""
        waiting = self._waiting(job, known)
        if waiting is None:
            return None
        filled = self._poster.fill(waiting.channel_id, waiting.message_id, self._said(job, words))
        return waiting if filled else None

    def _said(self, job: Job, words: Words) -> Post:
        """Texts as a message, with the picture that they are about."""
        attachment = None
        if words.picture is not None:
            file = encode_message(fitted(words.picture, _SHOWN_SIDE), parameters="", limit_bytes=_SHOWN_BYTES)
            attachment = Attachment(f"{_stem(job.links[0])}.{file.extension}", file.data)
        image = f"attachment://{attachment.name}" if attachment else None
        return Post(
            content=with_small_print("", self._remarks(job, words)).strip(),
            embed=messages.told(job, words.texts, words.influence, image),
            buttons=messages.result_buttons(job, self._catalogue.honours(job.model), texts=len(words.texts)),
            attachment=attachment,
        )

    def _posted_before(self, job: Job, tried_ms: int | None) -> int | None:
        """The message of an earlier try that its nonce no longer protects."""
        if tried_ms is None or self._now_ms() - tried_ms < NONCE_TRUSTED_MS:
            return None
        try:
            return self._poster.find_post(channel_of(job.destination).channel_id, job.id, tried_ms - CLOCK_SKEW_MS)
        except NotAllowed as error:
            # Nobody can look without Read Message History. Posting twice is a smaller evil than not at all.
            log.warning("cannot search the channel for an earlier post", reason=error.reason)
            return None

    def _send_directly(self, job: Job, result: Result, refusal: UserError) -> int | None:
        """Hand a result that the channel does not take to its person, and say why; None when that cannot be either.

        A direct message is no place that keeps minors out.
        """
        if not isinstance(result, Words) and result.adult and job.screening is not None:
            if job.screening.ordinary.refuses:
                return None
            result = replace(result, veiled=result.veiled or job.screening.ordinary.rank >= Weight.SOFT.rank)
        content = f"{messages.result(job)}\n-# {describe(refusal, job.locale)[1]}"[:CONTENT_LIMIT]
        try:
            return self._send(
                job, result, content=content, send=partial(self._poster.post_directly, job.user.id), reply=False
            )
        except (NotAllowed, TooLarge) as error:
            log.warning("nor could it be handed over directly", reason=str(error))
            return None

    def _send(
        self,
        job: Job,
        result: Result,
        *,
        content: str | None = None,
        send: Callable[[Post, str], int | None] | None = None,
        reply: bool = True,
    ) -> int | None:
        """Post a picture smaller again and again while the channel calls it too large. TooLarge at the very end."""
        send = send or partial(self._poster.post, channel_of(job.destination).channel_id)
        reply_to = channel_of(job.destination).reply_to if reply else None
        if isinstance(result, Words):
            said = self._said(job, result)
            assert said.embed is not None, "texts stand in one"
            # Its buttons hold the texts and no job: the footer is what this message is found by.
            footer = " · ".join(part for part in (said.embed.footer, f"Job {job.id}") if part)
            said = replace(said, embed=replace(said.embed, footer=footer))
            mention = f"<@{job.user.id}>\n{said.content}".strip()
            return send(
                replace(said, content=content or mention, mention=job.user.id, reply_to=reply_to), nonce(job.id)
            )
        post = Post(
            content=content or messages.result(job),
            embed=messages.small_print(self._remarks(job, result)),
            buttons=messages.result_buttons(job, self._catalogue.honours(job.model)),
            mention=job.user.id,
            reply_to=reply_to,
        )
        limit_bytes = self._upload_limit_bytes
        while True:
            file = self._file(job, result, limit_bytes)
            name = messages.file_name(job, file.extension, veiled=result.veiled)
            attachment = Attachment(name, file.data, caption(job))
            try:
                return send(replace(post, attachment=attachment), nonce(job.id))
            except TooLarge:
                limit_bytes = min(limit_bytes, len(file.data)) // 2
                if limit_bytes < _SMALLEST_UPLOAD_BYTES:
                    raise
                log.warning("too large for this channel, smaller now", limit_bytes=limit_bytes)

    def _file(self, job: Job, result: Pictures | Animation, limit_bytes: int) -> Encoded:
        """A result as one signed file of at most so many bytes."""
        room_bytes = 0 if self._signer is None else ROOM_BYTES
        limit_bytes = max(limit_bytes - room_bytes, SMALLEST_LIMIT_BYTES)
        if isinstance(result, Animation):
            files = smaller_animations(result.data) if self._animations == "webp" else _films(result.data)
            data = next(data for data in files if len(data) <= limit_bytes)
            return signed(self._signer, Encoded(data, self._animations), Recipe(job, 0, result.drawn_by))
        height, width = result.images[0].shape[:2]
        text = parameters_text(job, enlargement=enlargement_of(job, width, height))
        file = encode_message(assemble_grid(result.images), parameters=text, limit_bytes=limit_bytes)
        return signed(self._signer, file, Recipe(job, 0 if len(result.images) == 1 else None, result.drawn_by))

    def _remarks(self, job: Job, result: Result) -> Iterator[str]:
        if isinstance(result, Pictures | Animation) and result.veiled:
            yield Remark("veiled").say(job.locale)
        if job.request.keeps_picture:
            return
        model = next((model for model in self._catalogue if model.name == job.model), None)
        of_model = () if model is None else (version_remark(job.prompt, model), *faint_remarks(job, model))
        remarks = (*of_model, idle_remark(job), *result.remarks)
        yield from (remark.say(job.locale) for remark in remarks if remark is not None)

    # ── bad news ────────────────────────────────────────────────────────────────────────────────────────────────────

    def tell(self, job: Job, known: DeliveryState, error: UserError, tried_ms: int | None) -> Told | None:
        """By a reply, by the waiting message itself, by a direct message."""
        embed = messages.failure(*describe(error, job.locale), job.id)
        appeals = error.kind == "picture_refused" and error.values.get("reason") == "appeal"
        buttons = ((messages.appeal_button(job),),) if appeals else ()
        for way, tell in self._ways(job, embed, buttons, self._waiting(job, known), tried_ms):
            try:
                told = tell()
            except (NotAllowed, TooLarge) as problem:
                log.warning("could not tell of the failure this way", way=way, reason=str(problem))
                continue
            if told is False:
                continue
            if way == "reply" and told is not None:
                return Told(way, MessageRef(channel_of(job.destination).channel_id, told))
            return Told(way)
        return None

    def _ways(
        self,
        job: Job,
        embed: messages.Embed,
        buttons: tuple[tuple[Button, ...], ...],
        waiting: MessageRef | None,
        tried_ms: int | None,
    ) -> Iterator[tuple[str, Callable[[], int | None]]]:
        """Kindest first. The waiting message is kept: clients find the failure as a reply to it."""
        post = Post(content=f"<@{job.user.id}>", embed=embed, mention=job.user.id, buttons=buttons)
        reply = replace(post, reply_to=waiting.message_id if waiting else None)
        own_nonce = nonce(JobId(f"{job.id}/failure"))
        channel_id = channel_of(job.destination).channel_id
        yield "reply", lambda: self._posted_before(job, tried_ms) or self._poster.post(channel_id, reply, own_nonce)
        if waiting is not None:
            yield "edit", lambda: self._poster.amend(waiting.channel_id, waiting.message_id, embed=embed)
        yield "direct message", lambda: self._poster.post_directly(job.user.id, post, own_nonce)

    # ── the waiting message ─────────────────────────────────────────────────────────────────────────────────────────

    def stop(self, job: Job, known: DeliveryState) -> None:
        """The waiting message stays, without its button: it must not look as if the job went on."""
        waiting = self._waiting(job, known)
        if waiting is None:
            return
        try:
            self._poster.amend(waiting.channel_id, waiting.message_id, content=messages.stopped(job))
        except NotAllowed as error:
            log.warning("could not mark the job as stopped", reason=error.reason)

    def clear(self, job: Job, known: DeliveryState, posted: MessageRef | None) -> None:
        """Delete the waiting message, unless it is the very one that became the result."""
        waiting = self._waiting(job, known)
        if waiting is None or waiting == posted:
            return
        try:
            if not self._poster.delete(waiting.channel_id, waiting.message_id):
                log.info("the waiting message was gone already")
        except NotAllowed as error:
            log.warning("could not delete the waiting message", reason=error.reason)

    def _waiting(self, job: Job, known: DeliveryState) -> MessageRef | None:
        """The message that acknowledged the job; searched for when the bot died before it could say which."""
        if known.waiting is not None or known.interaction_id is None:
            return known.waiting
        channel_id = channel_of(job.destination).channel_id
        try:
            found = self._poster.find_answer(channel_id, known.interaction_id, job.created_ms - CLOCK_SKEW_MS)
        except NotAllowed as error:
            log.warning("cannot search for the waiting message", reason=error.reason)
            return None
        return MessageRef(channel_id, found) if found is not None else None


def _stem(link: str) -> str:
    """The name of the file behind a link, without its extension: clients find their task by it."""
    name = messages.spelled(unquote(PurePosixPath(urlsplit(link).path).stem))
    return re.sub(r"[^\w.-]+", "_", name, flags=re.ASCII).strip("_.") or "picture"


def _films(data: bytes) -> Iterator[bytes]:
    """The MP4 files that an animated WebP may become in a message, best first."""
    frames, frame_ms = read_frames(data)
    return mp4.ladder(frames, frame_ms, parameters=read_parameters(data) or "")
