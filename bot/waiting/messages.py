"""The waiting messages: `(Waiting to start)` becomes a place in the queue, then a percentage with a picture.

One object per process hears the progress of all jobs and edits by the channel's route with the bot's token, because an
interaction's own token dies after 15 minutes. A job it has not heard of is looked up in the queue, and one that the
queue has lost is put back: the journal knows those of an earlier process as well.
"""

from __future__ import annotations

import asyncio
import heapq
import io
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import discord
import redis.exceptions
import structlog

from bot.answering import NETWORK_ERRORS
from bot.edits import ChannelEdits
from bot.journal import Journal
from bot.waiting.position import place
from contract import messages
from contract.actions import Button
from contract.codec import job_document, job_from_document
from contract.errors import EaselError
from contract.ids import JobId
from contract.jobs import Job
from contract.locales import book
from contract.outcomes import JobState
from contract.remarks import with_small_print
from exchange.delivery import KEPT_S
from exchange.progress import Progress
from exchange.queue import JobQueue, MessageRef
from exchange.weather import Weather

log: structlog.stdlib.BoundLogger = structlog.get_logger()

FIRST_POSITION_S = 4.0
"""A job that starts sooner needs no word about the queue."""
POSITION_INTERVAL_S = 15.0
LOOK_S = 1.0
JOBS_PER_LOOK = 20
"""However many wait, at most so many questions a second to the queue: with thousands waiting, each has its turn."""
SILENCE_S = 30.0
"""A running job that is not heard of for so long has ended unheard, waits again because its worker died, or is lost."""
JOURNAL = "waiting"
"""What the journal calls these messages."""
REMEMBERED = 4096
"""Ended or foreign jobs whose late progress is ignored without asking the queue again."""

_GONE = frozenset({10003, 10008, 30046, 50001, 50013})
"""Discord's codes for a message that cannot be edited any more: channel or message gone, too old, no access."""


@dataclass(frozen=True, slots=True)
class Edit:
    """What a waiting message is to show. Without a `preview` the one it shows stays."""

    content: str
    preview: bytes | None = None


@dataclass(slots=True)
class _Waiting:
    job: Job
    message: MessageRef
    next_look_s: float
    recalled: bool = False
    previewed: bool = False
    shown: str = ""
    posting: bool = False
    pending: Edit | None = None


