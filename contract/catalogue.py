"""The models an operator offers: names, versions they answer to, abilities, ranges and licence. Data, no loading.

The bot refuses by what stands here; a worker loads by it. An operator's own offer is a TOML file with one `[[models]]`
table a model, whose keys are the fields of `Model` (`models.example.toml` shows one).
"""

from __future__ import annotations

import difflib
import re
import tomllib
import zlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, fields, replace
from functools import cached_property
from typing import Literal

from pydantic import ConfigDict, TypeAdapter, ValidationError

from contract.errors import UserError
from contract.families import FAMILIES, HONOURABLE, LENT, UNABLE, VIDEO
from contract.ids import JobId, model_fingerprint_of
from contract.pins import NO_PINS, Meaning, Pins
from contract.versions import DEFAULT_VERSION, VERSIONS, Versions

ANY_VERSION = "*"

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_ADDED = re.compile(r"[\w.+-]{1,64}")
_TEXT_LENGTH = 200
MAX_FRAMES = 1000
"""A video of a minute and a half would not fit into a message."""
MAX_STEPS = 1000
"""A model was trained on so many steps; a picture takes a few of them."""


@dataclass(frozen=True, slots=True)
class Student:
    """A denoiser distilled from a model's own, to draw in few steps and without guidance.

    `folder` lies in the model's folder and holds its config and weights; `sampler` is a word of `contract.families`.
    """

    folder: str
    num_inference_steps: int
    sampler: str


@dataclass(frozen=True, slots=True)
class Model:
    """One model on offer.

    `versions` are what follows `--v` (or `niji 6`), `"*"` for all that the language knows. `aliases` are the operator's
    own names and the version whose parameters each has: `{emoji = "6.1"}` makes `--v emoji` this model, legal in what
    6.1 is legal in. `pixels` is the area of one picture at any aspect ratio; both sides are multiples of
    `size_multiple`. `shortest_side` is for a model that draws a thing as large in a wide picture as in a square: no
    side should be shorter, at up to twice the pixels (2:1). A drawn picture is then enlarged `enlargement` times a side
    (1 or 4) by the shipped upscaler.
    `family`, `sampler` and `honours` are words of `contract.families`; a prompt that uses what is not in `honours` is
    refused with a sentence. `samplers` are others that a person may choose, each with the steps that it needs:
    `{ddpm = 50}`. `source` is a folder or hub id in standard diffusers layout, empty for the model that ships;
    `revision` pins it and is part of the fingerprint, so change it when the weights change.

    Two shortcuts trade likeness for speed, and are off unless set here: `guidance_interval` is the share of a picture's
    steps (0 to 1, from noise to picture) in which guidance is on (without it in the first steps the pictures of a grid
    differ more), `deep_every` the number of steps for which a UNet's
    deep part, or a transformer's blocks after the first, serve (2 computes them every other step). With other values a
    seed's pictures differ a little.

    What is changed about the source: `variant` (`fp16` and the like), `vae` (another autoencoder's folder), `denoiser`
    (a `.gguf` or `.safetensors` file), `text_encoders` (`.gguf` files by part), `quantised` (`int8` or `fp8` by part:
    `{text_encoder = "int8"}`), `vae_tiling` (large pictures are decoded in tiles, in less memory), `tokenizers` (a
    folder, for a single checkpoint file), `timestep_spacing` (`trailing` for few-step relatives). What it is loaded
    with, each by the name that prompts use:
    `loras` and `inversions` (files), `controlnets` (folders) and `ip_adapters` (a file and the folder of its vision
    encoder). `commercial` says whether its licence allows commercial use.

    `student`, where there is one, draws what is asked for with `--draft` or `--turbo`, unless that needs guidance.

    `clip` is the folder or hub id of a CLIP model that describes pictures (`/describe`); a model that brings towers of
    its own, as the one that ships does, needs none and says `describe` in `honours`.

    `frames` are those of a video, for a model that honours `moving`: one, and a multiple of those that its family draws
    at a time (`contract.families.VIDEO`), 1 to `MAX_FRAMES`.

    `whole_words` says that its text encoder was taught whole words, so that people are told of those it does not know.
    """

    name: str
    title: str
    family: str
    licence: str
    versions: tuple[str, ...]
    pixels: int
    size_multiple: int
    num_inference_steps: int
    guidance_scale: float
    sampler: str
    honours: frozenset[str]
    samplers: Mapping[str, int] = field(default_factory=dict, hash=False)
    source: str = ""
    revision: str = "1"
    enlargement: int = 1
    shortest_side: int = 0
    aliases: Mapping[str, str] = field(default_factory=dict, hash=False)
    guidance_interval: tuple[float, float] = (0.0, 1.0)
    deep_every: int = 1
    student: Student | None = None
    whole_words: bool = False
    variant: str = ""
    vae: str = ""
    denoiser: str = ""
    text_encoders: Mapping[str, str] = field(default_factory=dict, hash=False)
    quantised: Mapping[str, Literal["int8", "fp8"]] = field(default_factory=dict, hash=False)
    vae_tiling: bool = False
    tokenizers: str = ""
    timestep_spacing: Literal["", "leading", "linspace", "trailing"] = ""
    loras: Mapping[str, str] = field(default_factory=dict, hash=False)
    inversions: Mapping[str, str] = field(default_factory=dict, hash=False)
    controlnets: Mapping[str, str] = field(default_factory=dict, hash=False)
    ip_adapters: Mapping[str, tuple[str, str]] = field(default_factory=dict, hash=False)
    commercial: bool = True
    clip: str = ""
    frames: int = 121

    @property
    def fingerprint(self) -> int:
        """32 bits that name this model and revision inside every job id."""
        return zlib.crc32(str(self.meaning).encode())

    @property
    def meaning(self) -> Meaning:
        """What a version means that this model draws."""
        return Meaning(self.name, self.revision)

    @property
    def choices(self) -> Mapping[str, int]:
        """The samplers that a person may choose and the steps of each, the model's own first."""
        others = {name: steps for name, steps in self.samplers.items() if name != self.sampler}
        return {self.sampler: self.num_inference_steps, **others}

    def answers_to(self, version: str) -> bool:
        """Whether `--v version` (or `--niji`, as `niji 6`) means this model."""
        if version in self.versions or version in self.aliases:
            return True
        return ANY_VERSION in self.versions and VERSIONS.named(version) is not None


