"""Waiting for jobs: one listener for the whole process, and a look at the queue now and then in case it missed one."""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Iterable

import redis.exceptions
import structlog

from contract.errors import UserError
from contract.ids import JobId
from contract.jobs import Job
from contract.moderation import scores_in
from contract.outcomes import JobState
from exchange.images import ImageStore, StoreUnavailable
from exchange.progress import Progress
from exchange.queue import JobQueue
from exchange.weather import Weather

log: structlog.stdlib.BoundLogger = structlog.get_logger()

LOOK_EVERY_S = 1.0

ENDING = frozenset({JobState.RENDERED, JobState.DELIVERING})
"""States in which a job's pictures may be handed over already: its webhook need not have answered."""


class Waiting:
    """Tells waiting requests how their jobs get on."""

    def __init__(self, queue: JobQueue, images: ImageStore) -> None:
        self._queue = queue
        self._images = images
        self._weather = Weather("what becomes of the jobs that requests wait for")
        self._listeners: defaultdict[JobId, set[asyncio.Queue[Progress]]] = defaultdict(set)

    async def follow(self, events: AsyncIterator[Progress]) -> None:
        """Hand progress to the requests that wait for it, for as long as the process lives."""
        async for event in events:
            for listener in self._listeners.get(event.job_id, ()):
                listener.put_nowait(event)

    async def progress(self, job: Job, limit_s: float) -> AsyncIterator[Progress]:
        """What is heard of a job until it is made. TimeoutError after `limit_s`, UserError when it ends without."""
        listener: asyncio.Queue[Progress] = asyncio.Queue()
        self._listeners[job.id].add(listener)
        until_s = time.monotonic() + limit_s
        try:
            while not await self._look_after(job):
                left_s = until_s - time.monotonic()
                if left_s <= 0:
                    raise TimeoutError
                try:
                    async with asyncio.timeout(min(left_s, LOOK_EVERY_S)):
                        event = await listener.get()
                except TimeoutError:
                    continue
                yield event  # with no clock running: how long it takes to pass it on is the caller's affair
        finally:
            self._listeners[job.id].discard(listener)
            if not self._listeners[job.id]:
                del self._listeners[job.id]

    async def _look_after(self, job: Job) -> bool:
        """Whether `job` is made; a lost one is put back. While Redis or the store does not say, it is not made."""
        try:
            if await self.is_made(job):
                return True
            if await self._queue.state(job.id) is None:
                log.warning("the queue has lost a job; it is put back", job_id=job.id)
                await self._queue.restore(job, None)
        except (redis.exceptions.RedisError, StoreUnavailable) as error:
            self._weather.bad(error)
        else:
            self._weather.good()
        return False

    async def made(self, jobs: Iterable[Job], limit_s: float) -> None:
        """Wait until all are made. Errors as `progress`."""
        until_s = time.monotonic() + limit_s
        for job in jobs:
            async for _ in self.progress(job, until_s - time.monotonic()):
                pass

    async def is_made(self, job: Job) -> bool:
        """Whether the pictures of `job` are in the store. UserError when it ended without."""
        state = await self._queue.state(job.id)
        error = await self._queue.error(job.id)
        if error is not None:
            raise error
        if state in (JobState.FAILED, JobState.CANCELLED):
            raise UserError("job_failed") if state == JobState.FAILED else UserError("job_cancelled")
        if state in ENDING:
            return await self._queue.is_handed_over(job.id)
        if state is None:
            return await asyncio.to_thread(self._are_kept, job)
        return state == JobState.DELIVERED

    def _are_kept(self, job: Job) -> bool:
        """Of a job that ended long ago, or was forgotten by Redis, what the store has and somebody has looked at."""
        if job.screening is not None and job.screening.weight.refuses:
            scores = scores_in(self._images.get_document(job.id))
            if not scores or max(scores) >= job.screening.threshold:
                return False
        return all(self._images.get_image(job.id, index) is not None for index in range(job.image_count))
