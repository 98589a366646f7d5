"""What a family of denoisers declares, and what the rest of `model/` asks of it."""

from abc import ABC, abstractmethod
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from typing import Any, ClassVar, Protocol

import torch

from model.errors import ModelError
from model.request import Pixels
from model.schedulers import Schedule, samplers_of
from model.spelling import Lexicon

Rows = torch.Tensor | Sequence[torch.Tensor]
"""R rows of latents: (R, C, h, w), of videos (R, C, F, h, w), or (C, h, w) each where a family mixes shapes."""


Uses = tuple[tuple[str, float], ...]
"""LoRAs by name, with their weights."""


Weight = float | torch.Tensor
"""How much a part of a prompt counts: everywhere alike, or (1, 1, h, w) where it does."""


@dataclass(frozen=True, eq=False)
class Hint:
    """What a ControlNet sees: (3, H, W) in 0..1."""

    name: str
    hint: torch.Tensor
    scale: float


@dataclass(frozen=True, eq=False)
class Likeness:
    """What an IP-Adapter saw in a picture: tokens (T, D). style_only: for the layers alone that carry style."""

    name: str
    tokens: torch.Tensor
    scale: float
    style_only: bool = False


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
    """All that a row is predicted under, beside its latents and its time. Compared by identity.

    hidden: the encoded prompt (L, D), pooled: (P,) where the model has one.
    guidance: the scale, where it is an input of the denoiser.
    channels: (E, h, w), further input channels: the mask and the masked picture of an inpainting model.
    references: pictures the model looks at while it draws, as clean latents (C, h', w'); a video's first frame.
    loras, controls, likenesses: what LoRAs, ControlNets and IP-Adapters the row has.
    """

    hidden: torch.Tensor
    pooled: torch.Tensor | None = None
    guidance: float | None = None
    channels: torch.Tensor | None = None
    references: tuple[torch.Tensor, ...] = ()
    loras: Uses = ()
    controls: tuple[Hint, ...] = ()
    likenesses: tuple[Likeness, ...] = ()

    @property
    def plain(self) -> bool:
        """Whether it is no more than a prompt, which the recorded forwards take."""
        return not (self.loras or self.controls or self.likenesses)


Conditions = Sequence[Condition | None]
"""One a row; None where the model reads no prompts."""


@dataclass(frozen=True, eq=False)
class Parts:
    """A model's parts by their names in diffusers' folder layout (`unet`, `vae`, `text_encoder`, `tokenizer` …).

    scheduler: its config. settings: what else `model_index.json` says. configs: those of parts that are still asleep
    (`model.asleep`): who needs no more of a part asks for its config, and does not wake it.
    """

    modules: Mapping[str, Any]
    scheduler: Mapping[str, Any]
    settings: Mapping[str, Any] = field(default_factory=dict)
    configs: Mapping[str, Any] = field(default_factory=dict)

    def config(self, name: str) -> Any:
        """The config of a part, with its entries as attributes."""
        return self.configs[name] if name in self.configs else self.modules[name].config


