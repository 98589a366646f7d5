"""Every sampler draws what diffusers' scheduler of that name and settings draws; schedulers share no state."""

import functools
from dataclasses import replace
from typing import Any

import diffusers
import numpy as np
import pytest

from benchmarks.stock import generators, pictures
from model import tiny
from model.components import Bundle, assemble
from model.drawing import generate
from model.errors import ModelError
from model.families.stable_diffusion import StableDiffusion
from model.request import Start, text_to_image
from model.schedulers import SAMPLERS, Recipe, Schedule, check_schedule, samplers_of
from tests.model.conftest import altered, assert_same_pictures, running, submit_together

tiny_of = functools.cache(tiny.bundle)
STOCHASTIC_SHARE: dict[str, Any] = {"tcd": {"eta": 0.3}}
"""Pipelines of diffusers tell these schedulers another share of fresh noise than the schedulers' own default."""


@pytest.mark.parametrize("sampler", sorted(samplers_of(Schedule.DIFFUSION)))
def test_every_sampler_of_diffusion_models(sd: Bundle, sampler: str) -> None:
    """A grid of four with a negative prompt; samplers that add noise take it from the same generators."""
    request = text_to_image(
        "a red apple",
        seed=7,
        size=(32, 32),
        sampler=sampler,
        num_inference_steps=6,
        guidance_scale=5.0,
        negatives=("blue",),
    )
    assert_same_pictures(generate(sd, request), pictures(sd, request, **STOCHASTIC_SHARE.get(sampler, {})))


@pytest.mark.parametrize("sampler", sorted(samplers_of(Schedule.FLOW)))
def test_every_sampler_of_flow_models(sampler: str) -> None:
    """The same for flow matching."""
    bundle = tiny_of("stable-diffusion-3")
    request = text_to_image("a red apple", seed=7, size=(32, 32), images=2, sampler=sampler, num_inference_steps=6)
    assert_same_pictures(generate(bundle, request), pictures(bundle, request))


PLAIN = [sampler for sampler in sorted(samplers_of(Schedule.DIFFUSION)) if not sampler.endswith("_karras")]
"""Another spacing of the same steps changes nothing in how a picture is begun with."""


@pytest.mark.parametrize("sampler", PLAIN)
def test_starting_from_a_picture(sd: Bundle, sampler: str, the_mode_of_an_encoding: None) -> None:
    """Samplers that take two looks at a step, keep a history, or add noise, begin at stock's step too."""
    picture = np.random.default_rng(3).integers(0, 256, (32, 32, 3), dtype=np.uint8)
    request = text_to_image("a hat", seed=5, size=(32, 32), images=1, num_inference_steps=8, sampler=sampler)
    request = replace(request, start=Start(((picture, 1.0),), 0.6))
    assert_same_pictures(generate(sd, request), pictures(sd, request, **STOCHASTIC_SHARE.get(sampler, {})))


@pytest.mark.parametrize("family", ["stable-diffusion", "stable-diffusion-3"])
def test_samplers_share_a_forward(family: str) -> None:
    """All of a schedule in one batch, and once more while that batch runs: each draws what it draws alone."""
    bundle = tiny_of(family)
    requests = [
        text_to_image("a red apple", seed=k, size=(32, 32), images=1, sampler=sampler, num_inference_steps=4 + k % 3)
        for k, sampler in enumerate(sorted(bundle.samplers))
    ]
    alone = [generate(bundle, request) for request in requests]
    with running(bundle, max_rows=64) as engine:
        tickets = submit_together(engine, requests)
        while next(tickets[0].events()).step < 2:
            pass
        tickets += submit_together(engine, requests)
        for ticket, expected in zip(tickets, [*alone, *alone], strict=True):
            assert_same_pictures(ticket.result(60), expected)


@pytest.mark.filterwarnings("ignore:The configuration file of this scheduler:FutureWarning")
@pytest.mark.parametrize("sampler", ["ddim", "ddpm", "lcm", "heun"])
def test_a_config_that_another_scheduler_wrote(sampler: str) -> None:
    """Says nothing of clipping, which some schedulers then do, and of the first step: stock's pipeline mends both."""
    written = {"_class_name": "EulerDiscreteScheduler", "beta_schedule": "scaled_linear", "beta_end": 0.012}
    parts = StableDiffusion.tiny()
    bundle, raw = (assemble(StableDiffusion, replace(parts, scheduler=written)) for _ in range(2))
    raw.parts = replace(raw.parts, scheduler=written)
    request = text_to_image("a red apple", seed=7, size=(32, 32), images=1, sampler=sampler, num_inference_steps=4)
    assert_same_pictures(generate(bundle, request), pictures(raw, request))