class WaitingMessages:
    """Every waiting message of this process. Its last words, if it stays, are the delivery's: that cannot be lost.

    `is_ours` says of a guild id whether this process serves it, when several share the guilds between them. `journal`
    may know messages of an earlier process.
    """

    def __init__(
        self,
        queue: JobQueue,
        client: discord.Client,
        edits: ChannelEdits,
        *,
        is_ours: Callable[[int | None], bool] = lambda guild_id: True,
        journal: Journal | None = None,
        clock: Callable[[], float] = time.monotonic,
        now_ms: Callable[[], float] = lambda: time.time() * 1000,
    ) -> None:
        self._queue = queue
        self._client = client
        self._edits = edits
        self._is_ours = is_ours
        self._journal = journal or Journal()
        self._clock = clock
        self._now_ms = now_ms
        self._waiting: dict[JobId, _Waiting] = {}
        self._unserved: set[str] = set()
        self._closed: OrderedDict[JobId, None] = OrderedDict()

    def track(self, job: Job, message: MessageRef) -> None:
        """Keep this message fresh from now on, unless its job has ended meanwhile."""
        if job.id in self._closed or job.id in self._waiting:
            return
        self._waiting[job.id] = _Waiting(job, message, self._clock() + FIRST_POSITION_S)
        kept = {"job": job_document(job), "channel": message.channel_id, "message": message.message_id}
        self._journal.write(JOURNAL, job.id, kept)

    async def recall(self) -> None:
        """Keep those messages fresh that an earlier process of this bot has left behind.

        Jobs whose end it did not hear of are dropped at once: after many restarts they would stand before those that
        are really lost, and be taken for lost themselves once Redis has forgotten them.
        """
        found: dict[JobId, _Waiting] = {}
        for key, kept in self._journal.read(JOURNAL).items():
            try:
                job, message = job_from_document(kept["job"]), MessageRef(kept["channel"], kept["message"])
            except (EaselError, KeyError, TypeError) as error:
                log.warning("a waiting message of an earlier process cannot be read", job_id=key, error=str(error))
                self._journal.strike(JOURNAL, key)
                continue
            if self._is_ours(job.destination.guild_id) and job.id not in self._waiting:
                found[job.id] = _Waiting(job, message, self._clock() + FIRST_POSITION_S, recalled=True)
        self._waiting |= found
        try:
            states = await self._queue.states(list(found))
        except redis.exceptions.RedisError as error:
            log.warning("whether jobs have ended will be asked one by one", error=str(error))
            return
        for id, state in zip(found, states, strict=True):
            if state is not None and state.ended:
                self._forget(id)

    async def release(self, job: Job, message: MessageRef | None) -> None:
        """Let an accepted job run, acknowledged by `message`, and keep that message fresh from now on."""
        if message is not None:
            self.track(job, message)
        try:
            alive = await self._queue.release(job.id, message)
            if not alive and message is not None and await self._queue.state(job.id) is None:
                await self._put_back(job, message)  # Redis came back empty between the acceptance and this
                return
        except redis.exceptions.RedisError as error:
            log.warning("could not release the job; recovery will", job_id=job.id, error=str(error))
            return
        if not alive and message is not None:
            await self.finish(job.id)
            await self._delete(message)

    async def hear(self, event: Progress) -> None:
        """One piece of progress."""
        if event.state is JobState.RENDERED:
            self._await_post(event.job_id)
            return
        if event.state is not None and event.state.ended:
            self._forget(event.job_id)
            return
        waiting = await self._find(event.job_id)
        if waiting is None:
            return
        waiting.posting = waiting.posting and event.state is not JobState.RUNNING
        if waiting.posting:
            return
        waiting.next_look_s = self._clock() + SILENCE_S
        first_preview = event.preview is not None and not waiting.previewed
        waiting.previewed = waiting.previewed or first_preview
        edit = Edit(messages.progress(waiting.job, event.percent), event.preview)
        self._offer(waiting, edit, urgent=first_preview or not waiting.shown)

    async def keep_showing_positions(self) -> None:
        """Say where the jobs stand that have not started, every now and then, for ever."""
        weather = Weather("the places in the queue")
        while True:
            await asyncio.sleep(LOOK_S)
            try:
                await self.show_positions()
            except (redis.exceptions.RedisError, EaselError) as error:
                weather.bad(error)
            else:
                weather.good()

    async def show_positions(self) -> None:
        """Look at the jobs that have been due longest for a word about their place, and at those gone silent."""
        now_s = self._clock()
        due = [waiting for waiting in self._waiting.values() if now_s >= waiting.next_look_s]
        for waiting in heapq.nsmallest(JOBS_PER_LOOK, due, key=lambda waiting: waiting.next_look_s):
            waiting.next_look_s = now_s + POSITION_INTERVAL_S
            position = await self._queue.position(waiting.job.id)
            if position is None:
                await self._look_after(waiting)
            elif not position.running and waiting.job.id in self._waiting:
                if not position.served and waiting.job.model not in self._unserved:
                    self._unserved.add(waiting.job.model)
                    log.error("no worker that runs now draws with this model", model=waiting.job.model)
                content = with_small_print(messages.waiting(waiting.job), [place(book(waiting.job.locale), position)])
                if content != waiting.shown:
                    self._offer(waiting, Edit(content), moving=False)
        self._edits.sweep()

    async def look_after(self, job_id: JobId) -> None:
        """Put a job back now that the queue has lost, if it is one of these."""
        waiting = self._waiting.get(job_id)
        if waiting is not None and await self._queue.position(job_id) is None:
            await self._look_after(waiting)

    async def _look_after(self, waiting: _Waiting) -> None:
        """A job that neither waits nor runs: it is being posted, has ended unheard, or Redis knows it no more."""
        job = waiting.job
        state = await self._queue.state(job.id)
        if state is not None and state.ended:
            self._forget(job.id)
        elif state is None and waiting.recalled and self._now_ms() - job.created_ms > KEPT_S * 1000:
            self._forget(job.id)  # its end may have been forgotten while no bot ran
        elif state is None:
            await self._put_back(job, waiting.message)

    async def _put_back(self, job: Job, message: MessageRef) -> None:
        log.warning("the queue has lost a job; it is put back", job_id=job.id)
        await self._queue.restore(job, message)

    async def finish(self, job_id: JobId) -> None:
        """No more edits of this job's message; returns when the one in flight, if any, has ended."""
        waiting = self._waiting.get(job_id)
        self._forget(job_id)
        if waiting is not None:
            await self._edits.settled(waiting.message.channel_id, job_id)

    async def _find(self, job_id: JobId) -> _Waiting | None:
        known = self._waiting.get(job_id)
        if known is not None or job_id in self._closed:
            return known
        job, message = await self._queue.accepted(job_id), await self._queue.waiting_message(job_id)
        if job is None or message is None or not self._is_ours(job.destination.guild_id):
            # A message that is not recorded yet will be, when its answer comes back: only then is the job tracked.
            if job is not None and message is not None:
                self._close(job_id)
            return None
        self.track(job, message)
        return self._waiting.get(job_id)

    def _offer(self, waiting: _Waiting, edit: Edit, *, urgent: bool = False, moving: bool = True) -> None:
        if waiting.job.request.in_place:
            return  # clients take its first change for the result
        waiting.shown = edit.content
        waiting.pending = edit if waiting.pending is None else _newer(waiting.pending, edit)
        send = partial(self._send, waiting)
        self._edits.offer(waiting.message.channel_id, waiting.job.id, send, urgent=urgent, moving=moving)

    async def _send(self, waiting: _Waiting) -> None:
        edit, waiting.pending = waiting.pending, None
        if edit is not None and waiting.job.id in self._waiting:
            await self._edit(waiting, edit)

    async def _edit(self, waiting: _Waiting, edit: Edit) -> None:
        target = self._client.get_partial_messageable(waiting.message.channel_id)
        message = target.get_partial_message(waiting.message.message_id)
        try:
            if edit.preview is None:
                await message.edit(content=edit.content, embed=None)
            else:
                file = discord.File(io.BytesIO(edit.preview), messages.preview_name(waiting.job))
                await message.edit(content=edit.content, attachments=[file], embed=None)
        except discord.HTTPException as error:
            # 10008 is the usual end: the worker has posted the result and deleted this message.
            if error.code in _GONE:
                self._forget(waiting.job.id)
            if error.code != 10008:
                log.warning("a waiting message could not be edited", job_id=waiting.job.id, code=error.code)
        except NETWORK_ERRORS as error:
            log.warning("a waiting message could not be edited", job_id=waiting.job.id, error=str(error))

    async def _delete(self, message: MessageRef) -> None:
        target = self._client.get_partial_messageable(message.channel_id).get_partial_message(message.message_id)
        try:
            await target.delete()
        except (discord.HTTPException, *NETWORK_ERRORS) as error:
            if getattr(error, "code", None) != 10008:
                log.warning("a waiting message could not be deleted", message_id=message.message_id, error=str(error))

    def _await_post(self, job_id: JobId) -> None:
        """Drawn: no more edits, but until its result stands it is looked after."""
        waiting = self._waiting.get(job_id)
        if waiting is not None:
            waiting.pending, waiting.posting = None, True
            waiting.next_look_s = self._clock() + POSITION_INTERVAL_S
            self._edits.forget(waiting.message.channel_id, job_id)

    def _forget(self, job_id: JobId) -> None:
        waiting = self._waiting.pop(job_id, None)
        self._close(job_id)
        if waiting is not None:
            self._journal.strike(JOURNAL, job_id)
            self._edits.forget(waiting.message.channel_id, job_id)

    def _close(self, job_id: JobId) -> None:
        self._closed[job_id] = None
        if len(self._closed) > REMEMBERED:
            self._closed.popitem(last=False)


def waiting_buttons(job: Job, *, cancel: bool) -> list[list[Button]]:
    """The rows under a waiting message."""
    return [[messages.cancel_button(job.id)]] if cancel else []


def _newer(older: Edit, newer: Edit) -> Edit:
    return Edit(newer.content, newer.preview if newer.preview is not None else older.preview)
