"""Where a job's pictures and its record lie in the image store, and how a record is written.

`<first two of id>/<id>/` holds `<index>.png` (a result; webp and jpg as well), `record.json`, and what the job was made
from: `input/<index>.png` (a prompt's pictures), `upload/<index>.png` (files that came with a request, as they came),
`mask.png` and `control.png`. Results that may not be shown lie under `withheld/<index>.png`. What is read is looked at
before it is used: a file that is no picture, or a record of another job, is as good as none.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import structlog

from contract.errors import EaselError, MalformedDocument
from contract.ids import JobId, parse_job_id

log = structlog.get_logger(__name__)


class StoreUnavailable(EaselError):
    """The image store cannot be reached, is full or refuses; the same call may work later."""


EXTENSIONS = ("png", "webp", "jpg")
RECORD = "record.json"
PROBE = "probe"
"""Where a store is tried out."""
MAX_INDEX = 16
MAX_PICTURE_BYTES = 128 * 1024 * 1024
MAX_RECORD_BYTES = 1024 * 1024

_BEGINNINGS = {"png": b"\x89PNG\r\n\x1a\n", "jpg": b"\xff\xd8\xff", "webp": b"RIFF"}
_INPUT = re.compile(r"(?:input|upload|withheld)/(\d|1[0-5])|mask|control")


def folder_name(job_id: JobId) -> str:
    """A job's place in the store. Only well-formed ids get one, so a forged id cannot leave the store."""
    parse_job_id(job_id)
    return f"{job_id[:2]}/{job_id}"


def job_in(name: str) -> JobId | None:
    """The job a folder's name stands for; None for what is not ours."""
    try:
        return parse_job_id(name)
    except ValueError:
        return None


def image_name(job_id: JobId, index: int, extension: str) -> str:
    """A picture's place. ValueError for an index or extension the store does not know."""
    if extension not in EXTENSIONS or not 0 <= index < MAX_INDEX:
        raise ValueError(
            f"no picture {index}.{extension}: indices go from 0 to {MAX_INDEX - 1}, extensions are {EXTENSIONS}"
        )
    return f"{folder_name(job_id)}/{index}.{extension}"


def input_name(job_id: JobId, name: str, extension: str) -> str:
    """The place of a picture that is no result: `input/0` to `input/15`, as many in `upload` and `withheld`, `mask` or
    `control`.

    ValueError for any other name, and for an extension the store does not know.
    """
    if extension not in EXTENSIONS or not _INPUT.fullmatch(name):
        raise ValueError(f"no input {name}.{extension}: there are input/0 to input/15 and their like, {EXTENSIONS}")
    return f"{folder_name(job_id)}/{name}.{extension}"


def withheld_names(job_id: JobId) -> Iterator[tuple[str, str]]:
    """Where a job's results may lie, each with where it is kept when it may not be shown."""
    for index in range(MAX_INDEX):
        for extension in EXTENSIONS:
            yield image_name(job_id, index, extension), input_name(job_id, f"withheld/{index}", extension)


def record_name(job_id: JobId) -> str:
    """A record's place."""
    return f"{folder_name(job_id)}/{RECORD}"


def record_id(record: dict[str, Any]) -> JobId:
    """The job a record is about; MalformedDocument when it does not say."""
    try:
        return parse_job_id(record["job"]["id"])
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise MalformedDocument("a record holds a job document") from error


def record_bytes(record: dict[str, Any]) -> bytes:
    """A record as it is stored."""
    return json.dumps(record, ensure_ascii=False, separators=(",", ":")).encode()


def parse_record(data: bytes, job_id: JobId) -> dict[str, Any] | None:
    """The record of a job as it was stored; None when it is another job's, MalformedDocument when it is no record."""
    try:
        document = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise MalformedDocument("a record is not valid JSON") from error
    if not isinstance(document, dict):
        raise MalformedDocument("a record is not a JSON object")
    if record_id(document) != job_id:
        log.error("this record is another job's and is not used", job_id=job_id, record_of=record_id(document))
        return None
    return document


def is_picture(data: bytes, name: str) -> bool:
    """Whether a file begins as pictures of its extension do; anything else is logged and best not used."""
    begins = data.startswith(_BEGINNINGS[name.rpartition(".")[2]])
    if not begins:
        log.error("this is no picture and is not used", name=name)
    return begins
