"""The same weights, sampler and steps give the same pictures as diffusers' own pipelines."""

from typing import Any

import diffusers
import numpy as np
import pytest
import torch
from diffusers.models.autoencoders.vae import DiagonalGaussianDistribution
from PIL import Image

from model import seeds
from model.components import Bundle
from model.drawing import generate
from model.request import Request, Start, text_to_image
from model.schedulers import DIFFUSION_SAMPLERS, SAMPLERS
from tests.model.conftest import assert_same_pictures

PROMPT, NEGATIVE = "a red apple", "blue"
STEPS = 6


def stock_scheduler(bundle: Bundle, sampler: str) -> Any:
    return getattr(diffusers, SAMPLERS[sampler][0]).from_config(dict(bundle.scheduler_config))


def generators(request: Request) -> list[torch.Generator]:
    return [seeds.generator(noise.seed, noise.index) for noise in request.noises]


def stock_pictures(pipeline: Any, **arguments: Any) -> list[np.ndarray]:
    pipeline.set_progress_bar_config(disable=True)
    return [np.asarray(image) for image in pipeline(**arguments).images]


def stock_sd(bundle: Bundle, sampler: str, kind: str = "StableDiffusionPipeline") -> Any:
    text: Any = bundle.text
    return getattr(diffusers, kind)(
        vae=bundle.vae,
        text_encoder=text.encoders[0],
        tokenizer=text.tokenizers[0],
        unet=bundle.denoiser,
        scheduler=stock_scheduler(bundle, sampler),
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    )


@pytest.mark.parametrize("sampler", sorted(DIFFUSION_SAMPLERS))
def test_every_sampler_draws_what_stable_diffusion_draws(sd: Bundle, sampler: str) -> None:
    """A grid of four with a negative prompt; samplers that add noise take it from the same generators."""
    request = text_to_image(
        PROMPT,
        seed=7,
        size=(32, 32),
        sampler=sampler,
        num_inference_steps=STEPS,
        guidance_scale=5.0,
        negatives=(NEGATIVE,),
    )
    stock = stock_pictures(
        stock_sd(sd, sampler),
        prompt=PROMPT,
        negative_prompt=NEGATIVE,
        num_images_per_prompt=4,
        num_inference_steps=STEPS,
        guidance_scale=5.0,
        generator=generators(request),
    )
    assert_same_pictures(generate(sd, request), stock)


@pytest.mark.parametrize("sampler", ["ddim", "euler_a"])
def test_guidance_off_is_the_plain_prediction(sd: Bundle, sampler: str) -> None:
    """At scale 1 there are no negative rows, and the picture is stock's without guidance."""
    request = text_to_image(
        PROMPT, seed=0, size=(32, 32), images=2, sampler=sampler, num_inference_steps=STEPS, guidance_scale=1.0
    )
    stock = stock_pictures(
        stock_sd(sd, sampler),
        prompt=PROMPT,
        num_images_per_prompt=2,
        num_inference_steps=STEPS,
        guidance_scale=1.0,
        generator=generators(request),
    )
    assert_same_pictures(generate(sd, request), stock)


