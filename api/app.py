"""The API as an ASGI application: each route reads a request, asks the service, and answers in OpenAI's shape."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import math
import secrets
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from importlib.metadata import version
from typing import Annotated, Any

import structlog
from fastapi import APIRouter, Depends, FastAPI, Header, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, StreamingResponse
from starlette.exceptions import HTTPException

from api.errors import ApiError, api_error
from api.links import link_is_good, picture_link
from api.shapes import Error, Generation, Image, Images, JobView, Model, Models
from api.waiting import Waiting
from contract.errors import EaselError, UserError
from contract.ids import JobId, parse_job_id
from contract.jobs import GRID_SIZE, Job, Program, User
from contract.layout import trimmed
from contract.outcomes import JobState
from exchange.api_keys import ApiKey
from service import cancelling
from service.accepting import accept
from service.asker import Asker
from service.budget import promptly
from service.pictures import recorded_job
from service.profiles import profile_of
from service.services import Services
from service.wishes import wish

log: structlog.stdlib.BoundLogger = structlog.get_logger()

ROUTES = APIRouter(prefix="/v1")

GONE_EVERY_S = 0.5
"""How often a waiting request looks whether its caller is still there."""


@dataclass(frozen=True, slots=True)
class Door:
    """What the routes work with.

    `find_key` gives the key that has a secret. `secret` signs links to pictures, which begin with `base_url`. `wait_s`
    is how long a request waits for its pictures.
    """

    services: Services
    waiting: Waiting
    find_key: Callable[[str], Awaitable[ApiKey | None]]
    secret: str
    base_url: str
    wait_s: float


def create_app(door: Door) -> FastAPI:
    """The application; errors of every kind leave it in one shape."""
    app = FastAPI(
        title="Easel",
        version=version("easel"),
        description="Pictures from words, by OpenAI's Images API.",
        responses={status: {"model": Error} for status in (400, 401, 404, 409, 429, 500, 503, 504)},
    )
    app.state.door = door
    app.include_router(ROUTES)

    @app.exception_handler(ApiError)
    async def _api(request: Request, error: ApiError) -> Response:
        return JSONResponse(error.body.model_dump(), error.status)

    @app.exception_handler(UserError)
    async def _user(request: Request, error: UserError) -> Response:
        log.info("refused", kind=error.kind)
        return await _api(request, api_error(error, _locale(request)))

    @app.exception_handler(RequestValidationError)
    async def _invalid(request: Request, error: RequestValidationError) -> Response:
        detail = error.errors()[0]
        param = ".".join(str(place) for place in detail["loc"][1:]) or None
        return await _api(request, ApiError(400, f"{param or 'The request'}: {detail['msg']}.", "invalid_value", param))

    @app.exception_handler(HTTPException)
    async def _http(request: Request, error: HTTPException) -> Response:
        return await _api(request, ApiError(error.status_code, str(error.detail)))

    @app.exception_handler(Exception)
    async def _unforeseen(request: Request, error: Exception) -> Response:
        log.error("a request failed", path=request.url.path, exc_info=error)
        return await _api(request, ApiError(500, "Something went wrong here. It is logged.", "server_error"))

    return app


# ── who asks ────────────────────────────────────────────────────────────────────────────────────────────────────────


def _door(request: Request) -> Door:
    door: Door = request.app.state.door
    return door


def _locale(request: Request) -> str:
    return request.headers.get("accept-language", "en-US").split(",")[0].strip() or "en-US"


async def _key(request: Request, authorization: Annotated[str, Header()] = "") -> ApiKey:
    scheme, _, secret = authorization.partition(" ")
    if scheme.lower() != "bearer" or not secret:
        raise ApiError(401, "Send your key as `Authorization: Bearer easel-…`.", "missing_api_key")
    async with promptly():
        key = await _door(request).find_key(secret.strip())
    if key is None:
        raise ApiError(401, "This key is unknown or was revoked.", "invalid_api_key")
    return key


def _asker(
    request: Request,
    key: Annotated[ApiKey, Depends(_key)],
    idempotency_key: Annotated[str | None, Header(max_length=200)] = None,
) -> Asker:
    """The program behind a request. The same `Idempotency-Key` makes the same jobs: repeating it is harmless."""
    if idempotency_key is None:
        number = secrets.randbits(63)
    else:
        number = int.from_bytes(hashlib.blake2b(f"{key.id}:{idempotency_key}".encode(), digest_size=8).digest()) >> 1
    return Asker(
        user=User(key.user_id, key.name),
        destination=Program(key.id, key.webhook),
        asked_ms=int(time.time() * 1000),
        key=number,
        locale=_locale(request),
    )


TheDoor = Annotated[Door, Depends(_door)]
TheAsker = Annotated[Asker, Depends(_asker)]


# ── pictures ────────────────────────────────────────────────────────────────────────────────────────────────────────


@ROUTES.post("/images/generations", response_model=Images, response_model_exclude_none=True)
async def generate(asked: Generation, request: Request, door: TheDoor, asker: TheAsker) -> Any:
    """Draw a prompt. It may hold all that `/imagine` takes, such as `a red apple --ar 3:2 --seed 7`."""
    jobs = await _accepted(door, asker, asked)
    if asked.stream:
        return StreamingResponse(_streamed(door, asker, asked, jobs), media_type="text/event-stream")
    await _unless_hung_up(request, door, asker, jobs)
    return _answer(door, asked, jobs, await _images(door, asked, jobs))


async def _accepted(door: Door, asker: Asker, asked: Generation) -> list[Job]:
    services = door.services
    profile = await profile_of(services, asker)
    if asked.model is not None:
        profile = replace(profile, version=services.catalogue.version_of(asked.model))
    jobs = list(wish(_words(asked), asker, profile, services.catalogue).jobs)
    for job in jobs:
        await accept(services, asker, job)
        async with promptly():
            await services.queue.release(job.id, None)
    return jobs


def _words(asked: Generation) -> str:
    """The prompt as `/imagine` takes it. What the prompt itself says wins over the other fields."""
    words = asked.prompt
    if asked.size not in (None, "auto") and "--ar" not in words and "--aspect" not in words:
        width, height = (int(side) for side in str(asked.size).split("x"))
        shared = math.gcd(width, height)
        words += f" --ar {width // shared}:{height // shared}"
    grids = math.ceil((asked.n or 1) / GRID_SIZE)
    return f"{words} --repeat {grids}" if grids > 1 else words


async def _made(door: Door, jobs: Sequence[Job]) -> None:
    try:
        await door.waiting.made(jobs, door.wait_s)
    except TimeoutError:
        ids = ", ".join(job.id for job in jobs)
        message = f"It takes longer than {door.wait_s:g} s. Ask for it later at /v1/jobs/ID: {ids}."
        raise ApiError(504, message, "still_waiting") from None


async def _images(door: Door, asked: Generation, jobs: Sequence[Job]) -> list[Image]:
    wanted = [(job, index) for job in jobs for index in range(job.image_count)][: asked.n or 1]
    if asked.response_format == "url":
        return [_linked(door, job, index) for job, index in wanted]
    files = await asyncio.gather(*(_file(door, job.id, index) for job, index in wanted))
    return [
        Image(b64_json=base64.b64encode(data).decode(), revised_prompt=job.prompt.echo)
        for (job, _), data in zip(wanted, files, strict=True)
    ]


def _linked(door: Door, job: Job, index: int) -> Image:
    link = picture_link(door.secret, door.base_url, job.id, index, time.time())
    return Image(url=link, revised_prompt=job.prompt.echo)


async def _file(door: Door, job_id: JobId, index: int) -> bytes:
    try:
        data = await asyncio.to_thread(door.services.images.get_image, job_id, index)
    except EaselError as error:
        raise ApiError(503, "The pictures cannot be read just now; try again.", "store_unavailable") from error
    if data is None:
        raise ApiError(404, "This picture is not kept any more.", "no_such_picture")
    return data


def _answer(door: Door, asked: Generation, jobs: Sequence[Job], images: list[Image]) -> Images:
    job, plan = jobs[0], jobs[0].plan
    size = asked.size or "auto"
    if plan is not None:
        enlargement = door.services.catalogue.named(job.model).enlargement
        drawn = plan.width * enlargement, plan.height * enlargement
        width, height = drawn if plan.tile else trimmed(drawn, job.prompt.parameters.aspect)
        size = f"{width}x{height}"
    return Images(created=int(time.time()), data=images, size=size, jobs=[job.id for job in jobs])


async def _unless_hung_up(request: Request, door: Door, asker: Asker, jobs: Sequence[Job]) -> None:
    """Wait for `jobs`. A caller who hangs up wants no pictures any more: the jobs end with the request."""
    work = asyncio.create_task(_made(door, jobs))
    try:
        while not work.done():
            await asyncio.wait({work}, timeout=GONE_EVERY_S)
            if not work.done() and await request.is_disconnected():
                await _cancel(door, asker, jobs)
                raise ApiError(499, "The caller hung up.", "cancelled")
        work.result()
    finally:
        work.cancel()


async def _cancel(door: Door, asker: Asker, jobs: Sequence[Job]) -> None:
    for job in jobs:
        try:
            await cancelling.cancel(door.services, asker, job.id)
        except UserError as error:
            log.info("not cancelled", job_id=job.id, kind=error.kind)


async def _streamed(door: Door, asker: Asker, asked: Generation, jobs: Sequence[Job]) -> AsyncIterator[str]:
    """Server-sent events: previews as they come, as many as were asked for, then each picture."""
    left, count = asked.partial_images or 0, 0
    try:
        async with asyncio.timeout(door.wait_s):
            for job in jobs:
                async for event in door.waiting.progress(job, door.wait_s):
                    if event.preview is not None and count < left:
                        preview = base64.b64encode(event.preview).decode()
                        yield _event("partial_image", b64_json=preview, partial_image_index=count)
                        count += 1
        for image in await _images(door, asked, jobs):
            yield _event("completed", **image.model_dump(exclude_none=True))
    except TimeoutError:
        yield _failed(ApiError(504, "It takes longer than a request may wait.", "still_waiting"))
    except UserError as error:
        yield _failed(api_error(error, asker.locale))
    except ApiError as error:
        yield _failed(error)
    except asyncio.CancelledError:
        await asyncio.shield(_cancel(door, asker, jobs))
        raise


def _event(name: str, **fields: object) -> str:
    document = {"type": f"image_generation.{name}", "created_at": int(time.time()), "output_format": "png", **fields}
    return f"event: image_generation.{name}\ndata: {json.dumps(document)}\n\n"


def _failed(error: ApiError) -> str:
    return f"event: error\ndata: {json.dumps({'type': 'error', **error.body.model_dump()})}\n\n"


@ROUTES.get("/files/{job_id}/{index}.png", response_class=Response)
async def picture(job_id: str, index: int, until: int, signature: str, door: TheDoor) -> Response:
    """A picture by a link that the API gave out; it needs no key."""
    id = _id(job_id)
    if not link_is_good(door.secret, id, index, until, signature, time.time()):
        raise ApiError(403, "This link has run out, or was not made here.", "bad_link")
    return Response(await _file(door, id, index), media_type="image/png")


# ── jobs ────────────────────────────────────────────────────────────────────────────────────────────────────────────


@ROUTES.get("/jobs/{job_id}", response_model=JobView, response_model_exclude_none=True)
async def show(job_id: str, door: TheDoor, asker: TheAsker) -> Any:
    """One of the caller's own jobs: where it stands, and its pictures once they are made."""
    id = _id(job_id)
    async with promptly():
        job = await door.services.queue.accepted(id)
        state, error = await door.services.queue.state(id), await door.services.queue.error(id)
    job = job or await recorded_job(door.services, id)
    if job is None or job.user.id != asker.user.id:
        raise ApiError(404, "There is no such job of yours.", "no_such_job")
    made = error is None and state not in (JobState.FAILED, JobState.CANCELLED) and await door.waiting.is_made(job)
    return JobView(
        id=id,
        state=state or JobState.DELIVERED,
        prompt=job.prompt.echo,
        error=None if error is None else api_error(error, asker.locale).body.error.model_dump(exclude_none=True),
        images=[_linked(door, job, index) for index in range(job.image_count)] if made else [],
    )


@ROUTES.post("/jobs/{job_id}/cancel", response_model=JobView, response_model_exclude_none=True)
async def cancel(job_id: str, door: TheDoor, asker: TheAsker) -> Any:
    """End one of the caller's own jobs, whether it waits or runs."""
    job = await cancelling.cancel(door.services, asker, _id(job_id))
    return JobView(id=job.id, state=JobState.CANCELLED, prompt=job.prompt.echo, images=[])


def _id(text: str) -> JobId:
    try:
        return parse_job_id(text)
    except ValueError:
        raise ApiError(404, "This is no job's id.", "no_such_job") from None


# ── models ──────────────────────────────────────────────────────────────────────────────────────────────────────────


@ROUTES.get("/models")
async def models(door: TheDoor, asker: TheAsker) -> Models:
    """What is on offer, the first being the default."""
    return Models(data=[Model(id=model.name) for model in door.services.catalogue])


@ROUTES.get("/models/{name}")
async def model(name: str, door: TheDoor, asker: TheAsker) -> Model:
    """One model."""
    return Model(id=door.services.catalogue.named(name).name)
