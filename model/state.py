"""One request on its way from noise to clean latents, a step at a time.

Its state holds all that the request needs between two steps (latents, timesteps, scheduler history, embeddings,
generators), so the engine can advance many requests in one forward, and one that nobody advances costs nothing and
forgets nothing.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch

from model import areas, schedulers, seeds, text, vae
from model.components import Bundle
from model.errors import ModelError
from model.families import Condition, Guidance
from model.family import Hint, Likeness, Weight
from model.request import (
    MAX_IMAGES,
    ControlNetUse,
    FirstFrame,
    IPAdapterUse,
    LoraUse,
    NoiseSource,
    Pixels,
    Prompt,
    Reference,
    Request,
    Size,
)
from model.ways import TORCH

_CHAOS, _WEIRD = 0, 1  # side streams of an image's seed
MAX_STEPS = 1000

Conditions = list[Condition | None]
"""One per image of a request; None where the model reads no prompts."""


@dataclass(frozen=True)
class Shortcuts:
    """What an operator may trade for speed; nothing by default. Never reachable from a prompt.

    guidance_interval: the share of the steps (0..1, from noise to picture) in which guidance is on. Outside it the
    negative rows are left out (Kynkäänniemi et al. 2024, arXiv 2404.07724). A picture that goes on from another one
    begins where its schedule begins.
    deep_every: only every so many steps of a request, the first included, is the denoiser's deep part computed; the
    steps between take it from before: of UNets all but the outermost level (`model.families.reuse`), of transformers
    the blocks after the first (`model.families.first_block`). 1 is every step.
    """

    guidance_interval: tuple[float, float] = (0.0, 1.0)
    deep_every: int = 1

    def __post_init__(self) -> None:
        low, high = self.guidance_interval
        if not 0 <= low <= high <= 1:
            raise ModelError(f"`guidance_interval` is two shares of the steps such as (0.1, 0.8), not ({low}, {high}).")
        if self.deep_every < 1:
            raise ModelError(f"`deep_every` counts steps and starts at 1, which is off; not {self.deep_every}.")

    def check(self, bundle: Bundle) -> None:
        """Raise ModelError for what this model has no use for."""
        if self.deep_every > 1 and bundle.family.denoiser_part in bundle.placement.streamed:
            raise ModelError(
                "`deep_every` needs a denoiser that stays on the device, and there is no room for this one: "
                "leave `deep_every` out for this model, or quantise it."
            )
        if self.deep_every > 1 and not bundle.family.reuses:
            raise ModelError(
                f"A {type(bundle.denoiser).__name__} has no deep part to keep over steps: "
                f"leave `deep_every` out for this model, or set it to 1."
            )


@dataclass(frozen=True, eq=False)
class Prediction:
    """What a forward gave one request: `output` (R, C, h, w) for its rows, and `deep` (R, D, h, w) where it is kept.
    `way` is what ran it, as in `model.ways`."""

    output: torch.Tensor
    deep: torch.Tensor | None = None
    way: str = TORCH


def check(bundle: Bundle, request: Request) -> None:
    """Raise ModelError for what this model cannot draw, before any work is done."""
    bundle.drawing(request)
    grid, size, sampling, prompt = bundle.grid, request.size, request.sampling, request.prompt
    if not 1 <= len(request.noises) <= MAX_IMAGES:
        raise ModelError(f"A request holds 1 to {MAX_IMAGES} images, not {len(request.noises)}.")
    if min(size.width, size.height) < grid or size.width % grid or size.height % grid:
        raise ModelError(f"{size.width}x{size.height} does not fit: this model draws in multiples of {grid} pixels.")
    if not 1 <= sampling.num_inference_steps <= MAX_STEPS:
        raise ModelError(f"The number of steps is 1 to {MAX_STEPS}, not {sampling.num_inference_steps}.")
    shares = {"stop_at": sampling.stop_at, "chaos": prompt.chaos, "weird": prompt.weird}
    if request.start is not None:
        shares["strength"] = request.start.strength
    for name, share in shares.items():
        if not 0 <= share <= 1:
            raise ModelError(f"`{name}` is a share between 0 and 1, not {share}.")
    if prompt.parts and sum(weight for _, weight in prompt.parts) <= 0:
        raise ModelError("The weights of a prompt's parts must add up to more than zero.")
    if request.areas and bundle.prompts is None:
        raise ModelError("This model reads no words, so parts of its pictures cannot have words of their own.")
    for area in request.areas:
        if not 0 <= area.strength <= 1:
            raise ModelError(f"An area's strength is a share between 0 and 1, not {area.strength}.")
    if request.start is not None and sum(weight for _, weight in request.start.pictures) <= 0:
        raise ModelError("The weights of the pictures to start from must add up to more than zero.")
    if request.keep is not None:
        if request.keep.picture.shape != (size.height, size.width, 3):
            raise ModelError(f"The picture to keep must be {size.height}x{size.width}x3 like the picture asked for.")
        if request.keep.mask.shape[:2] != (size.height, size.width):
            raise ModelError("A mask needs the size of the picture it keeps.")
    known: dict[type, tuple[str, Mapping[str, Any]]] = {
        LoraUse: ("LoRA", bundle.adapters.loras),
        ControlNetUse: ("ControlNet", bundle.adapters.controlnets),
        IPAdapterUse: ("IP-Adapter", bundle.adapters.ip_adapters),
    }
    for control in request.controls:
        if isinstance(control, Reference | FirstFrame):
            continue
        what, there = known[type(control)]
        if control.name not in there:
            have = ", ".join(sorted(there)) or "none"
            raise ModelError(f"This model was loaded without a {what} “{control.name}”; it has {have}.")
    _check_frames(bundle, request)
    references = sum(isinstance(control, Reference) for control in request.controls)
    if references > bundle.family.max_references:
        most = bundle.family.max_references or "no"
        raise ModelError(f"A {bundle.family.name} model looks at {most} reference pictures, not at {references}.")
    if bundle.family.needs_reference and not references:
        raise ModelError(f"A {bundle.family.name} model changes pictures: give it one.")
    if (request.start or request.keep) and not bundle.sampler(sampling.sampler).noises:
        raise ModelError(f"A {bundle.family.name} model draws from noise alone: it takes no picture to begin with.")
    bundle.sampler(sampling.sampler)


def _check_frames(bundle: Bundle, request: Request) -> None:
    """Raise ModelError for a video that this model cannot draw."""
    frames, at_a_time = request.size.frames, bundle.family.frames_per_latent
    begins = sum(isinstance(control, FirstFrame) for control in request.controls)
    if frames == 1 and not begins:
        return
    if not at_a_time:
        raise ModelError(f"A {bundle.family.name} model draws pictures that stand still, one frame each.")
    if frames < 2 or (frames - 1) % at_a_time:
        raise ModelError(f"A video of this model has 1 frame and multiples of {at_a_time} more, not {frames} frames.")
    if begins > 1:
        raise ModelError(f"A video begins with one picture, not with {begins}.")
    if request.start or request.keep or request.areas or request.size.tile:
        raise ModelError(
            "A video is drawn from noise: it starts from no picture but its first frame, and has no parts."
        )


class DenoisingState:
    """Begin with `DenoisingState(bundle, request)`, then `rows()`, a forward, `advance()` until `done`.

    latents: (n, C, h, w) float32, n images; (n, C, F, h, w) of videos. step: steps taken of `steps`. clean: the latest
    idea of the result. deep: the denoiser's deep part for the rows of the last step, where it is kept.
    """

    def __init__(self, bundle: Bundle, request: Request, shortcuts: Shortcuts | None = None) -> None:
        check(bundle, request)
        bundle = bundle.drawing(request)
        self.request = request
        self._family = bundle.family
        self._shortcuts = shortcuts or Shortcuts()
        if any(not isinstance(control, LoraUse | Reference) for control in request.controls):
            self._shortcuts = replace(self._shortcuts, deep_every=1)  # what steers also changes the deep part
        self._sampler = bundle.sampler(request.sampling.sampler)
        self.scheduler = self._sampler.fresh()
        steps, shape = request.sampling.num_inference_steps, bundle.latent_shape(request.size)
        arguments = bundle.family.timestep_arguments(steps, shape[1:], self.scheduler.config)
        schedulers.set_timesteps(self.scheduler, steps, arguments)
        draws = [seeds.draw(noise, shape) for noise in request.noises]
        self._generators = [generator for _, generator in draws]
        self._noise = torch.cat([drawn for drawn, _ in draws]).to(bundle.device)
        kept = None if request.keep is None else vae.encode(bundle.vae, request.keep.picture, bundle.device)
        started = _starting_latents(bundle, request)
        self._original = kept  # (1, C, h, w), what inpainting keeps
        self._keep = None if bundle.family.takes_mask else _latent_mask(request, self._noise)
        self._begin(started, 1.0 if request.start is None else request.start.strength)
        self.clean = self.latents
        self.step = 0
        self.steps = max(min(1, len(self._timesteps)), round(len(self._timesteps) * request.sampling.stop_at))
        self._positive, self._negative = _conditions(bundle, request)
        self.batch_key = (
            bundle.family.batch_key(self._noise, self._positive[0][0][0]),
            request.size.tile,
            request.sampling.student,
        )
        self.deep: torch.Tensor | None = None
        self._areas = areas.weights(request.areas, shape, bundle.device) if request.areas else []
        self._blank = areas.blank(bundle, request.size) if request.areas else None

    def _begin(self, started: torch.Tensor | None, strength: float) -> None:
        """Set the latents of the first step, and leave out the timesteps that `strength` leaves out."""
        noise = self._noise
        first = 0 if started is None else self._sampler.first_step(self.scheduler, strength)
        self._first = first
        self._timesteps = schedulers.timesteps_of(self.scheduler)[first:]
        if hasattr(self.scheduler, "set_begin_index"):
            self.scheduler.set_begin_index(first)
        if started is None or (self._original is not None and strength == 1.0):  # as diffusers' inpainting does
            self.latents = noise * float(getattr(self.scheduler, "init_noise_sigma", 1.0))
        elif len(self._timesteps):
            self.latents = self._noised(started, self._timesteps[:1])
        else:  # strength 0: nothing to do, the picture stays as it is
            self.latents = started.expand_as(noise).clone()

    @property
    def done(self) -> bool:
        return self.step >= self.steps

    @property
    def images(self) -> int:
        return len(self.latents)

    @property
    def timestep(self) -> torch.Tensor:
        timestep: torch.Tensor = self._timesteps[self.step]
        return timestep

    @property
    def _guided(self) -> bool:
        if self._negative is None:
            return False
        low, high = self._shortcuts.guidance_interval
        return low <= (self._first + self.step) / max(1, self._first + len(self._timesteps)) <= high

    @property
    def row_count(self) -> int:
        """Rows the next step adds to a forward: images x (parts of the prompt, and one more under guidance)."""
        return self.images * (len(self._positive) + self._guided)

    @property
    def reusable(self) -> torch.Tensor | None:
        """The deep part (R, D, h, w) that serves the next step, None where that is computed in full.

        The schedule is the request's own and counts its steps, so that a picture does not depend on its company.
        """
        if self.deep is None or self.step % self._shortcuts.deep_every == 0 or len(self.deep) != self.row_count:
            return None  # other rows: guidance has just begun or ended
        return self.deep

    def rows(self) -> tuple[torch.Tensor, torch.Tensor, Conditions]:
        """Inputs of the next step: latents (R, C, h, w), timesteps (R,), conditions (R); negatives first."""
        scaled = self.latents
        if self._sampler.scales_input:
            scaled = self.scheduler.scale_model_input(scaled, self.timestep)
        groups = [part for part, _ in self._positive]
        if self._guided and self._negative is not None:
            groups = [self._negative, *groups]
        conditions = [condition for group in groups for condition in group]
        seen = [scaled] * (len(groups) - len(self._areas)) + self._seen_by_areas(scaled)
        latents = torch.cat(seen) if len(seen) > 1 else scaled
        return latents, self.timestep.expand(len(latents)), conditions

    def advance(self, prediction: Prediction) -> None:
        """Take the step, given what a forward predicts for `rows()`."""
        outputs = list(torch.split(prediction.output, self.images))
        self.deep = prediction.deep
        weights = self._weights()
        if self._guided:
            against = outputs.pop(0)
            parts = list(zip(outputs, weights, strict=True))
            guided = self._family.guided(parts, against, self.request.sampling.guidance_scale)
        elif len(outputs) == 1:
            guided = outputs[0]
        else:
            guided = torch.stack([part * weight for part, weight in zip(outputs, weights, strict=True)]).sum(0)
        before = self.latents
        extra = {"generator": self._generators} if self._sampler.takes_generator else {}
        output = self.scheduler.step(guided, self.timestep, before, **extra)
        self.clean = schedulers.predicted_clean(self.scheduler, output, before, guided, self._first + self.step)
        self.latents = output.prev_sample
        self.step += 1
        if self._keep is not None:
            self._restore_kept(self._keep)

    def _weights(self) -> list[Weight]:
        """How much each group of rows counts; within areas the whole prompt counts for what they leave."""
        weights: list[Weight] = [weight for _, weight in self._positive]
        if not self._areas:
            return weights
        rest = 1 - torch.stack(self._areas).sum(0)
        return [*(weight * rest for weight in weights[: -len(self._areas)]), *self._areas]

    def _seen_by_areas(self, scaled: torch.Tensor) -> list[torch.Tensor]:
        """The latents that each area's rows see: at first their own part alone, on white; then all."""
        if self._blank is None or self.step >= areas.ALONE * len(self._timesteps):
            return [scaled] * len(self._areas)
        around = self._noised(self._blank, self._timesteps[self.step : self.step + 1])
        if self._sampler.scales_input:
            around = self.scheduler.scale_model_input(around, self.timestep)
        return [torch.lerp(around, scaled, (area > 0).to(scaled)) for area in self._areas]

    def _noised(self, original: torch.Tensor, timestep: torch.Tensor) -> torch.Tensor:
        """`original` (1, C, h, w) at the noise level of `timestep` (1,), one for each image's noise."""
        original = original.expand_as(self._noise)
        timesteps = timestep.expand(len(self._noise))
        noised: torch.Tensor
        if hasattr(self.scheduler, "add_noise"):
            noised = self.scheduler.add_noise(original, self._noise, timesteps)
        else:
            noised = self.scheduler.scale_noise(original, timesteps, self._noise)
        return noised

    def _restore_kept(self, keep: torch.Tensor) -> None:
        """Inpainting: outside the mask, put the original back at the present noise level."""
        assert self._original is not None
        last = self.step >= len(self._timesteps)
        original = self._original if last else self._noised(self._original, self._timesteps[self.step : self.step + 1])
        self.latents = torch.lerp(self.latents, original.expand_as(self.latents), keep)
        self.clean = torch.lerp(self.clean, self._original.expand_as(self.clean), keep)

    def result(self) -> torch.Tensor:
        """The latents to decode: the last step's, or the scheduler's idea of them when stopped early."""
        return self.latents if self.step >= len(self._timesteps) else self.clean


