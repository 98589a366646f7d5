"""How pictures came about from each other, as a picture of its own: a family tree."""

from __future__ import annotations

import base64
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Literal, Self

from pydantic import Field

from contract.actions import ButtonId, Under
from contract.catalogue import Model
from contract.errors import UserError
from contract.ids import parse_job_id
from contract.jobs import Generation, Id, Index, Job, Line, Press, Request, Stage, Word
from contract.layout import Extent
from contract.prompt import Prompt

MAX_MEMBERS = 20


@dataclass(frozen=True, slots=True)
class Member:
    """A job in the tree. `parent` is the place of its parent among the members, `picture` the one that it came from;
    both are None for the first, `picture` also where it came from the whole grid."""

    id: Id
    kind: Word
    parent: Annotated[int, Field(ge=0, lt=MAX_MEMBERS)] | None = None
    picture: Index | None = None


@dataclass(frozen=True, slots=True)
class Tree(Request):
    """Its pictures are small copies of those in the store. `members` come after their parents."""

    members: Annotated[tuple[Member, ...], Field(min_length=1, max_length=MAX_MEMBERS)]
    kind: Literal["tree"] = "tree"

    under = Under.TREE
    composed = True

    def __post_init__(self) -> None:
        if any(member.parent is not None and member.parent >= place for place, member in enumerate(self.members)):
            raise ValueError("a member of a tree comes after its parent")

    @property
    def image_count(self) -> int:
        return 1

    @classmethod
    def derived(cls, job: Job, button: ButtonId, press: Press, prompt: Prompt) -> Self:
        """No button knows the members: UserError `unknown_button`."""
        raise UserError("unknown_button")

    def effort(self, source: Extent | None, model: Model) -> float:
        """Nothing is drawn by a model."""
        return 0.0

    def generations(self, seed: int, index: int) -> Line:
        return (Generation(seed, index),)

    def head(self, prompt: str, mention: str, stage: Stage) -> str:
        return f"{prompt} - Family Tree by {mention}"

    def description(self, words: str) -> str:
        return f"How {len(self.members)} results of {words} came about from each other."

    def fields(self) -> dict[str, str]:
        return {"t": "/".join(map(_kept, self.members))}

    @classmethod
    def from_fields(cls, fields: Mapping[str, str]) -> Self:
        members = tuple(map(_member, fields["t"].split("/")))
        if len(members) > MAX_MEMBERS:
            raise ValueError(f"a tree has at most {MAX_MEMBERS} members")
        return cls(members)


def _kept(member: Member) -> str:
    id = base64.urlsafe_b64encode(uuid.UUID(member.id).bytes).decode().rstrip("=")
    parent = "" if member.parent is None else str(member.parent)
    picture = "" if member.picture is None else str(member.picture)
    return f"{id}~{member.kind}~{parent}~{picture}"


def _member(text: str) -> Member:
    id, kind, parent, picture = text.split("~")
    if picture not in ("", "0", "1", "2", "3"):
        raise ValueError(f"a job has no picture {picture!r}")
    job_id = parse_job_id(str(uuid.UUID(bytes=base64.urlsafe_b64decode(id + "=="))))
    return Member(job_id, kind, int(parent) if parent else None, int(picture) if picture else None)