def few_steps(**schedule: object) -> Bundle:
    """A model whose scheduler config has these settings, as distilled models ship them."""
    parts = StableDiffusion.tiny()
    return assemble(StableDiffusion, replace(parts, scheduler={**parts.scheduler, **schedule}))


@pytest.mark.parametrize("sampler", ["euler", "euler_a", "lcm", "dpmpp_2m", "ddim", "tcd"])
@pytest.mark.parametrize("steps", [1, 2, 4])
def test_few_steps_without_guidance(sampler: str, steps: int) -> None:
    """Turbo, Lightning, LCM, DMD2: trailing timesteps and no negative rows, as their cards say."""
    bundle = few_steps(timestep_spacing="trailing")
    request = text_to_image(
        "a red apple",
        seed=7,
        size=(32, 32),
        images=2,
        sampler=sampler,
        num_inference_steps=steps,
        guidance_scale=1.0,
    )
    assert_same_pictures(generate(bundle, request), pictures(bundle, request, **STOCHASTIC_SHARE.get(sampler, {})))


_SCALED = {"beta_schedule": "scaled_linear", "beta_start": 0.00085, "beta_end": 0.012}
_TRAILING = {"timestep_spacing": "trailing"}
REPOSITORIES: dict[str, tuple[str, dict[str, Any]]] = {
    "SDXL": ("euler", {"interpolation_type": "linear", "steps_offset": 1, "sample_max_value": 1.0}),
    "SD 1.5": ("pndm", {"set_alpha_to_one": False, "skip_prk_steps": True, "steps_offset": 1}),
    "SD 2.1": ("ddim", {"prediction_type": "v_prediction", "set_alpha_to_one": False, "steps_offset": 1}),
    "NoobAI": ("euler", {"prediction_type": "v_prediction", "rescale_betas_zero_snr": True, **_TRAILING}),
    "its own sampler": ("ddim", {"prediction_type": "v_prediction", "rescale_betas_zero_snr": True, **_TRAILING}),
    "Turbo": ("euler_a", {**_TRAILING, "skip_prk_steps": True, "set_alpha_to_one": False}),
    "LCM": ("lcm", {"original_inference_steps": 50, "timestep_scaling": 10.0, "steps_offset": 0}),
    "Karras to the last": ("dpmpp_2m", {"use_karras_sigmas": True, "final_sigmas_type": "sigma_min"}),
    "Lu": ("dpmpp_2m", {"use_lu_lambdas": True, "euler_at_final": True}),
    "exponential": ("euler", {"use_exponential_sigmas": True}),
    "thresholding": ("ddim", {"thresholding": True, "sample_max_value": 1.5, "clip_sample": False}),
    "clipping": ("ddim", {"clip_sample": True}),
    "no offset": ("ddim", {"steps_offset": 0}),
    "small variance": ("ddpm", {"beta_schedule": "linear", "beta_end": 0.02, "variance_type": "fixed_small"}),
    "own betas": ("ddim", {"trained_betas": np.linspace(0.0001, 0.02, 1000).tolist()}),
    "log-linear": ("euler", {"interpolation_type": "log_linear"}),
    "continuous": (
        "euler",
        {"timestep_type": "continuous", "prediction_type": "v_prediction", "sigma_min": 0.002, "sigma_max": 700.0},
    ),
    "clean pictures": ("ddim", {"prediction_type": "sample"}),
}
"""Scheduler configs as repositories have them, each with the sampler that reads most of it."""


