"""The image store in an S3-compatible bucket, through obstore. Imported only when a location says `s3://`.

Credentials, region and endpoint come from the usual AWS_* variables, from the environment or from `.env`
(AWS_ENDPOINT_URL for MinIO and the like, which may be http:// as well).
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any
from uuid import uuid4

import obstore
import structlog
from dotenv import dotenv_values
from obstore.exceptions import BaseError
from obstore.store import S3Store as Bucket

from contract.codec import job_from_document
from contract.ids import JobId
from contract.jobs import Job
from exchange.places import (
    EXTENSIONS,
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

log = structlog.get_logger(__name__)

CONNECT_TIMEOUT, TIMEOUT = "5s", "30s"
_RETRIES: Any = {"max_retries": 3, "retry_timeout": timedelta(seconds=15)}
"""The library's own patience is minutes, which a slot has not: its job waits in the queue instead."""
_METADATA = "169.254.169.254"


class S3Store:
    """Objects below a prefix of a bucket. S3 shows an object whole or not at all, so there is nothing to rename."""

    def __init__(self, bucket: str, prefix: str = "", **options: Any) -> None:
        self._place = f"s3://{bucket}/{prefix}"
        for name, value in dotenv_values(".env").items():
            if name.startswith("AWS_") and value:
                os.environ.setdefault(name, value)
        endpoint = os.environ.get("AWS_ENDPOINT_URL") or os.environ.get("AWS_ENDPOINT") or ""
        if endpoint and not re.match(r"https?://[^/\s]", endpoint):
            raise StoreUnavailable(
                f"AWS_ENDPOINT_URL is {endpoint}, which is no address: it looks like https://s3.example.org"
            )
        client = {"connect_timeout": CONNECT_TIMEOUT, "timeout": TIMEOUT, "allow_http": endpoint.startswith("http://")}
        with self._reaching():
            self._bucket = Bucket(
                bucket, prefix=prefix or None, client_options=client, retry_config=_RETRIES, **options
            )

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
                    obstore.delete(self._bucket, [name])

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
        name = f"{PROBE}/{uuid4().hex}"
        self._write(name, name.encode())
        if self._read(name, MAX_RECORD_BYTES) != name.encode():
            raise StoreUnavailable(f"the image store in {self._place} does not give back what it was given")
        with self._reaching():
            obstore.delete(self._bucket, [name])

    def delete(self, job_id: JobId) -> None:
        """See ImageStore."""
        for batch in obstore.list(self._bucket, folder_name(job_id) + "/"):
            obstore.delete(self._bucket, [entry["path"] for entry in batch])

    def untouched_since(self, moment_s: float) -> Iterator[JobId]:
        """See ImageStore."""
        newest: dict[JobId, float] = {}
        for batch in obstore.list(self._bucket):
            for entry in batch:
                job_id = job_in(entry["path"].split("/")[-2]) if "/" in entry["path"] else None
                if job_id is not None:
                    newest[job_id] = max(newest.get(job_id, 0.0), entry["last_modified"].timestamp())
        yield from (job_id for job_id, moment in sorted(newest.items()) if moment < moment_s)

    def _first(self, names: Iterable[str]) -> bytes | None:
        for name in names:
            data = self._read(name, MAX_PICTURE_BYTES)
            if data is not None and is_picture(data, name):
                return data
        return None

    def _write(self, name: str, data: bytes) -> None:
        with self._reaching():
            obstore.put(self._bucket, name, data)

    def _read(self, name: str, limit_bytes: int) -> bytes | None:
        with self._reaching():
            try:
                found = obstore.get(self._bucket, name)
            except FileNotFoundError:
                return None
            if found.meta["size"] > limit_bytes:
                log.error("this object is too large and is not read", name=name, bytes=found.meta["size"])
                return None
            return bytes(found.bytes())

    @contextmanager
    def _reaching(self) -> Iterator[None]:
        try:
            yield
        except (BaseError, OSError) as error:
            raise StoreUnavailable(f"the image store {self._place} fails: {_words(error)}") from error


def _words(error: BaseException) -> str:
    """The library's first line; what follows are its own entrails. Without credentials it asks the metadata service of
    a cloud for some, and complains of that."""
    if _METADATA in str(error):
        return "there are no credentials for it: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
    first = next((line for line in str(error).splitlines() if line.strip()), type(error).__name__)
    found = re.search(r"<Code>(\w+)</Code>", str(error))
    return f"{first.strip()[:200]} ({found[1]})" if found and found[1] not in first else first.strip()[:200]
