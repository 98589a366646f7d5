"""Samplers by name: a fresh diffusers scheduler for every request, made from the model's own scheduler config."""

import copy
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
        self._flow = name in FLOW_SAMPLERS
        self.takes_generator = "generator" in parameters
        self.scales_input = hasattr(self._template, "scale_model_input")

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
        config = self._template._internal_dict
        return copy.deepcopy(self._template, {**shared, id(config): config})


def set_timesteps(scheduler: Any, steps: int, arguments: Mapping[str, Any]) -> None:
    """Lay out `steps` timesteps, on the CPU: schedulers look at them each step, and must not wait for a card to do so.

    arguments: what the family adds; a scheduler that knows nothing of one of them does without.
    """
    accepted = inspect.signature(type(scheduler).set_timesteps).parameters
    taken = {name: value for name, value in arguments.items() if name in accepted}
    if "original_inference_steps" in accepted:  # LCM picks its few steps out of a longer schedule
        taken["original_inference_steps"] = max(steps, scheduler.config.original_inference_steps)
    scheduler.set_timesteps(steps, device=torch.device("cpu"), **taken)


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
    return before - float(scheduler.sigmas[step]) * prediction  # flow matching: x_t = x_0 + sigma * velocity
