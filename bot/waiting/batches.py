"""The message of a batch: how many of its jobs have started and finished, with a button that ends them all.

Batches are kept in Redis. Each process looks at all of them every few seconds and goes on with those that no other one
runs: accepts what there is room for, posts a waiting message for each job, and says how they get on. What Redis has
lost of them is put back.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable
from functools import partial

import discord
import structlog

from bot.answering import NETWORK_ERRORS, is_refusal
from bot.edits import ChannelEdits
from bot.journal import Journal
from bot.rendering import embed_of, view_of
from bot.waiting.messages import WaitingMessages, waiting_buttons
from contract import messages
from contract.actions import Button, ButtonStyle
from contract.errors import MalformedDocument, NewerVersion, UserError
from contract.ids import JobId, nonce
from contract.jobs import Job, channel_of
from contract.locales import book
from contract.messages import NOTICE_COLOUR, Embed
from contract.sentences import describe
from exchange.queue import MessageRef
from service.batches import WAIT_FOR_ROOM, Batch, Standing, accept_next, batch_of, close_batch, standing
from service.budget import promptly
from service.services import Services

log: structlog.stdlib.BoundLogger = structlog.get_logger()

JOURNAL = "batch"
"""What the journal calls batches."""
VISIT_S = 2.0
"""How often a batch is looked at: whether there is room for its next job, and how the others get on."""


class BatchMessages:
    """The batches that this process goes on with."""

    def __init__(
        self,
        services: Services,
        client: discord.Client,
        edits: ChannelEdits,
        waiting: WaitingMessages,
        *,
        cancel_button: bool = True,
        is_ours: Callable[[int | None], bool] = lambda guild_id: True,
        journal: Journal | None = None,
    ) -> None:
        self._services = services
        self._client = client
        self._edits = edits
        self._waiting = waiting
        self._cancel_button = cancel_button
        self._is_ours = is_ours
        self._runner = secrets.token_hex(8)
        self._journal = journal or Journal()
        self._kept: dict[str, dict[str, str]] = {}
        self._visited: set[str] = set()
        self._shown: dict[str, Embed] = {}

    async def keep_visiting(self) -> None:
        """Go on with the batches that nobody else runs, for ever."""
        while True:
            await asyncio.sleep(VISIT_S)
            await self.visit_all()

    async def visit_all(self) -> None:
        """Look at every batch once. One that cannot be gone on with stops no other."""
        try:
            tokens = await self._services.batches.tokens()
            for token in self._journal.read(JOURNAL).keys() - tokens:
                await self._put_back(token)
                tokens = [*tokens, token]
        except Exception as error:
            log.warning("the batches cannot be read", error=str(error))
            return
        for token in tokens:
            await self.visit(token)

    async def visit(self, token: str) -> None:
        """Accept what there is room for of a batch, and show how it gets on."""
        if token in self._visited:
            return
        self._visited.add(token)
        try:
            await self._go_on(token)
        except UserError as error:
            log.warning("a batch has to wait", batch=token, kind=error.kind)
        except MalformedDocument as error:
            log.warning("a batch cannot be read", batch=token, error=str(error))
            await self._services.batches.drop(token)
        except NewerVersion as error:
            log.debug("a batch is left to a newer bot", batch=token, error=str(error))
        except Exception:
            log.exception("a batch could not be gone on with", batch=token)
        finally:
            self._visited.discard(token)

    async def _go_on(self, token: str) -> None:
        while (batch := await self._claimed(token)) is not None:
            job = None
            try:
                if await self._has_room(batch):
                    job = await accept_next(self._services, batch)
            except UserError as error:
                if error.kind not in WAIT_FOR_ROOM:
                    await self._end(batch, _broken_off(batch, error))
                    return
            if job is None:
                await self._show(batch)
                return
            with structlog.contextvars.bound_contextvars(job_id=job.id):
                try:
                    message = await self._announce(job)
                except UserError as error:
                    await self._services.queue.discard(job.id)
                    await self._end(batch, _broken_off(batch, error))
                    return
                await self._waiting.release(job, message)

    async def _claimed(self, token: str) -> Batch | None:
        """The batch, when it is this process that goes on with it now."""
        batch = await batch_of(self._services, token)
        if batch is None:
            await self._services.batches.drop(token)
            return None
        if not self._is_ours(batch.asker.guild_id) or not await self._services.batches.claim(token, self._runner):
            return None
        stored = await self._services.batches.fields(token)  # as it is now that nobody else changes it
        if stored and self._kept.get(token) != stored:
            self._journal.write(JOURNAL, token, stored)
            self._kept[token] = stored
        return await batch_of(self._services, token)

    async def _put_back(self, token: str) -> None:
        """A batch that Redis has lost: only the process that runs one forgets it."""
        log.warning("Redis has lost a batch; it is put back", batch=token)
        try:
            await self._services.batches.restore(token, self._journal.read(JOURNAL)[token])
        except MalformedDocument as error:
            log.warning("a batch cannot be read", batch=token, error=str(error))
            self._journal.strike(JOURNAL, token)
        batch = await batch_of(self._services, token)
        for job in batch.jobs[: batch.accepted] if batch is not None else ():
            await self._waiting.look_after(job.id)

    async def _has_room(self, batch: Batch) -> bool:
        """Whether its channel may take one more waiting message now, with what others post there in mind."""
        following = batch.jobs[batch.accepted :]
        if not following:
            return True
        async with promptly():
            return await self._services.queue.may_post(following[0])

    async def _show(self, batch: Batch) -> None:
        now = await standing(self._services, batch)
        if now.going_on or now.to_come:
            self._edit(batch, progress(batch, now), buttons(batch))
        else:
            await self._end(batch, progress(batch, now))

    async def _end(self, batch: Batch, last: Embed) -> None:
        self._journal.strike(JOURNAL, batch.token)  # first: what it has and Redis has not is put back
        self._kept.pop(batch.token, None)
        await close_batch(self._services, batch)
        self._edit(batch, last, [])
        self._shown.pop(batch.token, None)

    def _edit(self, batch: Batch, embed: Embed, rows: list[list[Button]]) -> None:
        if batch.message is None or self._shown.get(batch.token) == embed:
            return
        self._shown[batch.token] = embed
        send = partial(self._send, batch.message, embed, rows)
        self._edits.offer(batch.message.channel_id, ("batch", batch.token), send, moving=False)

    async def _send(self, message: MessageRef, embed: Embed, rows: list[list[Button]]) -> None:
        target = self._client.get_partial_messageable(message.channel_id).get_partial_message(message.message_id)
        try:
            await target.edit(embed=embed_of(embed), view=view_of(rows))
        except (discord.HTTPException, *NETWORK_ERRORS) as error:
            log.info("the message of a batch could not be changed", error=str(error))

    async def _announce(self, job: Job) -> MessageRef | None:
        """Post a waiting message by channel route; None when Discord is away (the result will come anyway).

        UserError `answer_refused` when it does not take the message: it would not take the result either.
        """
        channel = self._client.get_partial_messageable(channel_of(job.destination).channel_id)
        view = view_of(waiting_buttons(job, cancel=self._cancel_button))
        async with promptly():
            await self._services.queue.may_post(job, begins=True)
        try:
            message = await channel.send(messages.waiting(job), view=view, nonce=nonce(JobId(f"waiting-{job.id}")))
        except (discord.HTTPException, *NETWORK_ERRORS) as error:
            log.warning("a waiting message could not be posted", error=str(error))
            if is_refusal(error):
                raise UserError("answer_refused") from error
            return None
        return MessageRef(channel_of(job.destination).channel_id, message.id)


def progress(batch: Batch, now: Standing) -> Embed:
    """How a batch gets on, in words."""
    words = book(batch.asker.locale)
    started, total = batch.accepted, len(batch.jobs)
    lines = [words.say("batch.started", started=started, total=total, finished=now.finished)]
    lines += [words.say(f"batch.{name}", number=number) for name, number in _bad(now) if number]
    if now.to_come:
        lines.append(words.say("batch.to_come", left=now.to_come))
    over = not now.going_on and not now.to_come
    stopped = batch.cancelled and started < total
    title = "batch.stopped" if stopped else "batch.over" if over else "batch.title"
    return Embed(words.say(title), "\n".join(lines), NOTICE_COLOUR)


def buttons(batch: Batch) -> list[list[Button]]:
    """The row under the message of a batch that goes on."""
    label = book(batch.asker.locale).say("batch.cancel")
    return [[Button(f"Easel::Batch::cancel::{batch.token}", label, style=ButtonStyle.DANGER)]]


def _broken_off(batch: Batch, error: UserError) -> Embed:
    """Why no more jobs of a batch start, and how many did."""
    words = book(batch.asker.locale)
    title, description = describe(error, batch.asker.locale)
    if batch.accepted:
        description += "\n\n" + words.say("batch.before", started=batch.accepted, total=len(batch.jobs))
    return messages.refusal(title, description)


def _bad(now: Standing) -> list[tuple[str, int]]:
    return [("failed", now.failed), ("cancelled", now.cancelled)]
