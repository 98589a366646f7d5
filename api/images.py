"""OpenAI's three ways to pictures: from words, from pictures and words, from one picture."""

from __future__ import annotations

import io
import math
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Annotated, Any

import imagesize
from fastapi import APIRouter, File, Form, Request, UploadFile

from api.asked import Upload, Wanted
from api.door import TheAsker, TheDoor
from api.errors import ApiError
from api.making import answered, wished
from api.shapes import Generation, Images, Options
from contract.jobs import GRID_SIZE, Job
from contract.kinds.inpaint import Inpaint
from contract.prompt import has_flag
from contract.uploads import upload_link, upload_name

_TEXT = {"type": "string"}
_SENT = {"type": "object", "required": ["event", "data"], "properties": {"event": _TEXT, "data": _TEXT}}
STREAMED: dict[int | str, dict[str, Any]] = {200: {"content": {"text/event-stream": {"schema": _SENT}}}}
"""With `stream` the answer is events instead of JSON."""
ROUTES = APIRouter(prefix="/v1/images", tags=["images"], responses=STREAMED)

MAX_UPLOADS = 4
"""Pictures of one request."""
MAX_UPLOAD_BYTES = 20 * 1024 * 1024
_BEGINNINGS = {b"\x89PNG\r\n\x1a\n": "png", b"\xff\xd8\xff": "jpg", b"RIFF": "webp"}

Files = Annotated[list[UploadFile], File(description="PNG, JPEG or WebP, 20 MiB each")]


@ROUTES.post("/generations", response_model=Images, response_model_exclude_none=True)
async def generate(asked: Generation, request: Request, door: TheDoor, asker: TheAsker) -> Any:
    """Draw a prompt. It may hold all that `/imagine` takes, such as `a red apple --ar 3:2 --seed 7`."""
    make = partial(wished, door, asker, _words(asked.prompt, asked, None), asked)
    return await answered(request, door, asker, Wanted(make, {}, asked, "image_generation"))


@ROUTES.post("/edits", response_model=Images, response_model_exclude_none=True)
async def edit(
    request: Request,
    door: TheDoor,
    asker: TheAsker,
    asked: Annotated[Generation, Form()],
    image: Files = [],  # noqa: B006 - FastAPI copies it
    images: Annotated[list[UploadFile], File(alias="image[]", description="the same, as clients send several")] = [],  # noqa: B006
    mask: Annotated[UploadFile | None, File(description="transparent where the first picture is painted again")] = None,
) -> Any:
    """Change one to four pictures as the words say; with a mask, paint the first again where that is transparent."""
    uploads = await _read([*image, *images])
    if mask is None:
        links = " ".join(upload_link(number) for number in range(len(uploads)))
        words = f"{_words(asked.prompt, asked, uploads[0])} --edit {links}"
        make = partial(wished, door, asker, words, asked, "edit")
        return await answered(request, door, asker, Wanted(make, _named(uploads), asked, "image_edit"))
    [cover] = await _read([mask], "mask")
    width, height = _size(uploads[0])
    kind = Inpaint(upload_link(0), upload_link(1, mask=True), width, height)

    async def painted() -> tuple[Job, ...]:
        jobs = await wished(door, asker, _words(asked.prompt, asked, None), asked)
        return tuple(replace(job, request=kind) for job in jobs)

    return await answered(request, door, asker, Wanted(painted, _named([uploads[0], cover]), asked, "image_edit"))


@ROUTES.post("/variations", response_model=Images, response_model_exclude_none=True)
async def vary(
    request: Request, door: TheDoor, asker: TheAsker, asked: Annotated[Options, Form()], image: UploadFile
) -> Any:
    """Draw pictures near one, without words."""
    uploads = await _read([image])
    make = partial(wished, door, asker, _words(upload_link(0), asked, uploads[0]), asked, "blend")
    return await answered(request, door, asker, Wanted(make, _named(uploads), asked, "image_variation"))


def _words(prompt: str, options: Options, like: Upload | None) -> str:
    """The prompt as `/imagine` takes it. What the prompt itself says wins over the other fields, and a size over the
    shape of the upload that the result is to be `like`."""
    if not has_flag(prompt, "aspect"):
        sides = None if like is None else _size(like)
        if options.size not in (None, "auto"):
            sides = tuple(int(side) for side in str(options.size).split("x"))  # type: ignore[assignment]
        if sides is not None:
            shared = math.gcd(*sides)
            prompt += f" --ar {sides[0] // shared}:{sides[1] // shared}"
    grids = math.ceil((options.n or 1) / GRID_SIZE)
    return f"{prompt} --repeat {grids}" if grids > 1 else prompt


async def _read(files: Sequence[UploadFile], field: str = "image") -> list[Upload]:
    """The files of a request. ApiError for too many, too large ones, and what is no picture by its first bytes."""
    if not 1 <= len(files) <= MAX_UPLOADS:
        raise ApiError(400, f"Send 1 to {MAX_UPLOADS} pictures as `{field}`.", "invalid_value", field)
    uploads = []
    for file in files:
        data = await file.read(MAX_UPLOAD_BYTES + 1)
        if len(data) > MAX_UPLOAD_BYTES:
            raise ApiError(413, f"`{field}` is larger than {MAX_UPLOAD_BYTES >> 20} MiB.", "too_large", field)
        extension = next((name for begins, name in _BEGINNINGS.items() if data.startswith(begins)), None)
        if extension is None:
            raise ApiError(400, f"`{field}` is no PNG, JPEG or WebP picture.", "invalid_image", field)
        upload = Upload(data, extension)
        _size(upload, field)
        uploads.append(upload)
    return uploads


def _named(uploads: Sequence[Upload]) -> dict[str, Upload]:
    """By their names in the image store."""
    return {str(upload_name(upload_link(number))): upload for number, upload in enumerate(uploads)}


def _size(upload: Upload, field: str = "image") -> tuple[int, int]:
    """What the header says. Decoding is left to a process that can be killed (`worker.reading`)."""
    try:
        width, height = imagesize.get(io.BytesIO(upload.data))
    except Exception:  # readers of headers raise anything at all for files that were made to break them
        width = height = -1
    if not (1 <= width <= 100_000 and 1 <= height <= 100_000):
        raise ApiError(400, f"`{field}` is a damaged picture.", "invalid_image", field)
    return int(width), int(height)
