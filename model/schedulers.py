"""Samplers by name: a fresh scheduler for every request, made from the model's own scheduler config: diffusers', or one
of `model.solvers` that is its equal."""

import copy
import inspect
import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import torch

from model.errors import ModelError
from model.solvers import SOLVERS


class Schedule(StrEnum):
    """What noise schedule a model was trained on; a sampler works on one kind only."""

    DIFFUSION = "diffusion"
    """Variance-preserving: DDPM's betas (Ho et al. 2020)."""
    EDM = "edm"
    """Variance-exploding with preconditioning (Karras et al. 2022), as Playground v2.5."""
    FLOW = "flow"
    """Straight lines between noise and picture (Lipman et al. 2022)."""
    TRIGONOMETRIC = "trigonometric"
    """Quarter circles between noise and picture (Lu and Song 2024, sCM, arXiv 2410.11081)."""


@dataclass(frozen=True)
class Recipe:
    """scheduler: a class of diffusers. overrides: what it changes in the model's config."""

    scheduler: str
    schedule: Schedule = Schedule.DIFFUSION
    overrides: Mapping[str, Any] = field(default_factory=dict)


_KARRAS = {"use_karras_sigmas": True}
_SDE = {"algorithm_type": "sde-dpmsolver++"}

SAMPLERS: Mapping[str, Recipe] = {
    "ddim": Recipe("DDIMScheduler"),
    "ddpm": Recipe("DDPMScheduler"),
    "deis": Recipe("DEISMultistepScheduler"),
    "dpmpp_2m": Recipe("DPMSolverMultistepScheduler"),
    "dpmpp_2m_karras": Recipe("DPMSolverMultistepScheduler", overrides=_KARRAS),
    "dpmpp_2m_sde": Recipe("DPMSolverMultistepScheduler", overrides=_SDE),
    "dpmpp_2m_sde_karras": Recipe("DPMSolverMultistepScheduler", overrides={**_SDE, **_KARRAS}),
    "dpmpp_2s": Recipe("DPMSolverSinglestepScheduler"),
    "dpmpp_2s_karras": Recipe("DPMSolverSinglestepScheduler", overrides=_KARRAS),
    "dpmpp_3m_sde": Recipe("DPMSolverMultistepScheduler", overrides={**_SDE, "solver_order": 3}),
    "dpmpp_3m_sde_karras": Recipe("DPMSolverMultistepScheduler", overrides={**_SDE, **_KARRAS, "solver_order": 3}),
    "euler": Recipe("EulerDiscreteScheduler"),
    "euler_karras": Recipe("EulerDiscreteScheduler", overrides=_KARRAS),
    "euler_a": Recipe("EulerAncestralDiscreteScheduler"),
    "heun": Recipe("HeunDiscreteScheduler"),
    "lcm": Recipe("LCMScheduler"),
    "pndm": Recipe("PNDMScheduler", overrides={"skip_prk_steps": True}),
    "tcd": Recipe("TCDScheduler"),
    "unipc": Recipe("UniPCMultistepScheduler"),
    "edm_euler": Recipe("EDMEulerScheduler", Schedule.EDM),
    "edm_dpmpp_2m": Recipe("EDMDPMSolverMultistepScheduler", Schedule.EDM),
    "flow_euler": Recipe("FlowMatchEulerDiscreteScheduler", Schedule.FLOW),
    "flow_heun": Recipe("FlowMatchHeunDiscreteScheduler", Schedule.FLOW),
    "flow_dpmpp_2m": Recipe("DPMSolverMultistepScheduler", Schedule.FLOW),
    "flow_unipc": Recipe("UniPCMultistepScheduler", Schedule.FLOW),
    # The latents' spread is taken into account by the autoencoder's scale alone.
    "scm": Recipe("SCMScheduler", Schedule.TRIGONOMETRIC, overrides={"sigma_data": 1.0}),
}

