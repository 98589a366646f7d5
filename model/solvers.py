"""DDIM and DPM-Solver++ in our own words, equal to diffusers' to the last bit, so that who needs nothing else of
diffusers need not import it: it brings a second of imports and 80 MB with it.

They know the plain settings of noise schedules; a `Sampler` takes diffusers' own class for all others.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import torch

_MAX_BETA = 0.999


@dataclass(frozen=True)
class Stepped:
    """What a step gives: the next latents, and its idea of the finished ones."""

    prev_sample: torch.Tensor
    pred_original_sample: torch.Tensor


class Solver:
    """A scheduler with the part of diffusers' interface that `model.state` uses."""

    needs: ClassVar[Mapping[str, Any]] = {"trained_betas": None, "thresholding": False, "rescale_betas_zero_snr": False}
    """The settings that are known in one way only."""
    defaults: ClassVar[Mapping[str, Any]] = {
        **needs,
        "num_train_timesteps": 1000,
        "beta_start": 0.0001,
        "beta_end": 0.02,
        "beta_schedule": "linear",
        "prediction_type": "epsilon",
        "steps_offset": 0,
    }
    """What diffusers' class takes where a config says nothing."""

    order = 1
    init_noise_sigma = 1.0

    def __init__(self, config: Mapping[str, Any]) -> None:
        self.config: dict[str, Any] = self._whole(config)
        betas = _betas(self.config)
        self.alphas_cumprod = torch.cumprod(1.0 - betas, dim=0)
        self.num_inference_steps = 0
        self.timesteps = torch.empty(0, dtype=torch.int64)

    @classmethod
    def takes(cls, config: Mapping[str, Any]) -> bool:
        """Whether it knows all that this config says."""
        whole = cls._whole(config)
        known = whole["beta_schedule"] in ("linear", "scaled_linear", "squaredcos_cap_v2")
        known &= whole["prediction_type"] in ("epsilon", "v_prediction")
        known &= whole["timestep_spacing"] in ("linspace", "leading", "trailing")
        return known and all(whole[name] == value for name, value in cls.needs.items())

    @classmethod
    def _whole(cls, config: Mapping[str, Any]) -> dict[str, Any]:
        return {name: config.get(name, value) for name, value in cls.defaults.items()}

    def _clean(
        self, prediction: torch.Tensor, sample: torch.Tensor, signal: torch.Tensor, noise: torch.Tensor
    ) -> torch.Tensor:
        """The finished latents that a prediction means. signal, noise: their shares in `sample`."""
        epsilon = self.config["prediction_type"] == "epsilon"
        return (sample - noise * prediction) / signal if epsilon else signal * sample - noise * prediction


