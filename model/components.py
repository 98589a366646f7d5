"""The parts of a model as one bundle. Parts are handed in, never looked up: real weights and tiny random ones run the
same code."""

import hashlib
import math
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
import torch

from model import vae as autoencoder
from model.adapters.ip_adapter import IPAdapter
from model.adapters.lora import Lora, adapted
from model.autoencoders import codec
from model.errors import ModelError
from model.families import Condition, Family, Parts, TextEncoder, Uses
from model.folders import first_line
from model.placement import Placement
from model.previews import Previewer, previewer_of
from model.request import FirstFrame, Reference, Request, Size, text_to_image
from model.schedulers import Sampler, Schedule, samplers_of
from model.text import PromptCache

# In pixels; no model was trained on larger pictures, and a first one of such a size would take all memory.
_LARGEST_SIDE = 8192


@dataclass(frozen=True, eq=False)
class Adapters:
    """What a model was loaded with beside its own parts, by the names that requests use."""

    loras: Mapping[str, Lora] = field(default_factory=dict)
    controlnets: Mapping[str, Any] = field(default_factory=dict)
    ip_adapters: Mapping[str, IPAdapter] = field(default_factory=dict)

    @property
    def modules(self) -> dict[str, Any]:
        """All that have weights, by names of their own."""
        named = {f"ControlNet {name}": module for name, module in self.controlnets.items()}
        for name, adapter in self.ip_adapters.items():
            named[f"IP-Adapter {name}"] = torch.nn.ModuleList(adapter.modules)
        return named


@dataclass(eq=False)
class Bundle:
    """A model ready to draw. `text` and `vae` may be None: an unconditional model, a model of pixels.

    parts: what it was made of. fingerprint: eight hexadecimal digits (32 bits) that change when weights or configs do.
    student: the same model with a denoiser distilled from its own, for few steps without guidance; None without one.
    pixels_per_latent: pixels per latent position along one side; 0: the autoencoder says.
    """

    family: Family
    parts: Parts
    text: TextEncoder | None = None
    fingerprint: str = ""
    device: torch.device = field(default_factory=lambda: torch.device("cpu"))
    dtype: torch.dtype = torch.float32
    adapters: Adapters = field(default_factory=Adapters)
    student: "Bundle | None" = None
    placement: Placement = field(default_factory=Placement)
    pixels_per_latent: int = 0
    prompts: PromptCache | None = field(init=False, default=None)
    _samplers: dict[str, Sampler] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        if self.text is not None:
            self.prompts = PromptCache(self.text, self._reading)
        self.pixels_per_latent = self.pixels_per_latent or autoencoder.scale_factor(self.vae)
        self.family.pixels_per_latent = self.pixels_per_latent
        self.family.controlnets = self.adapters.controlnets
        self.family.ip_adapters = self.adapters.ip_adapters
        self.fingerprint = self.fingerprint or _fingerprint_of_weights(self)

    @contextmanager
    def _reading(self, loras: Uses) -> Iterator[None]:
        """Within, the text encoders have these LoRAs."""
        with ExitStack() as stack:
            for name in self.parts.modules if loras else ():
                if name.startswith("text_encoder"):
                    stack.enter_context(adapted(name, self.parts.modules[name], self.adapters.loras, [loras]))
            yield

    def drawing(self, request: Request) -> "Bundle":
        """What draws `request`: the student where it is asked for. ModelError where there is none."""
        if not request.sampling.student:
            return self
        if self.student is None:
            raise ModelError("This model was loaded without a few-step student.")
        return self.student

    @property
    def denoiser(self) -> Any:
        return self.family.denoiser

    @property
    def vae(self) -> Any:
        """diffusers' autoencoder, None for a model of pixels."""
        return self.parts.modules.get("vae")

    @property
    def asleep(self) -> bool:
        """Whether its parts were left on the disk, where a process before this one saw that they are sound."""
        return bool(self.parts.configs)

    @property
    def scheduler_config(self) -> Mapping[str, Any]:
        return self.parts.scheduler

    @cached_property
    def previewer(self) -> Previewer:
        """What draws previews of its latents."""
        return previewer_of(self.vae, self.device)

    @property
    def grid(self) -> int:
        """Widths and heights are multiples of this many pixels."""
        return self.pixels_per_latent << self.family.halvings

    @cached_property
    def native_size(self) -> tuple[int, int]:
        """(width, height) in pixels the model was trained on."""
        side = self.family.native_latent_side()
        largest = _LARGEST_SIDE // self.pixels_per_latent
        if side is not None and (isinstance(side, bool) or not isinstance(side, int) or not 1 <= side <= largest):
            raise ModelError(f"The denoiser's config is damaged: its pictures have the side {side!r}.")
        pixels = 1024 if side is None else side * self.pixels_per_latent
        return pixels, pixels

    @property
    def max_tokens(self) -> int:
        """How many tokens of a prompt the model reads; the rest is cut. 0 without a text encoder."""
        return 0 if self.text is None else self.text.max_tokens

    @property
    def samplers(self) -> frozenset[str]:
        """The names of those that work on this model's noise schedule."""
        return samplers_of(self._schedule)

    @property
    def default_sampler(self) -> str:
        return "edm_euler" if self._schedule is Schedule.EDM else self.family.default_sampler

    @property
    def _schedule(self) -> Schedule:
        preconditioned = str(self.parts.scheduler.get("_class_name", "")).startswith("EDM")
        return Schedule.EDM if preconditioned else self.family.schedules[0]

    def sampler(self, name: str) -> Sampler:
        """The sampler `name`, or the family's own for an empty name, with this model's noise schedule."""
        name = name or self.default_sampler
        if name not in self.samplers:
            raise ModelError(f"This model has no sampler “{name}”; it has {', '.join(sorted(self.samplers))}.")
        if name not in self._samplers:
            try:
                self._samplers[name] = Sampler(name, self.scheduler_config)
            except Exception as error:  # of a damaged config, whatever diffusers' scheduler stumbles over
                raise ModelError(
                    f"The model's noise schedule is damaged, or not for this sampler: {first_line(error)}."
                ) from error
        return self._samplers[name]

    def condition(self, text: str | None) -> Condition | None:
        """The encoded prompt, from the cache where possible; None for a model that reads no prompts."""
        if self.prompts is None:
            return None
        return self.prompts.against(None) if text is None else self.prompts.get(text)

    def example(self, images: int = 1) -> Request:
        """A request that this model can draw, in two steps: to warm up, and to see that it draws."""
        request = text_to_image("a warm-up", seed=0, size=self.native_size, images=images, num_inference_steps=2)
        if not self.family.needs_reference:
            return request
        width, height = self.native_size
        return replace(request, controls=(Reference(np.full((height, width, 3), 127, np.uint8)),))

    def example_video(self) -> Request:
        """A short video that goes on from a picture, for a family that draws videos."""
        request = self.example()
        size = replace(request.size, frames=1 + self.family.frames_per_latent)
        picture = np.full((size.height, size.width, 3), 127, np.uint8)
        return replace(request, size=size, controls=(FirstFrame(picture),))

    def latent_shape(self, size: Size) -> tuple[int, ...]:
        """(C, h, w) of one image of this size, (C, F, h, w) of a video."""
        factor = self.pixels_per_latent
        sides = size.height // factor, size.width // factor
        if size.frames == 1:
            return self.family.latent_channels, *sides
        return self.family.latent_channels, 1 + (size.frames - 1) // self.family.frames_per_latent, *sides