# The first steps of a cosine schedule have almost no signal left; solvers that work in log-SNR divide by it. This is
# the bound the diffusers documentation gives for such models.
_CLIP_FOR_COSINE = {"lambda_min_clipped": -5.1}


_PREDICTIONS = frozenset({"epsilon", "sample", "v_prediction", "flow_prediction", "trigflow"})
# Schedulers of diffusers that cannot work with a prediction of the clean picture.
_NO_CLEAN = frozenset({"PNDMScheduler", "EulerAncestralDiscreteScheduler"})
# Models have a thousand; a scheduler makes tables of so many numbers.
_MOST_STEPS = 100_000


def check_schedule(config: Mapping[str, Any], schedules: Collection[Schedule]) -> None:
    """ModelError for a scheduler's config that no sampler can work with, or that is of none of these `schedules`."""
    steps, prediction = config.get("num_train_timesteps", 1000), config.get("prediction_type", "epsilon")
    if isinstance(steps, bool) or not isinstance(steps, int) or not 1 < steps <= _MOST_STEPS:
        raise ModelError(f"The model's noise schedule is damaged: it has {steps!r} num_train_timesteps.")
    if prediction not in _PREDICTIONS:
        raise ModelError(f"The model's noise schedule is damaged: there is no prediction_type {prediction!r}.")
    for name in ("beta_start", "beta_end"):
        beta = config.get(name, 0.01)
        if isinstance(beta, int | float) and not 0 < beta < 1:
            raise ModelError(f"The model's noise schedule is damaged: its {name} is {beta}, it must lie in 0..1.")
    if str(config.get("variance_type", "")).startswith("learned"):
        raise ModelError(
            f"The model's noise schedule has the variance_type {config['variance_type']}: its denoiser would give the "
            f"variance beside the noise, which Easel does not read."
        )
    scheduler = config.get("_class_name", "")
    if not isinstance(scheduler, str):
        raise ModelError(f"The model's noise schedule is damaged: its _class_name is {scheduler!r}.")
    own = {recipe.schedule for recipe in SAMPLERS.values() if recipe.scheduler == scheduler}
    if own and own.isdisjoint(schedules):
        wanted = " or ".join(sorted(schedules))
        raise ModelError(
            f"The model's scheduler is a {scheduler}, and its denoiser was trained on a schedule of {wanted}: "
            f"scheduler/scheduler_config.json belongs to another model."
        )


def samplers_of(schedule: Schedule) -> frozenset[str]:
    """The names of the samplers that work on a noise schedule."""
    return frozenset(name for name, recipe in SAMPLERS.items() if recipe.schedule is schedule)