class TextEncoder(ABC):
    """Prompt -> condition. pictures: those that a prompt speaks of, for encoders that see."""

    max_tokens: int
    """How many tokens of a prompt are read; the rest is cut."""

    @abstractmethod
    def encode(self, text: str, pictures: Sequence[Pixels] = ()) -> Condition:
        """The condition of a prompt."""

    def window(self) -> tuple[Any, int] | None:
        """The tokenizer that cuts a prompt, and how many of its tokens are read; None where that is not so simple."""
        return None

    lexicon: Lexicon | None = None
    """The words that it was taught, where it has to be told of others."""

    def shown(self, parts: Sequence[tuple[str, float]]) -> Sequence[tuple[str, float]]:
        """The weighted parts of a prompt that are to be seen in the picture: not those that only say how the finished
        one is to be painted."""
        return parts if self.lexicon is None else self.lexicon.shown(parts)

    def encode_against(self, text: str | None, pictures: Sequence[Pixels] = ()) -> Condition:
        """What guidance moves away from: a negative prompt, None where the request names none."""
        return self.encode(text or "", pictures)


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
    optional_parts: ClassVar[frozenset[str]] = frozenset()
    """Those of them that a model may lack."""
    lora_loader: ClassVar[str] = ""
    """diffusers' mixin that knows the layouts of this family's LoRAs; empty where LoRAs are not applied."""
    schedules: ClassVar[tuple[Schedule, ...]]
    """The noise schedules that its models may have been trained on, the usual one first."""
    default_sampler: ClassVar[str]
    needs_reference: ClassVar[bool] = False
    mixes_shapes: ClassVar[bool] = False
    """Whether rows of different latent sizes may share one forward."""

    guidance: Guidance = Guidance.CLASSIFIER_FREE
    latent_channels: int
    halvings: int = 0
    """How often the denoiser halves the latents: their sides must be multiples of 2**halvings."""
    max_references: int = 0
    """How many reference pictures it looks at."""
    reuses: bool = False
    """Whether it is `Reusing` as well."""
    takes_mask: bool = False
    """Whether mask and masked picture are inputs of the denoiser, as further channels."""
    pixels_per_latent: int = 8
    """Set by the bundle to what the autoencoder does."""
    frames_per_latent: int = 0
    """Frames to each position in time, of a family that draws videos; the first frame has one of its own."""
    frames_per_second: ClassVar[int] = 0
    """How fast they are to be shown."""

    takes_controls: ClassVar[bool] = False
    """Whether ControlNets and IP-Adapters can steer it."""

    def __init__(self, parts: Parts) -> None:
        self.parts = parts
        self.controlnets: Mapping[str, Any] = {}
        self.ip_adapters: Mapping[str, Any] = {}

    @cached_property
    def denoiser(self) -> Any:
        """diffusers' module; it wakes up when it is asked for."""
        return self.parts.modules[self.denoiser_part]

    @classmethod
    def serves(cls, config: Mapping[str, Any], index: Mapping[str, Any]) -> bool:
        """Whether a denoiser of `denoiser_class` with this config, in a folder with this model_index.json, is of this
        family."""
        return True

    @classmethod
    def samplers(cls) -> frozenset[str]:
        """The names of all samplers that its models may be drawn with."""
        return frozenset().union(*(samplers_of(schedule) for schedule in cls.schedules))

    @classmethod
    @abstractmethod
    def text(cls, parts: Parts) -> TextEncoder | None:
        """What reads prompts, made from the loaded parts; None for a model that reads none."""

    @classmethod
    @abstractmethod
    def tiny(cls, seed: int = 0) -> Parts:
        """A model of this family with random weights and few, narrow layers, made in a fraction of a second."""

    @classmethod
    def schedule(cls, config: Mapping[str, Any]) -> Mapping[str, Any]:
        """A model's scheduler config, as the family's pipelines take it."""
        return config

    def native_latent_side(self) -> int | None:
        """Side of the latents the model was trained on, None if its config does not say."""
        return None

    def timestep_arguments(self, steps: int, sides: Sequence[int], scheduler: Mapping[str, Any]) -> dict[str, Any]:
        """What the scheduler's `set_timesteps` is told beside the number of steps, for latents of these sides: (h, w),
        of a video (F, h, w)."""
        return {}

    def guided(self, parts: Sequence[tuple[torch.Tensor, Weight]], against: torch.Tensor, scale: float) -> torch.Tensor:
        """The prediction moved away from `against` (n, C, h, w), towards each part by its weight."""
        prediction = against
        for part, weight in parts:
            prediction = prediction + (scale * weight) * (part - against)
        return prediction

    def batch_key(self, latents: torch.Tensor, condition: Condition | None) -> Hashable:
        """Rows may share a forward when their keys are equal. latents: (n, C, h, w)."""
        shapes = () if condition is None else tuple(reference.shape for reference in condition.references)
        return (None if self.mixes_shapes else latents.shape[1:], shapes)

    def reference(self, picture: Pixels) -> torch.Tensor:
        """A reference picture as the model wants to see it: (1, 3, H, W) in -1..1.

        ModelError where it looks at none.
        """
        raise ModelError(f"A {self.name} model looks at no pictures while it draws.")

    def mask_channels(self, mask: torch.Tensor, masked: torch.Tensor) -> torch.Tensor:
        """Where mask and masked picture are inputs: the further channels (1, E, h, w), of a mask (1, 1, H, W), which is
        1 where to paint, and the latents (1, C, h, w) of what is kept."""
        return torch.cat([torch.nn.functional.interpolate(mask, size=masked.shape[-2:]).to(masked), masked], dim=1)

    @abstractmethod
    def predict(self, latents: Any, timesteps: torch.Tensor, conditions: Conditions) -> Any:
        """What the scheduler's `step` takes, for R rows: (R, C, h, w), (R,) own timesteps -> (R, C, h, w) float32."""


class Reusing(Protocol):
    """A denoiser whose deep part may be kept over steps (Ma et al. 2024, DeepCache, arXiv 2312.00858)."""

    def predict_reusing(
        self, latents: torch.Tensor, timesteps: torch.Tensor, conditions: Conditions, deep: torch.Tensor | None
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """As `Family.predict`, and beside it what the deep part gave, (R, …): what may be handed in as `deep` at a
        later step, where then only the outermost level, or the first block, is computed."""