@pytest.mark.filterwarnings("ignore:The configuration file of this scheduler:FutureWarning")
@pytest.mark.parametrize("repository", sorted(REPOSITORIES))
def test_configs_of_real_repositories(sd: Bundle, repository: str) -> None:
    """No field is left out: each draws what stock draws with that config."""
    sampler, config = REPOSITORIES[repository]
    parts = replace(sd.parts, scheduler={**_SCALED, "clip_sample": False, **config})
    bundle, raw = (assemble(StableDiffusion, parts) for _ in range(2))
    raw.parts = parts
    request = text_to_image("a red apple", seed=7, size=(32, 32), images=1, sampler=sampler, num_inference_steps=4)
    assert_same_pictures(generate(bundle, request), pictures(raw, request))


def test_configs_that_a_sampler_cannot_work_with() -> None:
    """Are refused before the first step."""
    with pytest.raises(ModelError, match="variance_type learned_range"):
        check_schedule({"variance_type": "learned_range"}, [Schedule.DIFFUSION])
    for sampler in ("pndm", "euler_a"):
        with pytest.raises(ModelError, match=f"predicts the clean picture cannot be drawn by {sampler}"):
            few_steps(prediction_type="sample").sampler(sampler)


@pytest.mark.parametrize("sampler", sorted(samplers_of(Schedule.EDM)))
def test_edm_schedules(sdxl: Bundle, sampler: str) -> None:
    """Playground v2.5: SDXL's UNet on EDM's noise schedule, with the autoencoder's means and deviations by channel."""
    recipe = SAMPLERS[sampler]
    config = dict(getattr(diffusers, recipe.scheduler)(sigma_min=0.002, sigma_max=80.0).config)
    bundle = assemble(type(sdxl.family), replace(sdxl.parts, scheduler={**config, "_class_name": recipe.scheduler}))
    vae = bundle.vae
    vae.register_to_config(latents_mean=[0.1, -0.2, 0.3, 0.0], latents_std=[1.5, 0.9, 1.1, 1.0])
    try:
        request = text_to_image("a red apple", seed=7, size=(32, 32), images=2, sampler=sampler, num_inference_steps=5)
        assert_same_pictures(generate(bundle, request), pictures(bundle, request))
        assert bundle.default_sampler == "edm_euler"
        with pytest.raises(ModelError, match="edm_dpmpp_2m, edm_euler"):
            bundle.sampler("ddim")
    finally:
        vae.register_to_config(latents_mean=None, latents_std=None)


def test_stopped_early_every_sampler_has_a_picture(sd: Bundle) -> None:
    """The scheduler's idea of the result half way is finite, and is not the last picture."""
    for sampler in sorted(samplers_of(Schedule.DIFFUSION)):
        whole = text_to_image("a", seed=1, size=(32, 32), images=1, sampler=sampler, num_inference_steps=6)
        stopped = generate(sd, altered(whole, stop_at=0.5))
        assert stopped[0].std() > 1, sampler
        assert not np.array_equal(stopped[0], generate(sd, whole)[0]), sampler


def test_an_unconditional_model_draws_what_ddpm_draws(ddpm: Bundle) -> None:
    """Neither text encoder nor autoencoder: the same steps in pixel space."""
    scheduler = diffusers.DDPMScheduler.from_config(dict(ddpm.scheduler_config))
    pipeline = diffusers.DDPMPipeline(unet=ddpm.denoiser, scheduler=scheduler)
    pipeline.set_progress_bar_config(disable=True)
    request = text_to_image((), seed=9, size=(16, 16), images=2, num_inference_steps=8, sampler="ddpm")
    stock = pipeline(batch_size=2, num_inference_steps=8, generator=generators(request)).images
    assert_same_pictures(generate(ddpm, request), [np.asarray(image) for image in stock])


def test_image_to_image_of_strength_zero_is_the_decoded_original(sd: Bundle) -> None:
    """No step is taken; only the autoencoder leaves its mark."""
    picture = np.full((32, 32, 3), 90, dtype=np.uint8)
    start = Start(((picture, 1.0),), 0.0)
    alone = generate(sd, text_to_image("a", seed=1, size=(32, 32), images=2, start=start))
    assert np.array_equal(alone[0], alone[1])


def test_every_sampler_is_a_scheduler_of_diffusers() -> None:
    """And its name says no more than letters, digits and underscores."""
    for name, recipe in SAMPLERS.items():
        assert isinstance(recipe, Recipe)
        assert hasattr(diffusers, recipe.scheduler)
        assert name.replace("_", "").isalnum()
