"""Jobs: frozen values that can be logged, stored, retried and compared. `contract.derive` makes one from another.

A job knows nothing about queues, messages or GPUs, and no kind of job is named here: what a kind needs and shows is
answered by its `Request` (`contract.kinds`). Indices count from 0; only what people and clients read counts from 1.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Annotated, ClassVar, Literal, Self

from pydantic import AfterValidator, Field, StringConstraints

from contract.actions import ButtonId, Under
from contract.catalogue import Model
from contract.ids import MAX_SEED, JobId, parse_job_id, seed_of
from contract.layout import Extent, native_extent
from contract.moderation import Screening
from contract.plan import Plan
from contract.prompt import Context, Prompt, parse

GRID_SIZE = 4
"""Pictures in a grid, as Midjourney has it: two rows of two."""


# What a document may hold; `contract.codec` refuses the rest.
Seed = Annotated[int, Field(ge=0, le=MAX_SEED)]
Index = Annotated[int, Field(ge=0, lt=GRID_SIZE)]
Snowflake = Annotated[int, Field(ge=0, lt=1 << 64)]
Word = Annotated[str, StringConstraints(max_length=100)]
Id = Annotated[JobId, AfterValidator(parse_job_id)]


class Speed(StrEnum):
    """How a job wants to be served. The values are Midjourney's flag names; `contract.messages` has the shown words."""

    FAST = "fast"
    RELAX = "relax"
    TURBO = "turbo"


class Queue(StrEnum):
    """Where a job's work is done, once it is accepted."""

    INTAKE = "intake"
    """Pictures are fetched first; its rendering follows."""
    RENDER = "render"
    """By a slot with a model."""
    DELIVER = "deliver"
    """Nothing is left to be made but the message."""


class Stage(StrEnum):
    """A message's place in the life of its job."""

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"


# ── generations ─────────────────────────────────────────────────────────────────────────────────────────────────────


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

    seed: Seed
    index: Index
    strength: Strength | None = None


Line = tuple[Generation, ...]
"""A picture's generations, oldest first; only the first has no strength."""

_GENERATION = re.compile(r"(?P<seed>[0-9a-f]{8})\.(?P<index>[0-3])(?P<strength>[s+]?)")
_MARKS = {Strength.SUBTLE: "s", Strength.STRONG: "+"}
_STRENGTHS = {mark: strength for strength, mark in _MARKS.items()}


def format_line(line: Sequence[Generation]) -> str:
    """`line` as text: `<seed in hex>.<index>` each, from the second on with a mark of the strength it departed with
    (`s` subtle, `+` strong): `0000002a.2,1c9b2f00.0+`."""
    return ",".join(f"{g.seed:08x}.{g.index}{_MARKS[g.strength] if g.strength else ''}" for g in line)


def parse_line(text: str) -> Line:
    """The line in a text of `format_line`; ValueError when it is none."""
    generations = []
    for position, item in enumerate(text.split(",")):
        found = _GENERATION.fullmatch(item)
        if not found or bool(found["strength"]) != (position > 0):
            raise ValueError(f"{item!r} is not generation {position} of a line")
        generations.append(Generation(int(found["seed"], 16), int(found["index"]), _STRENGTHS.get(found["strength"])))
    return tuple(generations)


# ── who and where ───────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class User:
    """Who asked: a Discord user id and the name that goes into file names."""

    id: Snowflake
    name: Word


@dataclass(frozen=True, slots=True)
class DiscordChannel:
    """A destination: a channel, and the message that the result answers, if any."""

    channel_id: Snowflake
    guild_id: Snowflake | None = None
    reply_to: Snowflake | None = None
    kind: Literal["discord"] = "discord"

    def answering(self, message_id: int | None) -> Self:
        """The same place, as an answer to a message there."""
        return replace(self, reply_to=message_id)


@dataclass(frozen=True, slots=True)
class Program:
    """A destination: a program that asked over HTTP. Its results wait in the store; `webhook` (https) hears of the end.

    `key_id` names the key it asked with.
    """

    key_id: Word
    webhook: Annotated[str, Field(max_length=500)] | None = None
    kind: Literal["program"] = "program"

    @property
    def guild_id(self) -> None:
        """Programs are in no guild."""
        return None

    def answering(self, message_id: int | None) -> Self:
        """The same place: there are no messages to answer."""
        return self


Destination = Annotated[DiscordChannel | Program, Field(discriminator="kind")]
"""Where results go: each front door has its own, told apart by `kind`."""


def channel_of(destination: Destination) -> DiscordChannel:
    """The channel that a destination is; ValueError for a place that is none of Discord's."""
    if not isinstance(destination, DiscordChannel):
        raise ValueError(f"{destination.kind} is no channel")
    return destination


@dataclass(frozen=True, slots=True)
class Parent:
    """The job this one was made from; `index` is the picture it started from, None when it was the whole grid."""

    id: Id
    index: Index | None = None


