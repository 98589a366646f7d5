"""What a family of denoisers declares, and what the rest of `model/` asks of it."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, ClassVar, Protocol

import torch

Rows = torch.Tensor | Sequence[torch.Tensor]
"""R rows of latents: (R, C, h, w), or (C, h, w) each where a family mixes shapes."""


class Guidance(StrEnum):
    """What becomes of `guidance_scale`."""

    CLASSIFIER_FREE = "classifier-free"
    """A second, negative row for each image; the prediction is moved away from it (Ho and Salimans 2022)."""
    EMBEDDED = "embedded"
    """Distilled into the denoiser, which takes the scale as an input; there are no negative rows."""
    NONE = "none"
    """Distilled away: the scale has no effect, there are no negative rows."""


@dataclass(frozen=True, eq=False)
class Condition:
    """One encoded prompt. hidden: (L, D), pooled: (P,) where the model has one. Compared by identity."""

    hidden: torch.Tensor
    pooled: torch.Tensor | None = None


Conditions = Sequence[Condition | None]
"""One a row; None where the model reads no prompts."""


@dataclass(frozen=True, eq=False)
class Parts:
    """A model's parts by their names in diffusers' folder layout (`unet`, `vae`, `text_encoder`, `tokenizer` …).

    scheduler: its config. settings: what else `model_index.json` says.
    """

    modules: Mapping[str, Any]
    scheduler: Mapping[str, Any]
    settings: Mapping[str, Any] = field(default_factory=dict)


class TextEncoder(Protocol):
    """Prompt -> condition."""

    max_tokens: int
    """How many tokens of a prompt are read; the rest is cut."""

    def encode(self, text: str) -> Condition: ...

    def encode_nothing(self) -> Condition:
        """The condition that guidance moves away from when the request names no negative prompt."""


class Family(ABC):
    """One kind of denoiser. A family is one file: its class says which parts it has, how it reads a prompt, what
    becomes of guidance, which samplers it takes, and what a tiny model of it looks like."""

    name: ClassVar[str]
    """What a catalogue calls it."""
    denoiser_part: ClassVar[str] = "unet"
    denoiser_class: ClassVar[str]
    """diffusers' class of the denoiser."""
    autoencoders: ClassVar[frozenset[str]] = frozenset({"AutoencoderKL"})
    text_parts: ClassVar[Mapping[str, frozenset[str]]] = {}
    """The classes of transformers that its text encoders and tokenizers may have, by the parts' names."""
    samplers: ClassVar[frozenset[str]]
    default_sampler: ClassVar[str]
    mixes_shapes: ClassVar[bool] = False
    """Whether rows of different latent sizes may share one forward."""

    guidance: Guidance = Guidance.CLASSIFIER_FREE
    latent_channels: int
    halvings: int = 0
    """How often the denoiser halves the latents: their sides must be multiples of 2**halvings."""
    reuses: bool = False
    """Whether it is `Reusing` as well."""
    pixels_per_latent: int = 8
    """Set by the bundle to what the autoencoder does."""

    def __init__(self, denoiser: Any) -> None:
        self.denoiser = denoiser

    @classmethod
    def serves(cls, config: Mapping[str, Any]) -> bool:
        """Whether a denoiser of `denoiser_class` with this config is of this family."""
        return True

    @classmethod
    @abstractmethod
    def text(cls, parts: Parts) -> TextEncoder | None:
        """What reads prompts, made from the loaded parts; None for a model that reads none."""

    @classmethod
    @abstractmethod
    def tiny(cls, seed: int = 0) -> Parts:
        """A model of this family with random weights and few, narrow layers, made in a fraction of a second."""

    def native_latent_side(self) -> int | None:
        """Side of the latents the model was trained on, None if its config does not say."""
        return None

    def timestep_arguments(self, steps: int, height: int, width: int, scheduler: Mapping[str, Any]) -> dict[str, Any]:
        """What the scheduler's `set_timesteps` is told beside the number of steps, for latents of height x width."""
        return {}

    def guided(self, parts: Sequence[tuple[torch.Tensor, float]], against: torch.Tensor, scale: float) -> torch.Tensor:
        """The prediction moved away from `against` (n, C, h, w), towards each part by its weight."""
        prediction = against
        for part, weight in parts:
            prediction = prediction + (scale * weight) * (part - against)
        return prediction

    @abstractmethod
    def predict(self, latents: Any, timesteps: torch.Tensor, conditions: Conditions) -> Any:
        """What the scheduler's `step` takes, for R rows: (R, C, h, w), (R,) own timesteps -> (R, C, h, w) float32."""


class Reusing(Protocol):
    """A denoiser whose deep part may be kept over steps (Ma et al. 2024, DeepCache, arXiv 2312.00858)."""

    def predict_reusing(
        self, latents: torch.Tensor, timesteps: torch.Tensor, conditions: Conditions, deep: torch.Tensor | None
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """As `Family.predict`, and beside it what the deep part gave, (R, D, h, w): what may be handed in as `deep` at
        a later step, where then only the outermost level is computed."""
