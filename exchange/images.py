"""The image store: a job's pictures and, beside them, its record. A folder by default, S3 when hosts are several.

Results are known by their index, what a job was made from by a name: `input/0`, `mask`, `control` (`exchange.places`).
A picture is whole or not there.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlsplit
from uuid import uuid4

from contract.codec import job_from_document
from contract.ids import JobId
from contract.jobs import Job
from exchange.confined import FOREIGN, ConfinedFolder
from exchange.places import (
    EXTENSIONS,
    MAX_INDEX,
    MAX_PICTURE_BYTES,
    MAX_RECORD_BYTES,
    PROBE,
    StoreUnavailable,
    folder_name,
    image_name,
    input_name,
    is_picture,
    job_in,
    parse_record,
    record_bytes,
    record_id,
    record_name,
    withheld_names,
)

__all__ = ["MAX_INDEX", "FolderStore", "ImageStore", "StoreUnavailable", "open_store"]


class ImageStore(Protocol):
    """Pictures and records by job. Every method blocks; use it from a thread.

    StoreUnavailable when the store cannot be reached, is full or refuses.
    """

    def put_image(self, job_id: JobId, index: int, data: bytes, extension: str = "png") -> None:
        """Keep picture `index` (from 0) of a job, replacing one that was there. `extension`: png, webp or jpg."""

    def get_image(self, job_id: JobId, index: int) -> bytes | None:
        """The file of a picture; None when the store has none, or something else in its place."""

    def put_input(self, job_id: JobId, name: str, data: bytes, extension: str = "png") -> None:
        """Keep a picture that a job is made from, as `input/0` to `input/15`, `upload/0` to `upload/15`, `mask` or
        `control`."""

    def get_input(self, job_id: JobId, name: str) -> bytes | None:
        """The file of such a picture; None when the store has none."""

    def withhold(self, job_id: JobId) -> None:
        """Put a job's results out of sight: only `get_input(job_id, "withheld/0")` and so on has them from now on."""

    def put_record(self, record: dict[str, Any]) -> None:
        """Keep a job's record: `contract.codec.job_document(job)`, with further JSON values beside it."""

    def get_record(self, job_id: JobId) -> Job | None:
        """The job whose record is kept; None when there is none. Errors as `contract.codec.decode_job`."""

    def get_document(self, job_id: JobId) -> dict[str, Any] | None:
        """The whole record; None when there is none."""

    def check(self) -> None:
        """Write a small file, read it back and delete it. StoreUnavailable says what is wrong."""

    def delete(self, job_id: JobId) -> None:
        """Forget a job's pictures and record. Harmless to repeat."""

    def untouched_since(self, moment_s: float) -> Iterator[JobId]:
        """The jobs of which nothing was written since a Unix time in seconds. Walks the whole store."""


def open_store(location: str) -> ImageStore:
    """The store at `location`: a folder's path, or `s3://bucket/prefix` (needs the extra `s3`).

    StoreUnavailable for any other kind of address. Nothing is opened yet; `check` tells whether it works.
    """
    parts = urlsplit(location)
    if parts.scheme not in ("", "file", "s3") and "://" in location:
        raise StoreUnavailable(f"IMAGE_STORE is a folder or s3://bucket/prefix, not an address with {parts.scheme}://")
    if parts.scheme == "s3":
        from exchange.s3 import S3Store

        if not parts.netloc:
            raise StoreUnavailable("IMAGE_STORE names no bucket: it looks like s3://bucket/prefix")
        return S3Store(parts.netloc, parts.path.strip("/"))
    folder = parts.path if parts.scheme == "file" else location
    if (parts.scheme == "file" and parts.netloc) or not folder.strip("/"):
        raise StoreUnavailable(
            f"IMAGE_STORE is {location}, which names no folder: it looks like /var/lib/easel/images or s3://bucket/prefix"
        )
    try:
        return FolderStore(Path(folder).expanduser())
    except RuntimeError as error:
        raise StoreUnavailable(f"IMAGE_STORE is {location}, and nobody of that name has a home here") from error


class FolderStore:
    """Files below a folder, written beside their place and moved there, so that nobody ever reads half a picture."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._files = ConfinedFolder(root)

    def put_image(self, job_id: JobId, index: int, data: bytes, extension: str = "png") -> None:
        """See ImageStore."""
        self._write(image_name(job_id, index, extension), data)

    def get_image(self, job_id: JobId, index: int) -> bytes | None:
        """See ImageStore."""
        return self._first(image_name(job_id, index, extension) for extension in EXTENSIONS)

    def put_input(self, job_id: JobId, name: str, data: bytes, extension: str = "png") -> None:
        """See ImageStore."""
        self._write(input_name(job_id, name, extension), data)

    def get_input(self, job_id: JobId, name: str) -> bytes | None:
        """See ImageStore."""
        return self._first(input_name(job_id, name, extension) for extension in EXTENSIONS)

    def withhold(self, job_id: JobId) -> None:
        """See ImageStore."""
        for name, withheld in withheld_names(job_id):
            data = self._read(name, MAX_PICTURE_BYTES)
            if data is not None:
                self._write(withheld, data)
                with self._reaching():
                    self._files.remove(name)

    def put_record(self, record: dict[str, Any]) -> None:
        """See ImageStore."""
        self._write(record_name(record_id(record)), record_bytes(record))

    def get_record(self, job_id: JobId) -> Job | None:
        """See ImageStore."""
        document = self.get_document(job_id)
        return None if document is None else job_from_document(document)

    def get_document(self, job_id: JobId) -> dict[str, Any] | None:
        """See ImageStore."""
        data = self._read(record_name(job_id), MAX_RECORD_BYTES)
        return None if data is None else parse_record(data, job_id)

    def check(self) -> None:
        """See ImageStore."""
        folder = f"{PROBE}-{uuid4().hex}"  # its own: processes that start together do not take it from each other
        name = f"{folder}/0"
        try:
            self._write(name, name.encode())
            if self._read(name, MAX_RECORD_BYTES) != name.encode():
                raise StoreUnavailable(f"the image store in {self.root} does not give back what it was given")
        except OSError as error:
            raise StoreUnavailable(f"the image store in {self.root} fails: {error.strerror or error}") from error
        finally:
            self._files.delete(folder)

    def delete(self, job_id: JobId) -> None:
        """See ImageStore."""
        self._files.delete(folder_name(job_id))

    def untouched_since(self, moment_s: float) -> Iterator[JobId]:
        """See ImageStore."""
        for name, changed_s in self._files.folders():
            job_id = job_in(name.rpartition("/")[2])
            # A folder's own time changes whenever a file in it is put in place.
            if job_id is not None and changed_s < moment_s:
                yield job_id

    def _first(self, names: Iterable[str]) -> bytes | None:
        for name in names:
            data = self._read(name, MAX_PICTURE_BYTES)
            if data is not None and is_picture(data, name):
                return data
        return None

    def _write(self, name: str, data: bytes) -> None:
        with self._reaching():
            self._files.write(name, data)

    def _read(self, name: str, limit_bytes: int) -> bytes | None:
        with self._reaching():
            return self._files.read(name, limit_bytes)

    @contextmanager
    def _reaching(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            if error.errno in FOREIGN:
                raise  # one entry is not ours; the store is well
            raise StoreUnavailable(f"the image store in {self.root} fails: {error.strerror or error}") from error