def assemble(
    kind: type[Family],
    parts: Parts,
    *,
    fingerprint: str = "",
    device: torch.device | None = None,
    dtype: torch.dtype = torch.float32,
    adapters: Adapters | None = None,
) -> Bundle:
    """A bundle of this family from its parts, which are put into the state they serve in."""
    for module in parts.modules.values():
        if isinstance(module, torch.nn.Module):
            module.eval().requires_grad_(False)
    parts = replace(parts, scheduler=kind.schedule(parts.scheduler))
    family = kind(parts)
    vae = parts.modules.get("vae")
    if vae is not None:
        scale, shift = vae.config.get("scaling_factor", 1.0), vae.config.get("shift_factor")
        if not isinstance(scale, int | float) or not scale or not math.isfinite(scale):
            raise ModelError(f"The autoencoder's config is damaged: its scaling_factor is {scale!r}.")
        if shift is not None and not (isinstance(shift, int | float) and math.isfinite(shift)):
            raise ModelError(f"The autoencoder's config is damaged: its shift_factor is {shift!r}.")
    if vae is not None and codec(vae).channels(vae) != family.latent_channels:
        raise ModelError(
            f"The autoencoder gives latents of {codec(vae).channels(vae)} channels, "
            f"the denoiser takes {family.latent_channels}: they belong to different models."
        )
    place = device or torch.device("cpu")
    return Bundle(family, parts, kind.text(parts), fingerprint, place, dtype, adapters or Adapters())


def taught(bundle: Bundle, denoiser: Any) -> Bundle:
    """`bundle` with another denoiser, its student. ModelError where the two read or give something else."""
    own = bundle.denoiser
    for name in ("in_channels", "out_channels", "cross_attention_dim", "sample_size"):
        theirs, ours = denoiser.config.get(name), own.config.get(name)
        if theirs != ours:
            raise ModelError(f"The student has {name} {theirs}, the model {ours}: it was taught by another one.")
    parts = replace(bundle.parts, modules={**bundle.parts.modules, bundle.family.denoiser_part: denoiser})
    return assemble(
        type(bundle.family),
        parts,
        fingerprint=f"{bundle.fingerprint}-student",
        device=bundle.device,
        dtype=bundle.dtype,
        adapters=bundle.adapters,
    )


def _fingerprint_of_weights(bundle: Bundle) -> str:
    """For bundles built in memory: the denoiser's weights themselves."""
    digest = hashlib.sha256()
    for name, weight in bundle.denoiser.state_dict().items():
        digest.update(f"{name} {tuple(weight.shape)}".encode())
        digest.update(weight.flatten()[:64].float().cpu().numpy().tobytes())
    return digest.hexdigest()[:8]
