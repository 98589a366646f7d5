"""Jobs as JSON, checked on arrival. Every document says its version: a newer one is handed back, never failed."""

from __future__ import annotations

import json
from typing import Any

from pydantic import TypeAdapter, ValidationError

from contract.errors import MalformedDocument, NewerVersion
from contract.jobs import Job

JOB_VERSION = 1

_JOB: TypeAdapter[Job] = TypeAdapter(Job)


def encode_job(job: Job) -> str:
    """`job` as one line of JSON."""
    return json.dumps(job_document(job), separators=(",", ":"), ensure_ascii=False)


def job_document(job: Job) -> dict[str, Any]:
    """`job` as a JSON object, for documents that hold more than the job."""
    return {"version": JOB_VERSION, "job": _JOB.dump_python(job, mode="json")}


def decode_job(text: str | bytes) -> Job:
    """The job in `text`. NewerVersion when a newer Easel wrote it, MalformedDocument when it is no job at all."""
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise MalformedDocument("a job is not valid JSON") from error
    return job_from_document(document)


def job_from_document(document: object) -> Job:
    """The job in a JSON object made by `job_document`; errors as `decode_job`."""
    match document:
        case {"version": int(version)} if version > JOB_VERSION:
            raise NewerVersion(f"a job of version {version}; this Easel reads up to {JOB_VERSION}")
        case {"version": 1, "job": dict(body)}:
            try:
                return _JOB.validate_python(body)
            except ValidationError as error:
                raise MalformedDocument(
                    f"not a job: {error.error_count()} fields are wrong: {_where(error)}"
                ) from error
        case _:
            raise MalformedDocument("a job document has a version and a job")


def _where(error: ValidationError) -> str:
    return ", ".join(".".join(map(str, detail["loc"])) for detail in error.errors()[:5])