def _starting_latents(bundle: Bundle, request: Request) -> torch.Tensor | None:
    """Clean latents to start from (1, C, h, w), None for pure noise."""
    if request.start is None:
        return None
    total = sum(weight for _, weight in request.start.pictures)
    size = request.size
    latents = [
        (vae.encode(bundle.vae, vae.fit(picture, size.width, size.height), bundle.device), weight / total)
        for picture, weight in request.start.pictures
    ]
    mixed = torch.stack([one * share for one, share in latents]).sum(0)
    return mixed if len(latents) == 1 else as_lively(mixed, latents)


def as_lively(mixed: torch.Tensor, latents: Sequence[tuple[torch.Tensor, float]]) -> torch.Tensor:
    """A mean of pictures with as much contrast as they have: of n that have nothing in common it has 1/sqrt(n) of it,
    and what is drawn from there is murky."""
    middle, spread = mixed.mean((-2, -1), keepdim=True), mixed.std((-2, -1), keepdim=True)
    theirs = torch.stack([one.std((-2, -1), keepdim=True) * share for one, share in latents]).sum(0)
    return middle + (mixed - middle) * (theirs / spread.clamp(min=1e-6)).clamp(1, len(latents) ** 0.5)


def _latent_mask(request: Request, latents: torch.Tensor) -> torch.Tensor | None:
    """(1, 1, h, w) share of the original to keep at each latent position, None without a mask."""
    if request.keep is None:
        return None
    paint = torch.from_numpy(vae.mask_share(request.keep.mask)).to(latents.device)[None, None]
    return 1 - torch.nn.functional.interpolate(paint, size=latents.shape[-2:], mode="area")


