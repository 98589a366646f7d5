"""One request's walk from noise to clean latents, a step at a time.

A walk holds all that a request needs between two steps (latents, timesteps, scheduler history, embeddings, generators),
so the engine can advance many walks in one forward, and a walk nobody advances costs nothing and forgets nothing.
"""

from dataclasses import dataclass

import numpy as np
import torch

from model import schedulers, seeds, text, vae
from model.components import Bundle
from model.errors import ModelError
from model.families import Condition
from model.request import MAX_IMAGES, Request

_CHAOS, _WEIRD = 0, 1  # side streams of an image's seed
MAX_STEPS = 1000

Conditions = list[Condition | None]
"""One per image of a request; None where the model reads no prompts."""


@dataclass(frozen=True)
class Shortcuts:
    """What an operator may trade for speed; nothing by default. Never reachable from a prompt.

    guidance_interval: the share of the walk (0..1, from noise to picture) in which guidance is on. Outside it the
    negative rows are left out (Kynkäänniemi et al. 2024, arXiv 2404.07724).
    deep_every: only every so many steps of a walk, the first included, is the denoiser's deep part computed; the steps
    between take it from before (`model.families.reuse`). 1 is every step. UNets only.
    """

    guidance_interval: tuple[float, float] = (0.0, 1.0)
    deep_every: int = 1

    def __post_init__(self) -> None:
        low, high = self.guidance_interval
        if not 0 <= low <= high <= 1:
            raise ModelError(f"`guidance_interval` is two shares of the walk such as (0.1, 0.8), not ({low}, {high}).")
        if self.deep_every < 1:
            raise ModelError(f"`deep_every` counts steps and starts at 1, which is off; not {self.deep_every}.")

    def check(self, bundle: Bundle) -> None:
        """Raise ModelError for what this model has no use for."""
        if self.deep_every > 1 and not bundle.family.reuses:
            raise ModelError(
                f"A {type(bundle.denoiser).__name__} has no deep part to keep over steps: "
                f"leave `deep_every` out for this model, or set it to 1."
            )


@dataclass(frozen=True, eq=False)
class Prediction:
    """What a forward gave one walk: `output` (R, C, h, w) for its rows, and `deep` (R, D, h, w) where it is kept."""

    output: torch.Tensor
    deep: torch.Tensor | None = None


def check(bundle: Bundle, request: Request) -> None:
    """Raise ModelError for what this model cannot draw, before any work is done."""
    grid = bundle.grid
    if not 1 <= len(request.noises) <= MAX_IMAGES:
        raise ModelError(f"A request holds 1 to {MAX_IMAGES} images, not {len(request.noises)}.")
    if min(request.width, request.height) < grid or request.width % grid or request.height % grid:
        raise ModelError(
            f"{request.width}x{request.height} does not fit: this model draws in multiples of {grid} pixels."
        )
    if not 1 <= request.num_inference_steps <= MAX_STEPS:
        raise ModelError(f"The number of steps is 1 to {MAX_STEPS}, not {request.num_inference_steps}.")
    for name in ("stop_at", "strength", "chaos", "weird"):
        if not 0 <= getattr(request, name) <= 1:
            raise ModelError(f"`{name}` is a share between 0 and 1, not {getattr(request, name)}.")
    if request.prompt and sum(weight for _, weight in request.prompt) <= 0:
        raise ModelError("The weights of a prompt's parts must add up to more than zero.")
    if request.mask is not None and (request.image is None or request.mask.shape[:2] != request.image.shape[:2]):
        raise ModelError("A mask needs an image of its own size.")
    if request.image is not None and request.image.shape != (request.height, request.width, 3):
        raise ModelError(f"The image must be {request.height}x{request.width}x3 like the picture asked for.")
    bundle.sampler(request.sampler)


