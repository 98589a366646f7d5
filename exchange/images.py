"""The image store: a job's pictures and, beside them, its record. A folder by default, S3 when hosts are several.

Names are `<first two of id>/<id>/<index>.<extension>` and `<...>/<id>/record.json`. A picture is whole or not there.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlsplit
from uuid import uuid4

from contract.codec import job_from_document
from contract.errors import MalformedDocument
from contract.ids import JobId, parse_job_id
from contract.jobs import Job

EXTENSIONS = ("png", "webp", "jpg")
RECORD = "record.json"
MAX_INDEX = 16


class ImageStore(Protocol):
    """Pictures and records by job. Every method blocks; use it from a thread."""

    def put_image(self, job_id: JobId, index: int, data: bytes, extension: str = "png") -> None:
        """Keep picture `index` (from 0) of a job, replacing one that was there. `extension`: png, webp or jpg."""

    def get_image(self, job_id: JobId, index: int) -> bytes | None:
        """The file of a picture; None when the store has none."""

    def put_record(self, record: dict[str, Any]) -> None:
        """Keep a job's record: `contract.codec.job_document(job)`, with further JSON values beside it."""

    def get_record(self, job_id: JobId) -> Job | None:
        """The job whose record is kept; None when there is none. Errors as `contract.codec.decode_job`."""

    def get_document(self, job_id: JobId) -> dict[str, Any] | None:
        """The whole record; None when there is none."""

    def delete(self, job_id: JobId) -> None:
        """Forget a job's pictures and record. Harmless to repeat."""

    def untouched_since(self, moment_s: float) -> Iterator[JobId]:
        """The jobs of which nothing was written since a Unix time in seconds. Walks the whole store."""


def open_store(location: str) -> ImageStore:
    """The store at `location`: a folder's path, or `s3://bucket/prefix` (needs the extra `s3`)."""
    parts = urlsplit(location)
    if parts.scheme == "s3":
        from exchange.s3 import S3Store

        return S3Store(parts.netloc, parts.path.strip("/"))
    return FolderStore(Path(parts.path if parts.scheme == "file" else location))


class FolderStore:
    """Files below a folder, written beside their place and moved there, so that nobody ever reads half a picture."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def put_image(self, job_id: JobId, index: int, data: bytes, extension: str = "png") -> None:
        """See ImageStore."""
        self._write(self.root / image_name(job_id, index, extension), data)

    def get_image(self, job_id: JobId, index: int) -> bytes | None:
        """See ImageStore."""
        for extension in EXTENSIONS:
            data = _read(self.root / image_name(job_id, index, extension))
            if data is not None:
                return data
        return None

    def put_record(self, record: dict[str, Any]) -> None:
        """See ImageStore."""
        self._write(self.root / record_name(record_id(record)), record_bytes(record))

    def get_record(self, job_id: JobId) -> Job | None:
        """See ImageStore."""
        document = self.get_document(job_id)
        return None if document is None else job_from_document(document)

    def get_document(self, job_id: JobId) -> dict[str, Any] | None:
        """See ImageStore."""
        data = _read(self.root / record_name(job_id))
        return None if data is None else parse_record(data)

    def delete(self, job_id: JobId) -> None:
        """See ImageStore."""
        shutil.rmtree(self.root / folder_name(job_id), ignore_errors=True)

    def untouched_since(self, moment_s: float) -> Iterator[JobId]:
        """See ImageStore."""
        for folder in sorted(self.root.glob("??/*")):
            job_id = job_in(folder.name)
            # A folder's own time changes whenever a file in it is put in place.
            if job_id is not None and folder.stat().st_mtime < moment_s:
                yield job_id

    def _write(self, path: Path, data: bytes) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_name(f".{path.name}.{uuid4().hex}")
        try:
            with open(temporary, "xb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            os.replace(temporary, path)
        finally:
            temporary.unlink(missing_ok=True)


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


def parse_record(data: bytes) -> dict[str, Any]:
    """A stored record; MalformedDocument when it is none."""
    try:
        document = json.loads(data)
    except ValueError as error:
        raise MalformedDocument("a record is not valid JSON") from error
    if not isinstance(document, dict):
        raise MalformedDocument("a record is not a JSON object")
    return document


def _read(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None