@dataclass(frozen=True)
class Catalogue:
    """The offer, in order of preference: the first model that answers to a version is the one that draws."""

    models: tuple[Model, ...]

    def __iter__(self) -> Iterator[Model]:
        return iter(self.models)

    @cached_property
    def versions(self) -> Versions:
        """The language's versions and the operator's own names for some of them: what prompts are read by here."""
        versions = VERSIONS
        for model in self.models:
            for alias, base in model.aliases.items():
                versions = versions.with_alias(alias, base)
        return versions

    @cached_property
    def offered(self) -> tuple[str, ...]:
        """The versions that some model here answers to: the operator's own names first, then the newest."""
        names = [version.name for version in self.versions if not version.retired]
        return tuple(name for name in reversed(names) if any(model.answers_to(name) for model in self.models))

    @property
    def default_version(self) -> str:
        """What a prompt that names no version means here: the newest that the first model draws."""
        drawn = [name for name in self.offered if self.resolve(name) is self.models[0]] or list(self.offered)
        if DEFAULT_VERSION in drawn:
            return DEFAULT_VERSION
        return next((name for name in drawn if VERSIONS.named(name)), drawn[0])

    def resolve(self, version: str, pins: Pins = NO_PINS) -> Model:
        """The model for a version: the one that it is held at, else the first that answers to it.

        UserError `version_not_offered` names those that are, `pin_gone` says that what it is held at is not on offer
        any more.
        """
        answering = self.answering(version)
        if (pin := pins.get(version)) is not None:
            held = next((model for model in answering if model.meaning == pin.meaning), None)
            if held is None:
                told = {"version": version, "model": pin.meaning.model, "revision": pin.meaning.revision}
                raise UserError("pin_gone", **told, reason=str(pin.holder))
            return held
        if not answering:
            raise UserError("version_not_offered", version=version, offered=", ".join(self.offered))
        return answering[0]

    def answering(self, version: str) -> tuple[Model, ...]:
        """The models that answer to a version: the one that draws it without a pin, then those it can be held at."""
        return tuple(model for model in self.models if model.answers_to(version))

    def version_of(self, name: str) -> str:
        """A version that the model called `name` answers to: the default before others, numbers before names, and those
        that mean it before those that have to be held at it. UserError as `asked_for`."""
        model = self.asked_for(name)
        answered = [version for version in self.offered if model.answers_to(version)]
        answered = answered or [*model.versions, *model.aliases]  # of old versions, which nobody types any more
        meant = [version for version in answered if self.resolve(version) is model] or answered
        meant.sort(key=lambda version: (version != self.default_version, not version[0].isdigit()))
        return meant[0]

    def named(self, name: str) -> Model:
        """The model of a picture or a job, by its name. UserError `model_not_offered` when the operator took it
        away."""
        if (model := self._called(name)) is None:
            raise UserError("model_not_offered", model=name, offered=", ".join(_names(self.models)))
        return model

    def asked_for(self, name: str) -> Model:
        """The model that somebody typed the name of. UserError `model_not_found` when none is called so."""
        if (model := self._called(name)) is None:
            raise UserError("model_not_found", model=name, offered=", ".join(_names(self.models)))
        return model

    def _called(self, name: str) -> Model | None:
        return next((model for model in self.models if model.name == name), None)

    def samplers_of(self, name: str) -> tuple[str, ...]:
        """The samplers that a person may choose for the model called `name`, its own first; none when it is not
        offered any more."""
        return next((tuple(model.choices) for model in self.models if model.name == name), ())

    def honours(self, name: str) -> frozenset[str]:
        """What is honoured for pictures of the model called `name`: by itself, and by others that lend what they can.
        Nothing when it is not offered any more."""
        own = next((model.honours for model in self.models if model.name == name), None)
        return frozenset() if own is None else own.union(*(model.honours & LENT for model in self.models))

    def able(self, needs: frozenset[str]) -> Model | None:
        """The first model that honours all of `needs`; None without one."""
        return next((model for model in self.models if needs <= model.honours), None)

    def drew(self, id: JobId) -> Model | None:
        """The model that drew a job, as far as it is on offer in that revision."""
        return next((model for model in self.models if model.fingerprint == model_fingerprint_of(id)), None)


