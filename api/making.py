"""From what a caller asks for to pictures in the answer: jobs are accepted, waited for, and shown or streamed."""

from __future__ import annotations

import asyncio
import base64
import json
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import structlog
from fastapi import Request
from fastapi.responses import StreamingResponse

from api.asked import Upload, Wanted, forget, jobs_of
from api.door import Door
from api.errors import ApiError, api_error
from api.links import picture_link
from api.shapes import Image, Images, Options
from contract.errors import EaselError, UserError
from contract.ids import JobId
from contract.jobs import Job
from contract.layout import trimmed
from exchange.images import StoreUnavailable
from service import cancelling
from service.accepting import accept, take_back
from service.asker import Asker
from service.budget import promptly
from service.pins import for_model
from service.profiles import profile_of
from service.wishes import wish

log: structlog.stdlib.BoundLogger = structlog.get_logger()

GONE_EVERY_S = 0.5
"""How often a waiting request looks whether its caller is still there."""


async def wished(door: Door, asker: Asker, words: str, options: Options, command: str = "imagine") -> tuple[Job, ...]:
    """The jobs that words ask for, as `/imagine` understands them. UserError when they cannot be made here."""
    services = door.services
    profile = await profile_of(services, asker)
    if options.model is not None:
        profile = for_model(profile, options.model, services.catalogue)
    return wish(words, asker, profile, services.catalogue, command=command).jobs


async def answered(request: Request, door: Door, asker: Asker, wanted: Wanted) -> Any:
    """Start the jobs and answer with their pictures. A caller who hangs up wants none any more, unless they can ask for
    the same once more."""
    jobs = await _started(door, asker, wanted)
    if wanted.options.stream:
        return StreamingResponse(_streamed(door, asker, wanted, jobs), media_type="text/event-stream")
    await _unless_hung_up(request, door, asker, jobs)
    return _answer(door, wanted.options, jobs, await _images(door, wanted.options, jobs))


async def _started(door: Door, asker: Asker, wanted: Wanted) -> list[Job]:
    """All of the jobs start, or none does: a caller who is told of an error pays for nothing."""
    if wanted.options.moderation == "low":
        asker = replace(asker, means_it=True)
    async with door.turn(asker.key):
        jobs, accepted = await jobs_of(door.services, asker, wanted), list[Job]()
        own = list[JobId]()
        try:
            for job in jobs:
                # Before it is accepted, so that no worker ever looks for them in vain.
                await asyncio.to_thread(_keep, door, job.id, wanted.uploads)
                submitted = await accept(door.services, asker, job)
                accepted.append(submitted.job)
                if not submitted.duplicate:  # else an earlier request answers for it
                    own.append(job.id)
            async with promptly():
                for job in accepted:
                    await door.services.queue.release(job.id, None)
        except (UserError, StoreUnavailable) as error:
            if not asker.returns:
                door.services.background.start(_undo(door, jobs, own, wanted.uploads))
            elif isinstance(error, StoreUnavailable) or error.kind != "queue_unreachable":
                # Before anything is answered: the next request like this finds nothing that is being undone.
                others = [job for job in jobs if job.id not in [one.id for one in accepted] or job.id in own]
                await _undo(door, others, own, wanted.uploads)
                if len(others) == len(jobs):
                    await forget(door.services, asker)
            if isinstance(error, StoreUnavailable):
                raise UserError("store_unreachable") from error
            raise
    return accepted


async def _undo(door: Door, jobs: Sequence[Job], accepted: Sequence[JobId], uploads: Mapping[str, Upload]) -> None:
    """Take back those of `jobs` that were accepted, and what is kept for all."""
    for id in accepted:
        await take_back(door.services, id)
    for job in jobs if uploads else ():
        try:
            await asyncio.to_thread(door.services.images.delete, job.id)
        except (StoreUnavailable, OSError) as error:
            log.warning("uploads of a refused request stay", job_id=job.id, error=str(error))


def _keep(door: Door, job_id: JobId, uploads: Mapping[str, Upload]) -> None:
    for name, upload in uploads.items():
        door.services.images.put_input(job_id, name, upload.data, upload.extension)


async def _made(door: Door, jobs: Sequence[Job]) -> None:
    try:
        await door.waiting.made(jobs, door.wait_s)
    except TimeoutError:
        ids = ", ".join(job.id for job in jobs)
        message = f"It takes longer than {door.wait_s:g} s. Ask for it later at /v1/jobs/ID: {ids}."
        raise ApiError(504, message, "still_waiting") from None