@pytest.mark.parametrize("sampler", ["ddim", "dpmpp_2m", "euler"])
def test_starting_from_a_picture_is_image_to_image(sd: Bundle, sampler: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Strength leaves out the same first steps. Ours takes the encoding's mode, where stock draws from around it."""
    picture = np.random.default_rng(3).integers(0, 256, (32, 32, 3), dtype=np.uint8)
    request = text_to_image(
        PROMPT,
        seed=5,
        size=(32, 32),
        images=1,
        num_inference_steps=8,
        sampler=sampler,
        start=Start(((picture, 1.0),), 0.6),
    )
    monkeypatch.setattr(DiagonalGaussianDistribution, "sample", lambda posterior, generator=None: posterior.mode())
    stock = stock_pictures(
        stock_sd(sd, sampler, "StableDiffusionImg2ImgPipeline"),
        prompt=PROMPT,
        image=Image.fromarray(picture),
        strength=0.6,
        num_inference_steps=8,
        guidance_scale=request.sampling.guidance_scale,
        generator=generators(request),
    )
    assert_same_pictures(generate(sd, request), stock)


@pytest.mark.parametrize(("sampler", "negative"), [("euler", None), ("dpmpp_2m", NEGATIVE)])
def test_sdxl_draws_what_its_pipeline_draws(sdxl: Bundle, sampler: str, negative: str | None) -> None:
    """Two text encoders, pooled prompt, size conditions; no negative prompt means zeros there, not an empty prompt."""
    text: Any = sdxl.text
    pipeline = diffusers.StableDiffusionXLPipeline(
        vae=sdxl.vae,
        text_encoder=text.encoders[0],
        text_encoder_2=text.encoders[1],
        tokenizer=text.tokenizers[0],
        tokenizer_2=text.tokenizers[1],
        unet=sdxl.denoiser,
        scheduler=stock_scheduler(sdxl, sampler),
        add_watermarker=False,
    )
    request = text_to_image(
        PROMPT,
        seed=3,
        size=(32, 24),
        images=2,
        sampler=sampler,
        num_inference_steps=STEPS,
        negatives=(negative,) if negative else (),
    )
    stock = stock_pictures(
        pipeline,
        prompt=PROMPT,
        negative_prompt=negative,
        width=32,
        height=24,
        num_images_per_prompt=2,
        num_inference_steps=STEPS,
        guidance_scale=request.sampling.guidance_scale,
        generator=generators(request),
    )
    assert_same_pictures(generate(sdxl, request), stock)


def test_z_image_draws_what_its_pipeline_draws(z_image: Bundle) -> None:
    """Flow matching; the pipeline's guidance scale counts from 0, ours from 1 for every family."""
    text: Any = z_image.text
    pipeline = diffusers.ZImagePipeline(
        scheduler=stock_scheduler(z_image, "flow_euler"),
        vae=z_image.vae,
        text_encoder=text.encoder,
        tokenizer=text.tokenizer,
        transformer=z_image.denoiser,
    )
    for ours, theirs in ((4.0, 3.0), (1.0, 0.0)):
        request = text_to_image(
            PROMPT,
            seed=3,
            size=(32, 40),
            images=2,
            sampler="flow_euler",
            num_inference_steps=STEPS,
            guidance_scale=ours,
            negatives=(NEGATIVE,),
        )
        stock = stock_pictures(
            pipeline,
            prompt=PROMPT,
            negative_prompt=NEGATIVE,
            width=32,
            height=40,
            num_images_per_prompt=2,
            num_inference_steps=STEPS,
            guidance_scale=theirs,
            generator=generators(request),
        )
        assert_same_pictures(generate(z_image, request), stock)


def test_an_unconditional_model_draws_what_ddpm_draws(ddpm: Bundle) -> None:
    """Neither text encoder nor autoencoder: the same walk in pixel space."""
    pipeline = diffusers.DDPMPipeline(unet=ddpm.denoiser, scheduler=stock_scheduler(ddpm, "ddpm"))
    request = text_to_image((), seed=9, size=(16, 16), images=2, num_inference_steps=8, sampler="ddpm")
    stock = stock_pictures(pipeline, batch_size=2, num_inference_steps=8, generator=generators(request))
    assert_same_pictures(generate(ddpm, request), stock)


def test_image_to_image_of_strength_zero_is_the_decoded_original(sd: Bundle) -> None:
    """No step is taken; only the autoencoder leaves its mark."""
    picture = np.full((32, 32, 3), 90, dtype=np.uint8)
    start = Start(((picture, 1.0),), 0.0)
    alone = generate(sd, text_to_image(PROMPT, seed=1, size=(32, 32), images=2, start=start))
    assert np.array_equal(alone[0], alone[1])