def read_catalogue(text: str) -> Catalogue:
    """An operator's catalogue from TOML. UserError `bad_catalogue` says what is wrong and where."""
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise _bad(f"not TOML: {error}") from error
    tables = document.get("models", [])
    if isinstance(tables, dict):
        raise _bad("[models] is one table: write [[models]] above each model")
    for key in document:
        _expect_word("unknown table", key, ["models"])
    for place, table in enumerate(tables if isinstance(tables, list) else []):
        for key in table if isinstance(table, dict) else []:
            _expect_word(f"models.{place}: unknown key", key, [field.name for field in fields(Model)])
    try:
        models = _MODELS.validate_python(tables)
    except ValidationError as error:
        detail = error.errors()[0]
        where = ".".join(str(place) for place in detail["loc"])
        raise _bad(f"models.{where}: {_LISTED.get(detail['type'], detail['msg'])}") from error
    catalogue = Catalogue(tuple(_canonical(model) for model in models))
    _check(catalogue)
    return catalogue


_LISTED = dict.fromkeys(("tuple_type", "frozen_set_type"), 'this is a list, such as ["one", "another"]')
"""What is said in place of pydantic's words for Python's kinds of lists."""


def _canonical(model: Model) -> Model:
    """The model with its versions by the names the language has for them: `7.0` is `7`, a bare `niji` the newest."""
    versions = tuple(named.name if (named := VERSIONS.named(name)) else name for name in model.versions)
    aliases = {name.lower(): base for name, base in model.aliases.items()}
    honours = model.honours | {"describe"} if model.clip else model.honours
    return replace(model, versions=versions, aliases=aliases, honours=honours)


def _check(catalogue: Catalogue) -> None:
    models = catalogue.models
    if not models:
        raise _bad("it offers no model: add a [[models]] table")
    names, fingerprints = _names(models), {model.fingerprint for model in models}
    if len(set(names)) < len(names) or len(fingerprints) < len(models):
        twice = next((name for name in names if names.count(name) > 1), names[-1])
        raise _bad(f"two models have the same name, {twice}")
    for model in models:
        _check_texts(model)
        _check_words(model)
        _check_numbers(model)
    try:
        _ = catalogue.versions
    except KeyError as error:
        raise _bad(f"aliases: there is no version {error.args[0]}") from error
    except ValueError as error:
        reason = f"aliases: {error} is no new word (letters, digits, dots and dashes; at most 32)"
        raise _bad(reason) from error


def _check_texts(model: Model) -> None:
    """The name stands in captions, ids of queues and settings, the title in sentences: they have to fit there."""
    if not _NAME.fullmatch(model.name):
        raise _bad(f"name {model.name!r}: use letters, digits, dots, dashes and underscores; at most 64")
    for key in ("title", "licence", "source", "revision"):
        text = getattr(model, key)
        if len(text) > _TEXT_LENGTH or not text.isprintable():
            raise _bad(f"{model.name}: {key} is one line of at most {_TEXT_LENGTH} characters")
    for name in model.loras:
        if not _ADDED.fullmatch(name):
            raise _bad(
                f"{model.name}: loras: {name!r} is typed after --lora: letters, digits, dots, dashes; at most 64"
            )
    if not model.title.strip() or set(model.title) & set("*`<>@"):
        raise _bad(f"{model.name}: title is a name in words, without * ` < > @")