class Walk:
    """Begin with `Walk(bundle, request)`, then `rows()`, a forward, `advance()` until `done`. `latents` is the result.

    latents: (n, C, h, w) float32, n images. step: steps taken of `steps`. clean: the latest idea of the result.
    deep: the denoiser's deep part for the rows of the last step, where it is kept.
    """

    def __init__(self, bundle: Bundle, request: Request, shortcuts: Shortcuts | None = None) -> None:
        check(bundle, request)
        self.request = request
        self._shortcuts = shortcuts or Shortcuts()
        self._sampler = bundle.sampler(request.sampler)
        self.scheduler = self._sampler.fresh()
        shape = bundle.latent_shape(request.width, request.height)
        # Timesteps stay on the CPU: schedulers look at them each step, and must not wait for a card to do so.
        schedulers.set_timesteps(
            self.scheduler, request.num_inference_steps, torch.device("cpu"), bundle.family.image_tokens(*shape[1:])
        )
        draws = [seeds.draw(noise, shape) for noise in request.noises]
        self._generators = [generator for _, generator in draws]
        noise = torch.cat([drawn for drawn, _ in draws]).to(bundle.device)

        self._original = _starting_latents(bundle, request)  # (1 or n, C, h, w), None to start from noise alone
        begin = self._begin(request)
        self._timesteps = self.scheduler.timesteps[begin:]
        if hasattr(self.scheduler, "set_begin_index"):
            self.scheduler.set_begin_index(begin)
        self._first = begin
        self._noise = noise
        if self._original is None:
            self.latents = noise * float(getattr(self.scheduler, "init_noise_sigma", 1.0))
        elif len(self._timesteps):
            self.latents = self._noised(self._timesteps[:1])
        else:  # strength 0: nothing to do, the picture stays as it is
            self.latents = self._original.expand_as(noise).clone()
        self._keep = _latent_mask(request, self.latents)
        self.clean = self.latents
        self.step = 0
        self.steps = max(min(1, len(self._timesteps)), round(len(self._timesteps) * request.stop_at))
        self._positive, self._negative = _conditions(bundle, request)
        self.deep: torch.Tensor | None = None

    def _begin(self, request: Request) -> int:
        """How many of the scheduler's timesteps `strength` leaves out, as in diffusers' image-to-image."""
        if self._original is None:
            return 0
        strength = request.strength
        if request.image is None and request.latents is None:
            strength = 1 / (1 + 0.5 * sum(max(0.0, weight) for _, weight in request.image_prompts))
        steps = len(self.scheduler.timesteps)
        return max(steps - min(int(steps * strength), steps), 0)

    @property
    def done(self) -> bool:
        return self.step >= self.steps

    @property
    def images(self) -> int:
        return len(self.latents)

    @property
    def timestep(self) -> torch.Tensor:
        return self._timesteps[self.step]

    @property
    def _guided(self) -> bool:
        if self._negative is None:
            return False
        low, high = self._shortcuts.guidance_interval
        return low <= self.step / max(1, len(self._timesteps)) <= high

    @property
    def row_count(self) -> int:
        """Rows the next step adds to a forward: images x (parts of the prompt, and one more under guidance)."""
        return self.images * (len(self._positive) + self._guided)

    @property
    def reusable(self) -> torch.Tensor | None:
        """The deep part (R, D, h, w) that serves the next step, None where that is computed in full.

        The schedule is the walk's own and counts its steps, so that a picture does not depend on its company.
        """
        if self.deep is None or self.step % self._shortcuts.deep_every == 0 or len(self.deep) != self.row_count:
            return None  # other rows: guidance has just begun or ended
        return self.deep

    def rows(self) -> tuple[torch.Tensor, torch.Tensor, list[Condition | None]]:
        """Inputs of the next step: latents (R, C, h, w), timesteps (R,), conditions (R); negatives first."""
        scaled = self.latents
        if self._sampler.scales_input:
            scaled = self.scheduler.scale_model_input(scaled, self.timestep)
        groups = (
            [self._negative, *(part for part, _ in self._positive)]
            if self._guided
            else [part for part, _ in self._positive]
        )
        conditions = [condition for group in groups if group is not None for condition in group]
        latents = torch.cat([scaled] * len(groups)) if len(groups) > 1 else scaled
        return latents, self.timestep.expand(len(latents)), conditions

    def advance(self, prediction: Prediction) -> None:
        """Take the step, given what a forward predicts for `rows()`."""
        parts = list(prediction.output.split(self.images))
        self.deep = prediction.deep
        if self._guided:
            unconditional = parts.pop(0)
            guided = unconditional
            for part, (_, weight) in zip(parts, self._positive, strict=True):
                guided = guided + (self.request.guidance_scale * weight) * (part - unconditional)
        elif len(parts) == 1:
            guided = parts[0]
        else:
            guided = sum(part * weight for part, (_, weight) in zip(parts, self._positive, strict=True))
        before = self.latents
        extra = {"generator": self._generators} if self._sampler.takes_generator else {}
        output = self.scheduler.step(guided, self.timestep, before, **extra)
        self.clean = schedulers.predicted_clean(self.scheduler, output, before, guided, self._first + self.step)
        self.latents = output.prev_sample
        self.step += 1
        if self._keep is not None:
            self._restore_kept(self._keep)

    def _noised(self, timestep: torch.Tensor) -> torch.Tensor:
        """The original at the noise level of `timestep` (1,)."""
        assert self._original is not None
        original = self._original.expand_as(self._noise)
        timesteps = timestep.expand(len(self._noise))
        if hasattr(self.scheduler, "add_noise"):
            return self.scheduler.add_noise(original, self._noise, timesteps)
        return self.scheduler.scale_noise(original, timesteps, self._noise)

    def _restore_kept(self, keep: torch.Tensor) -> None:
        """Inpainting: outside the mask, put the original back at the present noise level."""
        assert self._original is not None
        last = self.step >= len(self._timesteps)
        original = self._original if last else self._noised(self._timesteps[self.step : self.step + 1])
        self.latents = torch.lerp(self.latents, original.expand_as(self.latents), keep)
        self.clean = torch.lerp(self.clean, self._original.expand_as(self.clean), keep)

    def result(self) -> torch.Tensor:
        """The latents to decode: the last step's, or the scheduler's idea of them when stopped early."""
        return self.latents if self.step >= len(self._timesteps) else self.clean