def _conditions(bundle: Bundle, request: Request) -> tuple[list[tuple[Conditions, float]], Conditions | None]:
    """Per part of the prompt its condition for each image and its weight (summing to 1); the negative ones or None."""
    prompt, family, scale = request.prompt, bundle.family, request.sampling.guidance_scale
    if bundle.prompts is None:
        return [([None] * len(request.noises), 1.0)], None
    seen = tuple(control.picture for control in request.controls if isinstance(control, Reference))
    loras = tuple((control.name, control.weight) for control in request.controls if isinstance(control, LoraUse))
    reading = tuple(use for use in loras if bundle.adapters.loras[use[0]].reads)
    hints = tuple(
        Hint(control.name, _hint(control.picture, request.size).to(bundle.device), control.scale)
        for control in request.controls
        if isinstance(control, ControlNetUse)
    )
    looks = [control for control in request.controls if isinstance(control, IPAdapterUse)]
    tokens = [bundle.adapters.ip_adapters[look.name].tokens(look.picture) for look in looks]
    like, unlike = (
        tuple(
            Likeness(look.name, both[which], look.scale, look.style_only)
            for look, both in zip(looks, tokens, strict=True)
        )
        for which in (0, 1)
    )
    beside: dict[str, Any] = {
        "loras": loras,
        "controls": hints,
        "likenesses": like,
        "references": (
            *(_reference(bundle, picture) for picture in seen),
            *(
                _first_frame(bundle, control, request.size)
                for control in request.controls
                if isinstance(control, FirstFrame)
            ),
        ),
    }
    if family.takes_mask:
        beside["channels"] = _mask_channels(bundle, request)
    if family.guidance is Guidance.EMBEDDED:
        beside["guidance"] = scale
    beside = {name: value for name, value in beside.items() if value != ()}

    def with_all(condition: Condition) -> Condition:
        return replace(condition, **beside) if beside else condition

    prompts = bundle.prompts
    parts = prompts.shown(prompt.parts)
    total = sum(weight for _, weight in parts) or 1.0

    def styled(part: str) -> Condition:
        plain = prompts.get(part, seen, reading)
        phrased = [(prompts.get(f"{part}, {phrase}", seen, reading), share) for phrase, share in prompt.styles]
        return text.mixed(plain, phrased)

    weighted = [(with_all(styled(part)), weight / total) for part, weight in parts]
    weighted = weighted or [(with_all(prompts.against(None, seen, reading)), 1.0)]
    positive: list[tuple[Conditions, float]] = [
        ([_strayed(one, prompt, noise) for noise in request.noises], weight) for one, weight in weighted
    ]
    for area in request.areas:
        words = with_all(prompts.get(area.text, seen, reading))
        positive.append(([_strayed(words, prompt, noise) for noise in request.noises], 1.0))
    if family.guidance is not Guidance.CLASSIFIER_FREE or scale <= 1.0 or not prompt.parts:
        return positive, None
    against = ", ".join(part for part in prompt.negatives if part.strip()) or None
    away = with_all(prompts.against(against, seen, reading))
    if unlike:
        away = replace(away, likenesses=unlike)
    return positive, [away] * len(request.noises)


