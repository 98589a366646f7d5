"""Forward noising and the training target: DDPM as in Ho et al. 2020, velocity as in Salimans & Ho 2022.

A latent x is mixed with Gaussian noise e at timestep t: x_t = a_t x + s_t e with a_t² + s_t² = 1. The denoiser learns
the velocity v = a_t e - s_t x; from v and x_t both x and e follow, at every noise level, so the loss is well behaved
at t = 999, where nothing but noise is left. All timesteps count alike but the nearly clean ones, which count less, as
in min-SNR-5 (Hang et al. 2023). That weight itself, min(SNR, 5) / (SNR + 1), goes to nothing where noise is strongest;
on latents of 8x8 that is where place, light and style are decided, and with it they are not learned.
"""

from __future__ import annotations

import torch
from torch import Tensor

SCHEDULE = {"num_train_timesteps": 1000, "beta_schedule": "squaredcos_cap_v2", "prediction_type": "v_prediction"}
# How pictures are drawn afterwards; written into the exported scheduler.
SAMPLING = {"timestep_spacing": "trailing", "clip_sample": False, "set_alpha_to_one": True, "steps_offset": 1}


class Noising:
    """The noise schedule as tables, indexed by timestep 0..999."""

    def __init__(self, device: torch.device | str = "cpu", snr_cap: float = 5.0) -> None:
        from diffusers import DDPMScheduler

        kept = DDPMScheduler(**SCHEDULE).alphas_cumprod.to(device)
        self.steps = len(kept)
        self.signal = kept.sqrt()  # a_t
        self.noise = (1 - kept).sqrt()  # s_t
        snr = kept / (1 - kept)
        # Weight of the velocity loss, scaled to mean 1 so the learning rate keeps its meaning.
        weight = (snr.clamp(max=snr_cap) + 1) / (snr + 1)
        self.weight = weight / weight.mean()

    def draw_timesteps(self, count: int, generator: torch.Generator | None = None) -> Tensor:
        """(count,) timesteps spread evenly over the schedule with one random offset: less noisy than drawing each."""
        device = self.signal.device
        spread = (torch.rand(1, generator=generator, device=device) + torch.arange(count, device=device) / count) % 1
        return (spread * self.steps).long().clamp(max=self.steps - 1)

    def add_noise(self, latents: Tensor, noise: Tensor, timesteps: Tensor) -> Tensor:
        """x_t for latents and noise (B, C, h, w) at timesteps (B,)."""
        return self._at(self.signal, timesteps) * latents + self._at(self.noise, timesteps) * noise

    def velocity(self, latents: Tensor, noise: Tensor, timesteps: Tensor) -> Tensor:
        """The target v (B, C, h, w)."""
        return self._at(self.signal, timesteps) * noise - self._at(self.noise, timesteps) * latents

    def jump(self, noisy: Tensor, velocity: Tensor, here: Tensor, there: Tensor) -> Tensor:
        """Noisy latents at timestep `there` from those at `here` and their velocity, as DDIM steps."""
        clean = self.signal[here] * noisy - self.noise[here] * velocity
        noise = self.signal[here] * velocity + self.noise[here] * noisy
        stepped: Tensor = self.signal[there] * clean + self.noise[there] * noise
        return stepped

    def loss(self, predicted: Tensor, wanted: Tensor, timesteps: Tensor, importance: Tensor | None = None) -> Tensor:
        """Mean weighted squared error of the predicted velocity; `importance` (C,) weighs the channels, mean 1."""
        error = (predicted.float() - wanted).square().mean((2, 3))
        error = (error if importance is None else error * importance).mean(1)
        loss: Tensor = (error * self.weight[timesteps]).mean()
        return loss

    @staticmethod
    def _at(table: Tensor, timesteps: Tensor) -> Tensor:
        return table[timesteps].view(-1, 1, 1, 1)