@dataclass(frozen=True, slots=True)
class Chosen:
    """A part of a picture that somebody chose, and how much may change there.

    `cells` are bits, one for each of its five rows of five, in reading order, the lowest first. `painted` is a link to
    a copy in which the part is painted over, of `size` pixels (width, height) where that is known.
    """

    cells: int
    painted: str | None = None
    how: Strength = Strength.STRONG
    size: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class Press:
    """What a press on a button brings, beside the button itself.

    `interaction_id` makes the next job's id: the same press makes the same job, and `ordinal` tells the jobs of one
    press apart. `fingerprint` names the model that draws now (`Model.fingerprint`). `seed` is the next job's seed, None
    to draw one from the interaction. `strength` is how far the person's variations depart where the button does not
    say, `region` what its form chose. `created_ms` is Unix time. `kind` and `drawer`, where they are set, stand in for
    the kind that the button makes, and for the model of the job that it is about (`Row.rather`).
    """

    interaction_id: int
    fingerprint: int
    user: User
    destination: Destination
    created_ms: int
    seed: int | None = None
    speed: Speed = Speed.FAST
    stealth: bool = False
    strength: Strength = Strength.STRONG
    locale: str = "en-US"
    ordinal: int = 0
    region: Chosen | None = None
    kind: str | None = None
    drawer: Model | None = None


# ── jobs ────────────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Said:
    """Texts as they are shown: in Markdown, and what stands below them in small letters."""

    description: str
    footer: str | None = None


class Request(ABC):
    """What a job is to make. One subclass a kind, a frozen dataclass whose field `kind` is its name on the wire."""

    __slots__ = ()

    kind: str

    queue: ClassVar[Queue] = Queue.RENDER
    """Where it is made, its pictures from the web being there."""
    under: ClassVar[Under] = Under.GRID
    """What sort of result it has: the buttons of that sort stand under it."""
    needs: ClassVar[frozenset[str]] = frozenset()
    """Words that a model has to honour (`contract.catalogue`), for this kind to be offered and accepted."""
    keeps_picture: ClassVar[bool] = False
    """Whether its picture is one that its parent has already: it keeps seed and model, and may lie in the store."""
    shows_mode: ClassVar[bool] = True
    """Whether the finished message ends in `(fast)`."""
    from_picture: ClassVar[bool] = False
    """Whether it starts from the pixels of another job's picture: `Job.ancestors` say of which."""
    words_alone: ClassVar[bool] = False
    """Whether of its prompt the words alone count: its parameters and pictures say how the picture was to be drawn that
    it starts from."""
    composed: ClassVar[bool] = False
    """Whether its picture is put together from several that were drawn."""
    remark: ClassVar[str] = ""
    """What is said of a job that is made from it: an entry `remark.…` of the books."""
    in_place: ClassVar[bool] = False
    """Whether its result, which is texts, becomes the words of the message that waits for it. Clients take the first
    change of that message for the result, so it shows no progress."""

    @property
    @abstractmethod
    def image_count(self) -> int:
        """Pictures that come out."""

    @property
    def choices(self) -> int:
        """How many things there are in its result that a button can be about."""
        return self.image_count

    @property
    def options(self) -> tuple[str, ...]:
        """What can be chosen from a menu under its result, in words."""
        return ()

    def prompt_of(self, choice: int | None, prompt: Prompt) -> Prompt:
        """The prompt of what a button is about (from 0), under a result with this prompt."""
        return prompt

    @property
    def takes_quality(self) -> bool:
        """Whether `--quality` buys steps here."""
        return False

    def from_noise(self, ancestors: Sequence[Ancestor]) -> bool:
        """Whether a model draws its pictures from noise, not over the picture that it starts from."""
        return not self.from_picture

    @property
    def step_share(self) -> float:
        """The share of the usual steps that its pictures are drawn with."""
        return 1.0

    @property
    def takes_ratio(self) -> bool:
        """Whether `--ar` decides the shape of its pictures."""
        return not self.from_picture

    @property
    def links(self) -> tuple[str, ...]:
        """Pictures of the web that it starts from, beside those of the prompt."""
        return ()

    @property
    def origin(self) -> Line:
        """The line of the picture that it starts from; empty when it starts from nothing."""
        return ()

    def effort(self, source: Extent | None, model: Model) -> float:
        """What it takes of `model`, counted in pictures that are drawn with all steps."""
        return self.image_count

    @classmethod
    def possible(cls, job: Job, argument: str) -> bool:
        """Whether a button with this argument makes sense under the result of `job`."""
        return True

    @classmethod
    def grown(cls, source: Extent, argument: str) -> Extent:
        """The size that such a button makes of a picture of that size."""
        return source

    @classmethod
    @abstractmethod
    def derived(cls, job: Job, button: ButtonId, press: Press, prompt: Prompt) -> Request:
        """What a press on `button` under the result of `job` asks for, with these words."""

    def varied(self, strength: Strength, line: Line) -> Request | None:
        """The same near one of its pictures, which has this line; None when the line alone is enough to make that."""
        return None

    def repeated(self) -> Request:
        """The same again (🔄). UserError when that cannot be."""
        return self

    def extent(self, source: Extent | None, aspect: tuple[int, int] | None) -> Extent:
        """The size of its pictures. `source` is the size of the picture it is made from, `aspect` its prompt's."""
        return source if self.keeps_picture and source is not None else native_extent(aspect)

    def drawn(self, source: Extent | None, aspect: tuple[int, int] | None) -> Extent:
        """The size of what is drawn at once for them."""
        return native_extent(aspect)

    @abstractmethod
    def generations(self, seed: int, index: int) -> Line:
        """The line of picture `index` under the job's seed."""

    @abstractmethod
    def head(self, prompt: str, mention: str, stage: Stage) -> str:
        """The words of its message before the round brackets. `prompt` comes in bold, `mention` is who asked."""

    @abstractmethod
    def description(self, words: str) -> str:
        """A sentence on what is to be seen, for screen readers. `words` are the prompt's."""

    def said(self, prompt: Prompt, texts: Sequence[str], influence: Sequence[float]) -> Said:
        """How its texts are shown. `influence` as in `contract.outcomes.Texts`. ValueError for kinds that draw."""
        raise ValueError(f"a job of the kind {self.kind} makes no texts")

    @abstractmethod
    def fields(self) -> dict[str, str]:
        """What a caption has to keep of it (`contract.lineage`): one letter each, values without `;`, `[` and `]`.

        `k`, `m` and `w` are taken.
        """

    @classmethod
    @abstractmethod
    def from_fields(cls, fields: Mapping[str, str]) -> Self:
        """What `fields` kept. KeyError or ValueError when it is not that."""