def _hint(picture: Pixels, size: Size) -> torch.Tensor:
    """(3, H, W) in 0..1 of the size asked for."""
    return torch.tensor(vae.fit(picture, size.width, size.height)).permute(2, 0, 1).float() / 255


def _reference(bundle: Bundle, picture: Pixels) -> torch.Tensor:
    """Clean latents (C, h, w) of a picture that the model looks at."""
    return vae.encode_pixels(bundle.vae, bundle.family.reference(picture).to(bundle.device))[0]


def _first_frame(bundle: Bundle, frame: FirstFrame, size: Size) -> torch.Tensor:
    """Clean latents (C, h, w) of what a video begins with."""
    return vae.encode(bundle.vae, vae.fit(frame.picture, size.width, size.height), bundle.device)[0]


def _mask_channels(bundle: Bundle, request: Request) -> torch.Tensor:
    """(E, h, w): what the denoiser is to see of the mask and of what is kept; all is painted without a mask."""
    size = request.size
    if request.keep is None:
        paint = torch.ones(1, 1, size.height, size.width)
        kept = torch.zeros(1, 3, size.height, size.width)
    else:
        share = torch.from_numpy(vae.mask_share(request.keep.mask))[None, None]
        paint = (share >= 0.5).float()
        kept = vae.to_unit_range(request.keep.picture, torch.device("cpu")) * (paint < 0.5)
    masked = vae.encode_pixels(bundle.vae, kept.to(bundle.device))
    return bundle.family.mask_channels(paint.to(masked.device), masked)[0]


def _strayed(condition: Condition, prompt: Prompt, noise: NoiseSource) -> Condition:
    if prompt.chaos:
        condition = text.stray(condition, prompt.chaos, seeds.side_stream(noise, _CHAOS))
    if prompt.weird:  # the same direction for all images of a seed: they go astray together
        together = NoiseSource(noise.seed, 0)
        condition = text.stray(condition, prompt.weird, seeds.side_stream(together, _WEIRD))
    return condition
