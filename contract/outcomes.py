"""How the work on a job ended, and the states a job goes through: values, with their JSON.

The outcome is what a worker says of a job and what its delivery acts on. On the wire it is a JSON object whose `state`
names the class; an outcome of a newer Easel is handed back, as a newer job is.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError

from contract.errors import MalformedDocument, NewerVersion, UserError, Value
from contract.remarks import Remark


class JobState(StrEnum):
    """Where a job stands, from acceptance to its end. The values stand in Redis and in logs."""

    HELD = "held"
    """Accepted; waits for its acknowledgement in the channel."""
    QUEUED = "queued"
    RUNNING = "running"
    RENDERED = "rendered"
    """Its work is done, its message is not posted yet."""
    DELIVERING = "delivering"
    DELIVERED = "delivered"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def ended(self) -> bool:
        """Whether nothing follows."""
        return self in (JobState.DELIVERED, JobState.FAILED, JobState.CANCELLED)


class Fault(StrEnum):
    """Why a job failed through no fault of the person who asked."""

    ERROR = "error"
    TIMEOUT = "timeout"
    WORKER_LOST = "worker_lost"


@dataclass(frozen=True, slots=True)
class Stored:
    """Nothing had to be made: the pictures were there when the job was accepted."""

    state: Literal["stored"] = "stored"


@dataclass(frozen=True, slots=True)
class Done:
    """The pictures are in the store. `gpu_s` is what they took; 0 when they were drawn before.

    `remarks` are told with them.
    """

    gpu_s: float = 0.0
    remarks: tuple[Remark, ...] = ()
    state: Literal["done"] = "done"


@dataclass(frozen=True, slots=True)
class Texts:
    """The result is words, such as four descriptions of a picture. `gpu_s` and `remarks` as in `Done`.

    `influence` is how much each word of the prompt does, from 0 to 1, where that was measured.
    """

    texts: tuple[str, ...]
    gpu_s: float = 0.0
    influence: tuple[float, ...] = ()
    remarks: tuple[Remark, ...] = ()
    state: Literal["texts"] = "texts"


@dataclass(frozen=True, slots=True)
class Refused:
    """Something the person can mend, found after the job was accepted: a `UserError` as values."""

    kind: str
    values: Mapping[str, Value] = field(default_factory=dict, hash=False)
    state: Literal["refused"] = "refused"

    @classmethod
    def by(cls, error: UserError) -> Refused:
        """The outcome that says what `error` says."""
        return cls(error.kind, dict(error.values))

    @property
    def error(self) -> UserError:
        """The error that caused it."""
        return UserError(self.kind, **self.values)


@dataclass(frozen=True, slots=True)
class Failed:
    """Our fault. `reason` is for the log and the operator."""

    reason: Fault
    state: Literal["failed"] = "failed"


@dataclass(frozen=True, slots=True)
class Cancelled:
    """Its user or an operator ended it."""

    state: Literal["cancelled"] = "cancelled"


Outcome = Stored | Done | Texts | Refused | Failed | Cancelled

_OUTCOME: TypeAdapter[Outcome] = TypeAdapter(
    Annotated[Outcome, Field(discriminator="state")], config=ConfigDict(extra="forbid")
)


def encode_outcome(outcome: Outcome) -> str:
    """`outcome` as one line of JSON."""
    return _OUTCOME.dump_json(outcome).decode()


def decode_outcome(document: object) -> Outcome:
    """The outcome in a line of JSON, or in a JSON object (as version 0.1 wrote them; an empty one is `Stored`).

    NewerVersion when a newer Easel wrote it, MalformedDocument when it is no outcome at all.
    """
    if isinstance(document, str | bytes):
        try:
            document = json.loads(document)
        except (ValueError, RecursionError) as error:
            raise MalformedDocument("an outcome is not valid JSON") from error
    if document == {}:
        return Stored()
    try:
        return _OUTCOME.validate_python(document)
    except ValidationError as error:
        [detail, *_] = error.errors()
        if detail["type"] == "union_tag_invalid":
            raise NewerVersion(f"an outcome this Easel does not know: {detail['ctx']['tag']}") from error
        raise MalformedDocument(f"not an outcome: {'.'.join(map(str, detail['loc']))}: {detail['msg']}") from error