async def _images(door: Door, options: Options, jobs: Sequence[Job]) -> list[Image]:
    wanted = [(job, index) for job in jobs for index in range(job.image_count)][: options.n or 1]
    if options.response_format == "url":
        return [linked(door, job, index) for job, index in wanted]
    files = await asyncio.gather(*(file_of(door, job.id, index) for job, index in wanted))
    return [
        Image(b64_json=base64.b64encode(data).decode(), revised_prompt=job.prompt.echo)
        for (job, _), data in zip(wanted, files, strict=True)
    ]


def linked(door: Door, job: Job, index: int) -> Image:
    """A picture as a link that is good for an hour."""
    link = picture_link(door.secret, door.base_url, job.id, index, time.time())
    return Image(url=link, revised_prompt=job.prompt.echo)


async def file_of(door: Door, job_id: JobId, index: int) -> bytes:
    """A picture's file. ApiError when it is not kept, or the store does not say."""
    try:
        data = await asyncio.to_thread(door.services.images.get_image, job_id, index)
    except EaselError as error:
        raise ApiError(503, "The pictures cannot be read just now; try again.", "store_unavailable") from error
    except ValueError:
        data = None  # no store has a place for such an index
    if data is None:
        raise ApiError(404, "This picture is not kept any more.", "no_such_picture")
    return data


def _answer(door: Door, options: Options, jobs: Sequence[Job], images: list[Image]) -> Images:
    job, plan = jobs[0], jobs[0].plan
    size = options.size or "auto"
    if plan is not None:
        enlargement = door.services.catalogue.named(job.model).enlargement
        drawn = plan.width * enlargement, plan.height * enlargement
        width, height = trimmed(drawn, job.prompt.parameters.aspect)
        size = f"{width}x{height}"
    return Images(created=int(time.time()), data=images, size=size, jobs=[job.id for job in jobs])


async def _unless_hung_up(request: Request, door: Door, asker: Asker, jobs: Sequence[Job]) -> None:
    """Wait for `jobs`. They end with the request when its caller hangs up for good."""
    work = asyncio.create_task(_made(door, jobs))
    try:
        while not work.done():
            await asyncio.wait({work}, timeout=GONE_EVERY_S)
            if not work.done() and await request.is_disconnected():
                await _hung_up(door, asker, jobs)
                raise ApiError(499, "The caller hung up.", "cancelled")
        work.result()
    finally:
        work.cancel()


async def _hung_up(door: Door, asker: Asker, jobs: Sequence[Job]) -> None:
    """End what nobody waits for any more. A caller with an `Idempotency-Key` may only have lost the connection."""
    for job in () if asker.returns else jobs:
        try:
            await cancelling.cancel(door.services, asker, job.id)
        except UserError as error:
            log.info("not cancelled", job_id=job.id, kind=error.kind)


async def _streamed(door: Door, asker: Asker, wanted: Wanted, jobs: Sequence[Job]) -> AsyncIterator[str]:
    """Server-sent events: previews as they come, as many as were asked for, then each picture."""
    left, count, until_s = wanted.options.partial_images or 0, 0, time.monotonic() + door.wait_s
    try:
        for job in jobs:
            async for event in door.waiting.progress(job, until_s - time.monotonic()):
                if event.preview is not None and count < left:
                    preview = base64.b64encode(event.preview).decode()
                    yield _event(wanted, "partial_image", b64_json=preview, partial_image_index=count)
                    count += 1
        for image in await _images(door, wanted.options, jobs):
            yield _event(wanted, "completed", **image.model_dump(exclude_none=True))
    except TimeoutError:
        yield _failed(ApiError(504, "It takes longer than a request may wait.", "still_waiting"))
    except UserError as error:
        yield _failed(api_error(error, asker.locale))
    except ApiError as error:
        yield _failed(error)
    except (asyncio.CancelledError, GeneratorExit):  # the caller hung up, also while an event was being sent
        door.services.background.start(_hung_up(door, asker, jobs))
        raise


def _event(wanted: Wanted, name: str, **fields: object) -> str:
    type = f"{wanted.event}.{name}"
    document = {"type": type, "created_at": int(time.time()), "output_format": "png", **fields}
    return f"event: {type}\ndata: {json.dumps(document)}\n\n"


def _failed(error: ApiError) -> str:
    return f"event: error\ndata: {json.dumps({'type': 'error', **error.body.model_dump()})}\n\n"
