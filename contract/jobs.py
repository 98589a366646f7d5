"""Jobs: frozen values that can be logged, stored, retried and compared. `contract.derive` makes one from another.

A job knows nothing about queues, messages or GPUs. Indices count from 0 here; only `contract.messages` counts from 1.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Literal

from contract.ids import JobId, seed_of
from contract.prompt import Context, Prompt, parse

GRID_SIZE = 4
"""Pictures in a grid, as Midjourney has it: two rows of two."""


class Speed(StrEnum):
    """How a job wants to be served. The values are Midjourney's flag names; `contract.messages` has the shown words."""

    FAST = "fast"
    RELAX = "relax"
    TURBO = "turbo"


class Strength(StrEnum):
    """How far a variation departs from its source. Subtle is nearer than strong, strong nearer than a re-roll."""

    SUBTLE = "subtle"
    STRONG = "strong"


@dataclass(frozen=True, slots=True)
class Generation:
    """One generation of a picture's start noise.

    The noise of image `index` under `seed`; when `strength` is given it is mixed into the noise of the generation
    before, else it starts the line. A whole line of them rebuilds any picture from numbers alone.
    """

    seed: int
    index: int
    strength: Strength | None = None


@dataclass(frozen=True, slots=True)
class Imagine:
    """Four pictures of a prompt from fresh noise; a re-roll is the same with another seed."""

    kind: Literal["imagine"] = "imagine"


@dataclass(frozen=True, slots=True)
class Variation:
    """Four pictures near one picture. `source` is that picture's line of generations, oldest first."""

    strength: Strength
    source: tuple[Generation, ...]
    kind: Literal["variation"] = "variation"


@dataclass(frozen=True, slots=True)
class Upscale:
    """One picture of a grid, posted alone at full size (U1-U4). `index` is its place in the parent job."""

    index: int
    source: tuple[Generation, ...]
    kind: Literal["upscale"] = "upscale"


Request = Imagine | Variation | Upscale


def surprise(context: Context = Context()) -> Prompt:  # noqa: B008 - a frozen value
    """The prompt of no words at all: the model draws what it likes (unconditional sampling).

    `context` brings the person's version and settings.
    """
    return replace(parse("surprise me", context).prompts[0], parts=())


@dataclass(frozen=True, slots=True)
class User:
    """Who asked: a Discord user id and the name that goes into file names."""

    id: int
    name: str


@dataclass(frozen=True, slots=True)
class DiscordChannel:
    """A destination: a channel, and the message that the result answers, if any."""

    channel_id: int
    guild_id: int | None = None
    reply_to: int | None = None
    kind: Literal["discord"] = "discord"


Destination = DiscordChannel
"""Where results go. Other front doors become a union with their own `kind`."""


@dataclass(frozen=True, slots=True)
class Parent:
    """The job this one was made from; `index` is the picture it started from, None when it was the whole grid."""

    id: JobId
    index: int | None = None


@dataclass(frozen=True, slots=True)
class Job:
    """One piece of work: what to make, for whom, and where it goes.

    `model` is a name in the catalogue. `created_ms` is Unix time in milliseconds, handed in by the caller.
    """

    id: JobId
    request: Request
    prompt: Prompt
    model: str
    user: User
    destination: Destination
    created_ms: int
    speed: Speed = Speed.FAST
    stealth: bool = False
    locale: str = "en-US"
    parent: Parent | None = None

    @property
    def seed(self) -> int:
        """The 32-bit seed; the id is the one place it is kept."""
        return seed_of(self.id)

    @property
    def image_count(self) -> int:
        """Pictures this job makes: 1 for an upscale, else 4."""
        return 1 if isinstance(self.request, Upscale) else GRID_SIZE

    def generations(self, index: int) -> tuple[Generation, ...]:
        """The line of generations of picture `index` (from 0), oldest first; IndexError when there is none."""
        if not 0 <= index < self.image_count:
            raise IndexError(f"job {self.id} has {self.image_count} pictures, there is no index {index}")
        match self.request:
            case Imagine():
                return (Generation(self.seed, index),)
            case Variation(strength=strength, source=source):
                return (*source, Generation(self.seed, index, strength))
            case Upscale(source=source):
                return source
