"""The models an operator offers: names, versions they answer to, abilities, ranges and licence. Data, no loading.

Where a model's weights come from is the worker's business; the bot refuses by what stands here.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from contract.errors import UserError

ANY_VERSION = "*"


@dataclass(frozen=True, slots=True)
class Model:
    """One model on offer.

    `versions` are what follows `--v` (or `niji 6`), `"*"` for all that the language knows. `pixels` is the area of one
    picture at any aspect ratio; both sides are multiples of `size_multiple`. A drawn picture is then enlarged
    `enlargement` times a side (1 or 4) by the shipped upscaler. `honours` names the `Parameters` fields
    that change something on this model; a prompt that uses another is refused with a sentence.
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
    enlargement: int = 1
    revision: str = "1"

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

    def by_fingerprint(self, fingerprint: int) -> Model:
        """The model whose fingerprint a job id carries. UserError `model_not_offered` when there is none."""
        for model in self.models:
            if model.fingerprint == fingerprint:
                return model
        raise UserError("model_not_offered", model=f"{fingerprint:08x}", offered=", ".join(_names(self.models)))


def _names(models: Iterable[Model]) -> list[str]:
    return [model.name for model in models]


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
