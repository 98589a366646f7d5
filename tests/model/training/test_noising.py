"""The forward process is DDPM's, the target is velocity."""

from __future__ import annotations

import pytest
import torch
from diffusers import DDPMScheduler

from model.training.noising import SCHEDULE, Noising


@pytest.fixture
def batch() -> tuple[torch.Tensor, ...]:
    generator = torch.Generator().manual_seed(0)
    return (
        torch.randn(5, 4, 8, 8, generator=generator),
        torch.randn(5, 4, 8, 8, generator=generator),
        torch.tensor([0, 1, 400, 900, 999]),
    )


def test_noise_and_velocity_equal_those_of_diffusers(batch: tuple[torch.Tensor, ...]) -> None:
    noising, scheduler = Noising(), DDPMScheduler(**SCHEDULE)

    torch.testing.assert_close(noising.add_noise(*batch), scheduler.add_noise(*batch))
    torch.testing.assert_close(noising.velocity(*batch), scheduler.get_velocity(*batch))


def test_clean_latents_follow_from_velocity(batch: tuple[torch.Tensor, ...]) -> None:
    latents, _, timesteps = batch
    noising = Noising()
    noisy, velocity = noising.add_noise(*batch), noising.velocity(*batch)
    signal, amount = (table[timesteps].view(-1, 1, 1, 1) for table in (noising.signal, noising.noise))

    torch.testing.assert_close(signal * noisy - amount * velocity, latents, atol=1e-5, rtol=1e-4)


def test_a_perfect_prediction_has_no_loss_and_a_wrong_one_has(batch: tuple[torch.Tensor, ...]) -> None:
    latents, noise, timesteps = batch
    noising = Noising()
    velocity = noising.velocity(latents, noise, timesteps)

    assert noising.loss(velocity, velocity, timesteps) == 0
    assert noising.loss(velocity + 1, velocity, timesteps) > 0


def test_a_channel_of_no_importance_is_not_heeded(batch: tuple[torch.Tensor, ...]) -> None:
    """The others are, by their weight."""
    velocity = Noising().velocity(*batch)
    importance = torch.ones(velocity.shape[1])
    importance[0] = 0
    wrong = velocity.clone()
    wrong[:, 0] += 1

    assert Noising().loss(wrong, velocity, batch[2], importance) == 0
    assert Noising().loss(wrong, velocity, batch[2]) > 0


def test_a_step_with_the_true_velocity_leads_to_the_same_picture(batch: tuple[torch.Tensor, ...]) -> None:
    """Less noisy, and with the same noise."""
    latents, noise, _ = batch
    noising, here, there = Noising(), torch.tensor(800), torch.tensor(300)
    count = len(latents)
    noisy = noising.add_noise(latents, noise, here.expand(count))
    velocity = noising.velocity(latents, noise, here.expand(count))

    stepped = noising.jump(noisy, velocity, here, there)
    torch.testing.assert_close(stepped, noising.add_noise(latents, noise, there.expand(count)), atol=1e-5, rtol=1e-4)


def test_nearly_clean_timesteps_count_least_and_the_noisiest_fully() -> None:
    """Where all is noise, place and light are decided: no weight may vanish there."""
    weight = Noising().weight

    assert weight.mean() == pytest.approx(1.0, abs=1e-5)
    assert weight[0] < 0.01 * weight.max()
    assert weight[999] == pytest.approx(weight.max())


def test_timesteps_of_a_batch_cover_the_schedule_evenly() -> None:
    timesteps = Noising().draw_timesteps(10, torch.Generator().manual_seed(0)).sort().values

    assert timesteps.min() >= 0
    assert timesteps.max() <= 999
    assert timesteps.diff().float().sub(100).abs().max() <= 1