class Sampler:
    """Hands out fresh schedulers of one kind. Their betas are computed once and shared; all state is the copy's own."""

    def __init__(self, name: str, config: Mapping[str, Any]) -> None:
        if name not in SAMPLERS:
            raise ModelError(f"There is no sampler “{name}”; there are {', '.join(sorted(SAMPLERS))}.")
        recipe = SAMPLERS[name]
        if config.get("prediction_type") == "sample" and recipe.scheduler in _NO_CLEAN:
            raise ModelError(f"a model that predicts the clean picture cannot be drawn by {name}")
        overrides = dict(recipe.overrides)
        own: Any = SOLVERS.get(recipe.scheduler) if recipe.schedule is Schedule.DIFFUSION else None
        if own is not None and own.takes({**config, **overrides}):
            scheduler_class = own
            accepted: Collection[str] = own.defaults
        else:
            import diffusers

            scheduler_class = getattr(diffusers, recipe.scheduler)
            accepted = inspect.signature(scheduler_class.__init__).parameters
        if config.get("beta_schedule") == "squaredcos_cap_v2" and "lambda_min_clipped" in accepted:
            overrides = {**_CLIP_FOR_COSINE, **overrides}
        if recipe.schedule is Schedule.FLOW:
            shift = config.get("shift", config.get("flow_shift", 1.0))
            if "use_flow_sigmas" in accepted:
                overrides |= {"use_flow_sigmas": True, "prediction_type": "flow_prediction", "flow_shift": shift}
            else:
                overrides["shift"] = shift
        self.overrides: Mapping[str, Any] = overrides
        """What differs from the model's own config."""
        if scheduler_class is own:
            self._template = scheduler_class({**config, **overrides})
        else:
            known = {key: value for key, value in config.items() if key in accepted or key.startswith("_")}
            self._template = scheduler_class.from_config(known, **overrides)
        self._flow = recipe.schedule is Schedule.FLOW
        parameters = inspect.signature(self._template.step).parameters
        self.takes_generator = "generator" in parameters
        self.scales_input = hasattr(self._template, "scale_model_input")
        self.noises = hasattr(self._template, "add_noise") or hasattr(self._template, "scale_noise")
        """Whether it can begin with a picture instead of noise."""

    def first_step(self, scheduler: Any, strength: float) -> int:
        """The place in its timesteps where a scheduler begins with a picture instead of noise.

        As in diffusers' own image-to-image pipelines: those of flow models round the other way than those of UNets.
        """
        steps = scheduler.num_inference_steps
        taken = min(steps * strength, steps) if self._flow else min(int(steps * strength), steps)
        return int(max(steps - taken, 0)) * int(scheduler.order)

    def fresh(self) -> Any:
        """A scheduler in its initial state. A deep copy would spend its time on tensors nobody writes to."""
        shared = {id(value): value for value in vars(self._template).values() if isinstance(value, torch.Tensor)}
        config = self._template.config
        return copy.deepcopy(self._template, {**shared, id(config): config})


def set_timesteps(scheduler: Any, steps: int, arguments: Mapping[str, Any]) -> None:
    """Lay out `steps` timesteps, on the CPU: schedulers look at them each step, and must not wait for a card to do so.

    arguments: what the family adds; a scheduler that knows nothing of one of them does without.
    """
    accepted = inspect.signature(type(scheduler).set_timesteps).parameters
    taken = {name: value for name, value in arguments.items() if name in accepted}
    if scheduler.config.get("use_flow_sigmas"):
        taken.pop("sigmas", None)  # these lay out their own
    if "original_inference_steps" in accepted and steps > scheduler.config.get("original_inference_steps", steps):
        taken["original_inference_steps"] = steps  # LCM picks its few steps out of a longer schedule
    scheduler.set_timesteps(steps, device=torch.device("cpu"), **taken)


def timesteps_of(scheduler: Any) -> torch.Tensor:
    """Where a step is taken, in their order. SCM lists the end as well."""
    timesteps: torch.Tensor = scheduler.timesteps
    return timesteps[:-1] if type(scheduler).__name__ == "SCMScheduler" else timesteps


def predicted_clean(
    scheduler: Any, output: Any, before: torch.Tensor, prediction: torch.Tensor, step: int
) -> torch.Tensor:
    """The scheduler's present idea of the finished latents, for previews and for stopping early. (n, C, h, w)."""
    told: list[torch.Tensor | None] = [getattr(output, name, None) for name in ("pred_original_sample", "denoised")]
    history = getattr(scheduler, "model_outputs", None) or [None]
    told.append(history[-1])  # multistep solvers in data-prediction mode keep it themselves
    for clean in told:
        if clean is not None:
            return clean
    if hasattr(scheduler, "sigmas"):
        return before - float(scheduler.sigmas[step]) * prediction  # flow matching: x_t = x_0 + sigma * velocity
    signal: float = float(scheduler.alphas_cumprod[int(scheduler.timesteps[step])])
    kept, noise = math.sqrt(signal), math.sqrt(1 - signal)
    if scheduler.config.prediction_type == "v_prediction":
        return kept * before - noise * prediction
    return (before - noise * prediction) / kept