def _starting_latents(bundle: Bundle, request: Request) -> torch.Tensor | None:
    """Clean latents the walk starts from, None for pure noise. (1 or n, C, h, w) float32."""
    if request.latents is not None:
        latents = torch.from_numpy(np.asarray(request.latents, dtype=np.float32)).to(bundle.device)
        latents = latents.unsqueeze(0) if latents.ndim == 3 else latents
        shape = bundle.latent_shape(request.width, request.height)
        if latents.shape[1:] != shape or len(latents) not in (1, len(request.noises)):
            raise ModelError(f"Start latents must be {shape} each, one or one per image, not {tuple(latents.shape)}.")
        return latents
    if request.image is not None:
        return vae.encode(bundle.vae, request.image, bundle.device, torch.float32)
    if not request.image_prompts:
        return None
    weights = [max(0.0, weight) for _, weight in request.image_prompts]
    if not sum(weights):
        return None
    encoded = [
        vae.encode(bundle.vae, vae.fit(picture, request.width, request.height), bundle.device, torch.float32) * weight
        for (picture, _), weight in zip(request.image_prompts, weights, strict=True)
    ]
    return torch.stack(encoded).sum(0) / sum(weights)


def _latent_mask(request: Request, latents: torch.Tensor) -> torch.Tensor | None:
    """(1, 1, h, w) share of the original to keep at each latent position, None without a mask."""
    if request.mask is None:
        return None
    paint = torch.from_numpy(vae.mask_share(request.mask)).to(latents.device)[None, None]
    return 1 - torch.nn.functional.interpolate(paint, size=latents.shape[-2:], mode="area")


def _conditions(bundle: Bundle, request: Request) -> tuple[list[tuple[Conditions, float]], Conditions | None]:
    """Per part of the prompt its condition for each image and its weight (summing to 1); the negative ones or None."""
    images = len(request.noises)
    unconditional: Conditions = [None] * images
    if bundle.prompts is None:
        return [(unconditional, 1.0)], None
    total = sum(weight for _, weight in request.prompt) or 1.0
    weighted = [(bundle.prompts.get(part), weight / total) for part, weight in request.prompt]
    weighted = weighted or [(bundle.prompts.get(None), 1.0)]
    if request.mixing == "blend" and len(weighted) > 1:
        weighted = [(text.blend(weighted), 1.0)]
    positive: list[tuple[Conditions, float]] = [
        ([_strayed(condition, request, image) for image in range(images)], weight) for condition, weight in weighted
    ]
    if request.guidance_scale <= 1.0 or not request.prompt:
        return positive, None
    against = ", ".join(part for part in request.negative_prompt if part.strip()) or None
    negative: Conditions = [bundle.prompts.get(against)] * images
    return positive, negative


def _strayed(condition: Condition, request: Request, image: int) -> Condition:
    noise = request.noises[image]
    if request.chaos:
        condition = text.stray(condition, request.chaos, seeds.side_stream(noise, _CHAOS))
    if request.weird:  # the same direction for all images of a seed: they go astray together
        together = type(noise)(noise.seed, 0)
        condition = text.stray(condition, request.weird, seeds.side_stream(together, _WEIRD))
    return condition
