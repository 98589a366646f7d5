"""What a prompt means, as frozen values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Literal

from contract.versions import DEFAULT_VERSION, VERSIONS, Versions

Speed = Literal["fast", "relax", "turbo"]
Visibility = Literal["stealth", "public"]


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a multi-prompt; `weight` as typed, 1 when none was."""

    text: str
    weight: float = 1.0


@dataclass(frozen=True, slots=True)
class ImagePrompt:
    """A link to a picture to start from; `weight` is None when none was typed."""

    url: str
    weight: float | None = None


@dataclass(frozen=True, slots=True)
class Reference:
    """One item of `--sref`, `--cref` or `--oref`: a link, a style's number in digits, or `random`; or a LoRA's name."""

    value: str
    weight: float = 1.0


@dataclass(frozen=True, slots=True)
class LegacyFlag:
    """A flag of the first year's models, such as `--uplight` or `--h 512`."""

    name: str
    value: int | None = None


@dataclass(frozen=True, slots=True)
class Parameters:
    """What stood after the dashes, one field a flag; None, False or () when it did not.

    `aspect` is (width, height), reduced. `version` and `niji` hold the canonical spelling typed or appended; they are
    left out of comparisons because `Prompt.version` says the same whether it was typed or a default. `profile` is the
    codes; an empty tuple is a bare `--profile`, the person's own default.
    """

    aspect: tuple[int, int] | None = None
    chaos: int | None = None
    stylize: int | None = None
    weird: int | None = None
    quality: float | None = None
    seed: int | None = None
    sameseed: int | None = None
    stop: int | None = None
    repeat: int | None = None
    tile: bool = False
    image_weight: float | None = None
    version: str | None = field(default=None, compare=False)
    niji: str | None = field(default=None, compare=False)
    style: str | None = None
    raw: bool = False
    character_references: tuple[Reference, ...] = ()
    character_weight: int | None = None
    style_references: tuple[Reference, ...] = ()
    style_weight: int | None = None
    style_version: int | None = None
    omni_reference: Reference | None = None
    omni_weight: int | None = None
    loras: tuple[Reference, ...] = ()
    structure: str | None = None
    structure_kind: Literal["areas", "edges", "depth"] | None = None
    structure_weight: int | None = None
    edit: tuple[Reference, ...] = ()
    experimental: int | None = None
    profile: tuple[str, ...] | None = None
    sampler: str | None = None
    draft: bool = False
    speed: Speed | None = None
    visibility: Visibility | None = None
    video: bool = False
    motion: Literal["low", "high"] | None = None
    loop: bool = False
    end: str | None = None
    batch_size: int | None = None
    zoom: float | None = None
    hd: bool = False
    sd: bool = False
    legacy: tuple[LegacyFlag, ...] = ()


NO_SETTINGS = Parameters()
"""Somebody who has changed nothing in /settings."""


@dataclass(frozen=True, slots=True)
class Prompt:
    """One prompt, understood.

    `echo` is the line that stands between `**` and `**` in every message of the job; parsing it gives this prompt
    again (but for signatures in Discord's links, which it leaves out). It is left out of comparisons: two spellings
    of the same wish are equal. `version` is the resolved one (`6.1`, `niji 6`), whether typed or not. `negatives`
    are the items of `--no`.
    """

    echo: str = field(compare=False)
    parts: tuple[Part, ...]
    negatives: tuple[str, ...]
    images: tuple[ImagePrompt, ...]
    parameters: Parameters
    version: str

    @property
    def text(self) -> str:
        """The words alone, without weights, links and parameters: for file names and captions."""
        return " ".join(part.text for part in self.parts)

    @property
    def different_links(self) -> tuple[tuple[str, ...], ...]:
        """Pictures of which no two should be the same: those of a blend, and those that are changed together."""
        blended = () if self.parts else tuple(image.url for image in self.images)
        return blended, tuple(reference.value for reference in self.parameters.edit)

    @property
    def links(self) -> tuple[str, ...]:
        """The pictures of the web that it speaks of: image prompts, references, map, and what is to be changed."""
        said = self.parameters
        references = (*said.style_references, *said.character_references, *filter(None, (said.omni_reference,)))
        return (
            *(image.url for image in self.images),
            *(reference.value for reference in references if "://" in reference.value),
            *filter(None, (said.structure,)),
            *(reference.value for reference in said.edit),
        )

    def words_alone(self) -> Prompt:
        """It without the pictures and parameters that say how a picture is drawn, for what goes on from one and has its
        words. `echo` keeps them."""
        said = self.parameters
        of_films = replace(NO_SETTINGS, loop=said.loop, end=said.end, batch_size=said.batch_size)
        return replace(self, images=(), parameters=of_films)

    def without_pictures(self) -> Prompt:
        """It without the pictures that it is drawn near to, for what goes on from the result alone. `echo` keeps them:
        they were asked for."""
        said = self.parameters
        numbers = tuple(reference for reference in said.style_references if "://" not in reference.value)
        kept = replace(said, style_references=numbers, character_references=(), omni_reference=None, structure=None)
        return replace(self, images=(), parameters=kept)


@dataclass(frozen=True, slots=True)
class Submission:
    """What one command asks for: one prompt, or one for each expansion of its `{a, b}` groups.

    `jobs` counts expansions times `--repeat`; `confirm` says that a person should be asked first. `expansions` are the
    expanded texts to show (empty without groups). `echo` is the one prompt's echo, or the unexpanded text, which may
    be longer than a message.
    """

    prompts: tuple[Prompt, ...]
    jobs: int
    confirm: bool
    echo: str
    expansions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Context:
    """What is known about the person and the command before the text is read.

    `version`: the default model, as settings name it. `plan`: basic, standard, pro or mega. `suffix`: appended to
    every /imagine and /blend. `options`: the person's own `--name` shortcuts. `command`: imagine, blend, edit, remix,
    shorten, custom_zoom, video or prefer_suffix. `profile_ready`: whether a bare `--profile` has something to stand
    on. `accepted_before`: the text is an echo of ours: what is refused only because it is surely meant otherwise was
    meant as it stands. `defaults`: settings, applied only where the prompt says nothing and the version knows them.
    `max_jobs` overrides the plan's limit.
    """

    version: str = DEFAULT_VERSION
    plan: str = "pro"
    speed: str = "fast"
    suffix: str = ""
    options: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    command: str = "imagine"
    profile_ready: bool = False
    defaults: Parameters = NO_SETTINGS
    versions: Versions = VERSIONS
    max_jobs: int | None = None
    accepted_before: bool = False
