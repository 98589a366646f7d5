"""Jobs as JSON, checked on arrival. Every document says its version: a newer one is handed back, never failed.

What this Easel does not know is refused, not dropped: an unknown kind is a newer version's, an unknown field is an
error. So a change of these documents changes `JOB_VERSION`, and a test holds the two together by `schemas`. A new kind
does not: workers that do not know it hand its jobs back and take all others.
"""

from __future__ import annotations

import json
import re
from dataclasses import fields
from functools import reduce
from operator import or_
from typing import Annotated, Any, get_type_hints

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, create_model
from pydantic_core import ErrorDetails

from contract.errors import MalformedDocument, NewerVersion
from contract.jobs import Ancestor, Job
from contract.kinds import KINDS
from contract.prompt import ECHO_LIMIT

JOB_VERSION = 4

_STRICT = ConfigDict(extra="forbid", allow_inf_nan=False)
_BREAKS_A_MESSAGE = re.compile(r"[\n\r]|(?<!\\)\*\*")


def _body(of: type, *, without: str = "", **hints: Any) -> type[BaseModel]:
    """A dataclass field by field; `hints` in place of its own."""
    hints = {**get_type_hints(of, include_extras=True), **hints}
    kept: dict[str, Any] = {name: (hint, ...) for name, hint in hints.items() if name != without}
    return create_model(of.__name__, __config__=_STRICT, **kept)


_REQUEST: Any = Annotated[reduce(or_, KINDS.values()), Field(discriminator="kind")]
_ANCESTOR: Any = _body(Ancestor, request=_REQUEST)
_BODY = _body(Job, request=_REQUEST, ancestors=tuple[_ANCESTOR, ...])


def encode_job(job: Job) -> str:
    """`job` as one line of JSON."""
    return json.dumps(job_document(job), separators=(",", ":"), ensure_ascii=False)


def job_document(job: Job) -> dict[str, Any]:
    """`job` as a JSON object, for documents that hold more than the job."""
    ancestors = tuple(_ANCESTOR.model_construct(**_values(made)) for made in job.ancestors)
    body = _BODY.model_construct(**{**_values(job), "ancestors": ancestors})
    return {"version": JOB_VERSION, "job": body.model_dump(mode="json")}


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
            return _read({"plan": None, "ancestors": [], "screening": None, **body})
        case {"version": 2, "job": dict(body)}:
            return _read({"ancestors": [], "screening": None, **body, "plan": None})
        case {"version": 3, "job": dict(body)}:  # its plans did not say what steers a picture: they are made again
            return _read({"screening": None, **body, "plan": None})
        case {"version": 4, "job": dict(body)}:
            return _read(body)
        case _:
            raise MalformedDocument("a job document has a version and a job")


def schemas() -> dict[str, dict[str, Any]]:
    """The JSON schemas of what is written: of each kind's request by its name, and of all the rest as `job`
    and `ancestor`."""
    kinds = {name: TypeAdapter(kind).json_schema(mode="serialization") for name, kind in KINDS.items()}
    bodies = {
        "job": _body(Job, without="request", ancestors=Any),
        "ancestor": _body(Ancestor, without="request"),
    }
    return {**{name: body.model_json_schema(mode="serialization") for name, body in bodies.items()}, **kinds}


def _values(of: Job | Ancestor) -> dict[str, Any]:
    return {field.name: getattr(of, field.name) for field in fields(of)}


def _read(body: dict[str, Any]) -> Job:
    try:
        read = _BODY.model_validate(body)
    except ValidationError as error:
        for detail in error.errors():
            if _is_unknown_kind(detail):
                raise NewerVersion(f"a job of a kind this Easel does not know: {detail['msg']}") from error
        raise MalformedDocument(f"not a job: {error.error_count()} fields are wrong: {_where(error)}") from error
    ancestors = tuple(Ancestor(**dict(made)) for made in getattr(read, "ancestors"))  # noqa: B009 - a made model
    job = Job(**{**dict(read), "ancestors": ancestors})
    if len(job.prompt.echo) > ECHO_LIMIT or _BREAKS_A_MESSAGE.search(job.prompt.echo):
        raise MalformedDocument("not a job: its echo does not fit into a message")
    if min(job.prompt.parameters.aspect or (1,)) < 1:
        raise MalformedDocument("not a job: its pictures would have no sides")
    return job


def _is_unknown_kind(detail: ErrorDetails) -> bool:
    """Of a union pydantic says so; where there is only one kind yet, as of destinations, its literal does not match."""
    return detail["type"] == "union_tag_invalid" or (detail["type"] == "literal_error" and detail["loc"][-1] == "kind")


def _where(error: ValidationError) -> str:
    return ", ".join(".".join(map(str, detail["loc"])) for detail in error.errors()[:5])
