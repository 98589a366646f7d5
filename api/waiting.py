"""Waiting for jobs: one listener for the whole process, and a look at the queue now and then in case it missed one."""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Iterable

from contract.errors import UserError
from contract.ids import JobId
from contract.jobs import Job
from contract.outcomes import JobState
from exchange.images import ImageStore
from exchange.progress import Progress
from exchange.queue import JobQueue

LOOK_EVERY_S = 1.0

ENDING = frozenset({JobState.RENDERED, JobState.DELIVERING})
"""States in which a job's pictures may be in the store already: its webhook need not have answered."""


class Waiting:
    """Tells waiting requests how their jobs get on."""

    def __init__(self, queue: JobQueue, images: ImageStore) -> None:
        self._queue = queue
        self._images = images
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
            while not await self.is_made(job):
                left_s = until_s - time.monotonic()
                if left_s <= 0:
                    raise TimeoutError
                try:
                    async with asyncio.timeout(min(left_s, LOOK_EVERY_S)):
                        yield await listener.get()
                except TimeoutError:
                    continue
        finally:
            self._listeners[job.id].discard(listener)
            if not self._listeners[job.id]:
                del self._listeners[job.id]

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
            return await asyncio.to_thread(self._are_kept, job)
        return state is None or state == JobState.DELIVERED

    def _are_kept(self, job: Job) -> bool:
        return all(self._images.get_image(job.id, index) is not None for index in range(job.image_count))
