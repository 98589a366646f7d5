"""Samplers by name: a fresh diffusers scheduler for every request, made from the model's own scheduler config."""

import copy
import functools
import inspect
from collections.abc import Mapping
from typing import Any

import torch

from model.errors import ModelError

# Name -> (diffusers class, what it overrides in the model's config).
SAMPLERS: Mapping[str, tuple[str, dict[str, Any]]] = {
    "ddim": ("DDIMScheduler", {}),
    "ddpm": ("DDPMScheduler", {}),
    "dpmpp_2m": ("DPMSolverMultistepScheduler", {}),
    "euler": ("EulerDiscreteScheduler", {}),
    "euler_a": ("EulerAncestralDiscreteScheduler", {}),
    "lcm": ("LCMScheduler", {}),
    "unipc": ("UniPCMultistepScheduler", {}),
    "flow_euler": ("FlowMatchEulerDiscreteScheduler", {}),
}

DIFFUSION_SAMPLERS = frozenset(SAMPLERS) - {"flow_euler"}
FLOW_SAMPLERS = frozenset({"flow_euler"})

# The first steps of a cosine schedule have almost no signal left; solvers that work in log-SNR divide by it. This is
# the bound the diffusers documentation gives for such models.
_CLIP_FOR_COSINE = {"lambda_min_clipped": -5.1}


class Sampler:
    """Hands out fresh schedulers of one kind. Their betas are computed once and shared; all state is the copy's own."""

    def __init__(self, name: str, config: Mapping[str, Any]) -> None:
        if name not in SAMPLERS:
            raise ModelError(f"There is no sampler “{name}”; there are {', '.join(sorted(SAMPLERS))}.")
        import diffusers

        class_name, overrides = SAMPLERS[name]
        scheduler_class = getattr(diffusers, class_name)
        accepted = inspect.signature(scheduler_class.__init__).parameters
        if config.get("beta_schedule") == "squaredcos_cap_v2" and "lambda_min_clipped" in accepted:
            overrides = {**_CLIP_FOR_COSINE, **overrides}
        self._template = scheduler_class.from_config(dict(config), **overrides)
        parameters = inspect.signature(self._template.step).parameters
        self.takes_generator = "generator" in parameters
        self.scales_input = hasattr(self._template, "scale_model_input")

    def fresh(self) -> Any:
        """A scheduler in its initial state. A deep copy would spend its time on tensors nobody writes to."""
        shared = {id(value): value for value in vars(self._template).values() if isinstance(value, torch.Tensor)}
        config = self._template._internal_dict
        return copy.deepcopy(self._template, {**shared, id(config): config})


@functools.lru_cache(maxsize=64)
def _timesteps_argument(step_function: Any) -> frozenset[str]:
    return frozenset(inspect.signature(step_function).parameters)


def set_timesteps(scheduler: Any, steps: int, device: torch.device, image_tokens: int | None = None) -> None:
    """Lay out `steps` timesteps. `image_tokens` shifts the schedules of flow transformers by the picture's size."""
    accepted = _timesteps_argument(type(scheduler).set_timesteps)
    arguments: dict[str, Any] = {}
    if "original_inference_steps" in accepted:  # LCM picks its few steps out of a longer schedule
        arguments["original_inference_steps"] = max(steps, scheduler.config.original_inference_steps)
    if image_tokens is not None:  # flow: even steps of sigma down to 1/steps, as the families' own pipelines take them
        arguments["sigmas"] = torch.linspace(1.0, 1 / steps, steps).tolist()
        if scheduler.config.use_dynamic_shifting:
            arguments["mu"] = shift_for(image_tokens, scheduler.config)
    scheduler.set_timesteps(steps, device=device, **arguments)


def shift_for(image_tokens: int, config: Mapping[str, Any]) -> float:
    """Log of the time shift: linear in the number of image tokens (Esser et al. 2024, as in diffusers' pipelines)."""
    low, high = config.get("base_image_seq_len", 256), config.get("max_image_seq_len", 4096)
    base, top = config.get("base_shift", 0.5), config.get("max_shift", 1.15)
    slope = (top - base) / (high - low)
    return image_tokens * slope + base - slope * low


def predicted_clean(
    scheduler: Any, output: Any, before: torch.Tensor, prediction: torch.Tensor, step: int
) -> torch.Tensor:
    """The scheduler's present idea of the finished latents, for previews and for stopping early. (n, C, h, w)."""
    for name in ("pred_original_sample", "denoised"):
        clean = getattr(output, name, None)
        if clean is not None:
            return clean
    history = getattr(scheduler, "model_outputs", None)
    if history and history[-1] is not None:  # multistep solvers in data-prediction mode keep it themselves
        return history[-1]
    return before - scheduler.sigmas[step] * prediction  # flow matching: x_t = x_0 + sigma * velocity
