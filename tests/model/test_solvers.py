"""Our own solvers are diffusers' to the last bit, and leave alone what they do not know."""

from typing import Any

import diffusers
import pytest
import torch

from model.schedulers import Sampler
from model.solvers import SOLVERS

_COSINE = {"beta_schedule": "squaredcos_cap_v2", "prediction_type": "v_prediction", "timestep_spacing": "trailing"}
_STABLE = {"beta_schedule": "scaled_linear", "beta_start": 0.00085, "beta_end": 0.012, "steps_offset": 1}
_CONFIGS: list[dict[str, Any]] = [
    {**_COSINE, "clip_sample": False, "steps_offset": 1},
    {**_STABLE, "clip_sample": False, "set_alpha_to_one": False},
    {"clip_sample": False, "timestep_spacing": "linspace", "num_train_timesteps": 500},
]


@pytest.mark.parametrize("sampler", ["ddim", "dpmpp_2m"])
@pytest.mark.parametrize("config", _CONFIGS, ids=["cosine", "stable", "linear"])
@pytest.mark.parametrize(("steps", "first"), [(1, 0), (2, 1), (8, 0), (20, 7)])
def test_every_step_is_diffusers_own(sampler: str, config: dict[str, Any], steps: int, first: int) -> None:
    """From noise and from the middle, where the picture that it begins with is noised to the same level."""
    made = Sampler(sampler, config)
    own = made.fresh()
    assert type(own) in SOLVERS.values()
    name = next(name for name, kind in SOLVERS.items() if kind is type(own))
    theirs = getattr(diffusers, name).from_config(config, **made.overrides)
    chance = torch.Generator().manual_seed(steps)
    picture, noise = (torch.randn(2, 4, 3, 3, generator=chance) for _ in range(2))
    starts = []
    for scheduler in (own, theirs):
        scheduler.set_timesteps(steps, device=torch.device("cpu"))
        if hasattr(scheduler, "set_begin_index"):
            scheduler.set_begin_index(first)
        starts.append(scheduler.add_noise(picture, noise, scheduler.timesteps[first : first + 1].expand(2)))
    assert own.timesteps.tolist() == theirs.timesteps.tolist()
    ours, stock = starts
    assert torch.equal(ours, stock)
    for timestep in own.timesteps[first:]:
        prediction = torch.randn(2, 4, 3, 3, generator=chance)
        ours = own.step(prediction, timestep, ours).prev_sample
        stock = theirs.step(prediction, timestep, stock).prev_sample
        assert torch.equal(ours, stock)


@pytest.mark.parametrize(
    "config",
    [
        {},  # DDIM clips unless it is told not to
        {"clip_sample": False, "thresholding": True},
        {"clip_sample": False, "rescale_betas_zero_snr": True},
        {"clip_sample": False, "trained_betas": [0.1, 0.2]},
        {"clip_sample": False, "prediction_type": "sample"},
    ],
)
def test_what_they_do_not_know_is_diffusers(config: dict[str, Any]) -> None:
    """A setting that they would overlook makes another picture."""
    assert type(Sampler("ddim", config).fresh()) is diffusers.DDIMScheduler


def test_other_settings_of_the_same_class_are_diffusers() -> None:
    """Karras' levels and noise between the steps."""
    for sampler in ("dpmpp_2m_karras", "dpmpp_2m_sde", "dpmpp_3m_sde"):
        assert type(Sampler(sampler, {}).fresh()) is diffusers.DPMSolverMultistepScheduler


@pytest.mark.parametrize("sampler", ["ddim", "dpmpp_2m"])
def test_fresh_solvers_share_tables_and_no_state(sampler: str) -> None:
    """What one request's solver has seen, another's has not."""
    made = Sampler(sampler, _CONFIGS[0])
    one, other = made.fresh(), made.fresh()
    assert one.alphas_cumprod is other.alphas_cumprod
    results = []
    for scheduler in (one, other):
        scheduler.set_timesteps(4)
        sample = torch.ones(1, 4, 2, 2)
        for timestep in scheduler.timesteps[:2]:
            sample = scheduler.step(torch.ones(1, 4, 2, 2), timestep, sample).prev_sample
        results.append(sample)
    assert torch.equal(*results)