class DDIM(Solver):
    """Song et al. 2020, arXiv 2010.02502, without added noise."""

    defaults: ClassVar[Mapping[str, Any]] = {
        **Solver.defaults,
        "timestep_spacing": "leading",
        "clip_sample": True,
        "set_alpha_to_one": True,
    }
    needs: ClassVar[Mapping[str, Any]] = {**Solver.needs, "clip_sample": False}

    def __init__(self, config: Mapping[str, Any]) -> None:
        super().__init__(config)
        self.final_alpha_cumprod = torch.tensor(1.0) if self.config["set_alpha_to_one"] else self.alphas_cumprod[0]

    def set_timesteps(self, num_inference_steps: int, device: torch.device | None = None) -> None:
        """Lay out so many timesteps."""
        trained, steps = self.config["num_train_timesteps"], num_inference_steps
        if steps > trained:
            raise ValueError(f"a model that was trained on {trained} timesteps takes no {steps} steps")
        self.num_inference_steps = steps
        match self.config["timestep_spacing"]:
            case "linspace":
                places = np.linspace(0, trained - 1, steps).round()[::-1]
            case "leading":
                places = (np.arange(0, steps) * (trained // steps)).round()[::-1] + self.config["steps_offset"]
            case _:
                places = np.round(np.arange(trained, 0, -trained / steps)) - 1
        self.timesteps = torch.from_numpy(places.astype(np.int64)).to(device)

    def step(self, model_output: torch.Tensor, timestep: torch.Tensor, sample: torch.Tensor) -> Stepped:
        """The latents (n, C, h, w) of the next timestep, given what the model predicts for those of this one."""
        before = timestep - self.config["num_train_timesteps"] // self.num_inference_steps
        kept = self.alphas_cumprod[timestep]
        kept_next = self.alphas_cumprod[before] if before >= 0 else self.final_alpha_cumprod
        signal, noise = kept**0.5, (1 - kept) ** 0.5
        clean = self._clean(model_output, sample, signal, noise)
        epsilon = (
            model_output if self.config["prediction_type"] == "epsilon" else signal * model_output + noise * sample
        )
        return Stepped(kept_next**0.5 * clean + (1 - kept_next) ** 0.5 * epsilon, clean)

    def add_noise(self, original: torch.Tensor, noise: torch.Tensor, timesteps: torch.Tensor) -> torch.Tensor:
        """`original` (n, C, h, w) at the noise levels of `timesteps` (n,)."""
        kept = self.alphas_cumprod.to(original)[timesteps.to(original.device)].view(-1, 1, 1, 1)
        return kept**0.5 * original + (1 - kept) ** 0.5 * noise


class DPMSolver(Solver):
    """DPM-Solver++(2M), Lu et al. 2022, arXiv 2211.01095."""

    needs: ClassVar[Mapping[str, Any]] = {
        **Solver.needs,
        "solver_order": 2,
        "algorithm_type": "dpmsolver++",
        "solver_type": "midpoint",
        "final_sigmas_type": "zero",
        "variance_type": None,
        "use_karras_sigmas": False,
        "use_exponential_sigmas": False,
        "use_beta_sigmas": False,
        "use_lu_lambdas": False,
        "use_flow_sigmas": False,
        "use_dynamic_shifting": False,
    }
    defaults: ClassVar[Mapping[str, Any]] = {
        **Solver.defaults,
        **needs,
        "timestep_spacing": "linspace",
        "lambda_min_clipped": -math.inf,
    }

    def __init__(self, config: Mapping[str, Any]) -> None:
        super().__init__(config)
        self._levels = ((1 - self.alphas_cumprod) / self.alphas_cumprod) ** 0.5
        signal, noise = torch.sqrt(self.alphas_cumprod), torch.sqrt(1 - self.alphas_cumprod)
        snr = torch.log(signal) - torch.log(noise)
        clipped = torch.searchsorted(torch.flip(snr, [0]), self.config["lambda_min_clipped"])
        self._last_timestep = self.config["num_train_timesteps"] - int(clipped)
        self.sigmas = torch.empty(0)
        self._begin, self._index = 0, -1  # -1: before the first step
        self._former: torch.Tensor | None = None

    def set_timesteps(self, num_inference_steps: int, device: torch.device | None = None) -> None:
        """Lay out so many timesteps."""
        last, steps = self._last_timestep, num_inference_steps
        self.num_inference_steps = steps
        match self.config["timestep_spacing"]:
            case "linspace":
                places = np.linspace(0, last - 1, steps + 1).round()[::-1][:-1]
            case "leading":
                places = (np.arange(0, steps + 1) * (last // (steps + 1))).round()[::-1][:-1]
                places = places + self.config["steps_offset"]
            case _:
                places = np.arange(last, 0, -self.config["num_train_timesteps"] / steps).round() - 1
        places = places.astype(np.int64)
        levels = np.interp(places, np.arange(0, len(self._levels)), self._levels.numpy())
        self.sigmas = torch.from_numpy(np.concatenate([levels, [0]]).astype(np.float32))
        self.timesteps = torch.from_numpy(places).to(device)

    def set_begin_index(self, begin_index: int = 0) -> None:
        """The first step's place among the timesteps."""
        self._begin = begin_index

    def _shares(self, index: int) -> tuple[torch.Tensor, torch.Tensor]:
        """Of signal and noise, at the step `index`."""
        sigma = self.sigmas[index]
        signal = 1 / ((sigma**2 + 1) ** 0.5)
        return signal, sigma * signal

    def step(self, model_output: torch.Tensor, timestep: torch.Tensor, sample: torch.Tensor) -> Stepped:
        """The latents (n, C, h, w) of the next timestep, given what the model predicts for those of this one."""
        index = self._begin if self._index < 0 else self._index
        signal, noise = self._shares(index)
        signal_next, noise_next = self._shares(index + 1)
        snr, snr_next = torch.log(signal) - torch.log(noise), torch.log(signal_next) - torch.log(noise_next)
        clean = self._clean(model_output, sample, signal, noise)
        h = snr_next - snr
        growth = signal_next * (torch.exp(-h) - 1.0)
        following = (noise_next / noise) * sample - growth * clean
        if self._former is not None and index < len(self.timesteps) - 1:
            signal_former, noise_former = self._shares(index - 1)
            h_former = snr - (torch.log(signal_former) - torch.log(noise_former))
            slope = (1.0 / (h_former / h)) * (clean - self._former)
            following = following - 0.5 * growth * slope
        self._former, self._index = clean, index + 1
        return Stepped(following, clean)

    def add_noise(self, original: torch.Tensor, noise: torch.Tensor, timesteps: torch.Tensor) -> torch.Tensor:
        """`original` (n, C, h, w) at the noise level of the step that comes next."""
        signal, level = self._shares(self._begin if self._index < 0 else self._index)
        return signal.to(original) * original + level.to(original) * noise


SOLVERS: Mapping[str, type[DDIM | DPMSolver]] = {"DDIMScheduler": DDIM, "DPMSolverMultistepScheduler": DPMSolver}
"""By the names of diffusers' classes."""


def _betas(config: Mapping[str, Any]) -> torch.Tensor:
    """The noise that each of the timesteps adds."""
    count, start, end = config["num_train_timesteps"], config["beta_start"], config["beta_end"]
    match config["beta_schedule"]:
        case "linear":
            return torch.linspace(start, end, count, dtype=torch.float32)
        case "scaled_linear":
            return torch.linspace(start**0.5, end**0.5, count, dtype=torch.float32) ** 2

    def kept(time: float) -> float:
        return math.cos((time + 0.008) / 1.008 * math.pi / 2) ** 2

    pairs = ((place / count, (place + 1) / count) for place in range(count))
    return torch.tensor([min(1 - kept(after) / kept(before), _MAX_BETA) for before, after in pairs])