@dataclass(frozen=True, slots=True)
class Ancestor:
    """A job of whose picture `index` another is made: what it takes to find or draw that picture again."""

    id: Id
    index: Index
    request: Request
    prompt: Prompt


@dataclass(frozen=True, slots=True)
class Job:
    """One piece of work: what to make, for whom, and where it goes.

    `model` is a name in the catalogue. `created_ms` is Unix time in milliseconds, handed in by the caller. `plan` is
    None until the job is accepted, and in what version 0.1 accepted or a message alone gave back. `ancestors` are the
    pictures that it starts from, each made from the one before; none for what starts from noise. `screening` is what
    the policy said of it, None until it is accepted.
    """

    id: Id
    request: Request
    prompt: Prompt
    model: Word
    user: User
    destination: Destination
    created_ms: int
    speed: Speed = Speed.FAST
    stealth: bool = False
    locale: Word = "en-US"
    parent: Parent | None = None
    plan: Plan | None = None
    ancestors: tuple[Ancestor, ...] = ()
    screening: Screening | None = None

    @property
    def seed(self) -> int:
        """The 32-bit seed; the id is the one place it is kept."""
        return seed_of(self.id)

    @property
    def image_count(self) -> int:
        """Pictures this job makes."""
        return self.request.image_count

    @property
    def links(self) -> tuple[str, ...]:
        """Pictures of the web that it is made from: those of the prompt, in its order, then its kind's own."""
        return (*(() if self.request.words_alone else self.prompt.links), *self.request.links)

    @property
    def queue(self) -> Queue:
        """Where its work begins. What lies in the store already needs no picture from the web."""
        return Queue.INTAKE if self.links and self.request.queue is Queue.RENDER else self.request.queue

    def generations(self, index: int) -> Line:
        """The line of generations of picture `index` (from 0), oldest first; IndexError when there is none."""
        if not 0 <= index < self.image_count:
            raise IndexError(f"job {self.id} has {self.image_count} pictures, there is no index {index}")
        return self.request.generations(self.seed, index)

    @property
    def source_extent(self) -> Extent | None:
        """The size of the picture it starts from; None for what starts from noise."""
        size: Extent | None = None
        for made in self.ancestors:
            size = made.request.extent(size, made.prompt.parameters.aspect)
        return size

    @property
    def extent(self) -> Extent:
        """The size of its pictures, as if its model drew pictures of 1024x1024."""
        return self.request.extent(self.source_extent, self.prompt.parameters.aspect)

    def shown(self, index: int) -> tuple[Ancestor, ...]:
        """Where picture `index` comes from, itself the last."""
        if self.request.keeps_picture and self.ancestors:
            return self.ancestors
        return (*self.ancestors, Ancestor(self.id, index, self.request, self.prompt))

    def places(self, index: int) -> tuple[tuple[JobId, int], ...]:
        """Where the store may have picture `index`, best first: (job, index) pairs."""
        own = (self.id, index)
        if not self.request.keeps_picture or self.parent is None or self.parent.index is None:
            return (own,)
        return (own, (self.parent.id, self.parent.index))


def surprise(context: Context = Context()) -> Prompt:  # noqa: B008 - a frozen value
    """The prompt of no words at all: the model draws what it likes (unconditional sampling).

    `context` brings the person's version and settings.
    """
    return replace(parse("surprise me", context).prompts[0], parts=())
