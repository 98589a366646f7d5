"""The models an operator offers: names, versions they answer to, abilities, ranges and licence. Data, no loading.

The bot refuses by what stands here; a worker loads by it. An operator's own offer is a TOML file with one `[[models]]`
table a model, whose keys are the fields of `Model` (`models.example.toml` shows one).
"""

from __future__ import annotations

import tomllib
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields

from pydantic import TypeAdapter, ValidationError

from contract.errors import UserError
from contract.versions import VERSIONS

ANY_VERSION = "*"


@dataclass(frozen=True, slots=True)
class Model:
    """One model on offer.

    `versions` are what follows `--v` (or `niji 6`), `"*"` for all that the language knows. `pixels` is the area of one
    picture at any aspect ratio; both sides are multiples of `size_multiple`. A drawn picture is then enlarged
    `enlargement` times a side (1 or 4) by the shipped upscaler. `honours` names the `Parameters` fields
    that change something on this model; a prompt that uses another is refused with a sentence. `source` is a folder or
    hub id in standard diffusers layout, empty for the model that ships; `revision` pins it and is part of the
    fingerprint, so change it when the weights change.
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
    source: str = ""
    revision: str = "1"
    enlargement: int = 1

    @property
    def fingerprint(self) -> int:
        """32 bits that name this model and revision inside every job id."""
        return zlib.crc32(f"{self.name}@{self.revision}".encode())

    def answers_to(self, version: str) -> bool:
        """Whether `--v version` (or `--niji`, as `niji 6`) means this model."""
        return ANY_VERSION in self.versions or version in self.versions


@dataclass(frozen=True, slots=True)
class Catalogue:
    """The offer, in order of preference: the first model that answers to a version is the one that draws."""

    models: tuple[Model, ...]

    def __iter__(self) -> Iterator[Model]:
        return iter(self.models)

    def resolve(self, version: str) -> Model:
        """The model for a version. UserError `version_not_offered` names those that are."""
        for model in self.models:
            if model.answers_to(version):
                return model
        offered = sorted({version for model in self.models for version in model.versions})
        raise UserError("version_not_offered", version=version, offered=", ".join(offered))

    def named(self, name: str) -> Model:
        """The model called `name`. UserError `model_not_offered` when the operator took it away."""
        for model in self.models:
            if model.name == name:
                return model
        raise UserError("model_not_offered", model=name, offered=", ".join(_names(self.models)))


def read_catalogue(text: str) -> Catalogue:
    """An operator's catalogue from TOML. UserError `bad_catalogue` says what is wrong and where."""
    try:
        document = tomllib.loads(text)
        models = _MODELS.validate_python(document.get("models", []))
    except tomllib.TOMLDecodeError as error:
        raise UserError("bad_catalogue", reason=f"not TOML: {error}") from error
    except ValidationError as error:
        detail = error.errors()[0]
        where = ".".join(str(place) for place in detail["loc"])
        raise UserError("bad_catalogue", reason=f"models.{where}: {detail['msg']}") from error
    for place, table in enumerate(document.get("models", [])):
        if unknown := set(table) - {field.name for field in fields(Model)}:
            raise UserError("bad_catalogue", reason=f"models.{place}: unknown key {sorted(unknown)[0]}")
    _check(models)
    return Catalogue(models)


def _check(models: tuple[Model, ...]) -> None:
    if not models:
        raise UserError("bad_catalogue", reason="it offers no model: add a [[models]] table")
    names, fingerprints = _names(models), {model.fingerprint for model in models}
    if len(set(names)) < len(names) or len(fingerprints) < len(models):
        raise UserError("bad_catalogue", reason="two models have the same name")
    for model in models:
        if model.enlargement not in (1, 4):
            raise UserError("bad_catalogue", reason=f"{model.name}: enlargement is 1 or 4")
        if min(model.pixels, model.size_multiple, model.num_inference_steps) < 1 or model.guidance_scale < 1:
            raise UserError("bad_catalogue", reason=f"{model.name}: sizes, steps and guidance_scale start at 1")
        for version in model.versions:
            if version != ANY_VERSION and VERSIONS.named(version) is None:
                raise UserError("bad_catalogue", reason=f"{model.name}: there is no version {version}")


def _names(models: Iterable[Model]) -> list[str]:
    return [model.name for model in models]


_MODELS: TypeAdapter[tuple[Model, ...]] = TypeAdapter(tuple[Model, ...])

EASEL_SMALL = Model(
    name="easel-small",
    title="Easel Small",
    family="latent-diffusion",
    licence="MIT; pictures it learned from: see model/default/README.md",
    versions=(ANY_VERSION,),
    pixels=64 * 64,
    size_multiple=16,
    num_inference_steps=20,
    guidance_scale=4.5,
    sampler="ddim",
    enlargement=4,
    honours=frozenset(
        {"aspect", "chaos", "stylize", "weird", "quality", "stop", "tile", "style", "raw", "draft", "image_weight"}
    ),
)
"""The small model that ships in `model/default`: every version is an alias of it."""

DEFAULT_CATALOGUE = Catalogue((EASEL_SMALL,))