def _check_words(model: Model) -> None:
    _expect_word(f"{model.name}: family", model.family, FAMILIES)
    _expect_word(f"{model.name}: sampler", model.sampler, FAMILIES[model.family])
    for sampler in model.samplers:
        _expect_word(f"{model.name}: samplers", sampler, FAMILIES[model.family])
    for word in sorted(model.honours):
        _expect_word(f"{model.name}: honours", word, HONOURABLE)
    if unable := sorted(model.honours & UNABLE.get(model.family, frozenset())):
        raise _bad(f"{model.name}: no {model.family} model can honour {', '.join(unable)}; take it out of honours")
    if model.student is not None:
        _expect_word(f"{model.name}: student.sampler", model.student.sampler, FAMILIES[model.family])
    for version in model.versions:
        if version != ANY_VERSION and VERSIONS.named(version) is None:
            raise _bad(f"{model.name}: there is no version {version}")
    if not (model.versions or model.aliases):
        raise _bad(f"{model.name}: it answers to no version; give it one, or an alias")


def _check_numbers(model: Model) -> None:
    if model.enlargement not in (1, 4):
        raise _bad(f"{model.name}: enlargement is 1 or 4")
    if min(model.pixels, model.size_multiple, model.num_inference_steps) < 1 or model.guidance_scale < 1:
        raise _bad(f"{model.name}: sizes, steps and guidance_scale start at 1")
    if model.student is not None and model.student.num_inference_steps < 1:
        raise _bad(f"{model.name}: student.num_inference_steps starts at 1")
    if any(not 1 <= steps <= MAX_STEPS for steps in model.choices.values()):
        raise _bad(f"{model.name}: a sampler takes 1 to {MAX_STEPS} steps")
    if model.pixels < model.size_multiple**2:
        raise _bad(f"{model.name}: pixels are at least size_multiple x size_multiple ({model.size_multiple**2})")
    if not 0 <= model.shortest_side**2 <= model.pixels:
        raise _bad(f"{model.name}: shortest_side is at most a side of the square that has `pixels`")
    first, last = model.guidance_interval
    if not 0 <= first <= last <= 1:
        raise _bad(f"{model.name}: guidance_interval is two shares of the steps, such as [0.0, 0.8]")
    if "moving" in model.honours:
        at_a_time = VIDEO[model.family].frames_per_latent
        if not 1 < model.frames <= MAX_FRAMES or (model.frames - 1) % at_a_time:
            example = 15 * at_a_time + 1
            raise _bad(
                f"{model.name}: frames are 1 and a multiple of {at_a_time}, such as {example}, up to {MAX_FRAMES}"
            )
    if model.deep_every < 1:
        raise _bad(f"{model.name}: deep_every is 1 (off) or more")


def _expect_word(what: str, word: str, known: Iterable[str]) -> None:
    """UserError `bad_catalogue` for a word that is none of `known`, with the nearest of them and all of them."""
    words = sorted(known)
    if word not in words:
        [nearest] = difflib.get_close_matches(word.lower(), words, n=1, cutoff=0.0)
        raise _bad(f"{what} {word!r}; the nearest is {nearest!r} of {', '.join(words)}")


def _bad(reason: str) -> UserError:
    return UserError("bad_catalogue", reason=reason)


def _names(models: Iterable[Model]) -> list[str]:
    return [model.name for model in models]


_MODELS: TypeAdapter[tuple[Model, ...]] = TypeAdapter(tuple[Model, ...], config=ConfigDict(allow_inf_nan=False))

EASEL_SMALL = Model(
    name="easel-small",
    title="Easel Small",
    family="stable-diffusion",
    licence="MIT; pictures it learned from: see model/default/README.md",
    versions=(ANY_VERSION,),
    pixels=64 * 64,
    size_multiple=16,
    num_inference_steps=8,
    guidance_scale=4.5,
    guidance_interval=(0.1, 1.0),
    sampler="dpmpp_2m",
    student=Student("student", num_inference_steps=4, sampler="ddim"),
    samplers={"ddim": 20, "ddpm": 20, "deis": 8, "euler": 12, "euler_a": 20, "unipc": 8},
    revision="11",
    enlargement=4,
    shortest_side=64,
    whole_words=True,
    honours=HONOURABLE - {"hd", "moving"},
)
"""The small model that ships in `model/default`: every version is an alias of it."""

DEFAULT_CATALOGUE = Catalogue((EASEL_SMALL,))
