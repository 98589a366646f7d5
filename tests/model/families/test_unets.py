"""UNets with further inputs: the mask of an inpainting model, the guidance of a distilled one."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from benchmarks.stock import pictures
from model.components import Bundle, assemble
from model.denoiser import Denoiser
from model.drawing import generate
from model.errors import ModelError
from model.families.stable_diffusion import StableDiffusion
from model.request import Keep, text_to_image
from tests.model.conftest import assert_same_pictures, running, submit_together
from tests.model.families.test_stock import middle, photograph

pytestmark = pytest.mark.usefixtures("the_mode_of_an_encoding")
SIZE = (32, 32)


def tiny(**config: Any) -> Bundle:
    return assemble(StableDiffusion, StableDiffusion.tiny(**config))


@pytest.fixture(scope="module")
def inpainting() -> Bundle:
    """As stable-diffusion-inpainting: nine channels in, four out."""
    return tiny(in_channels=9)


@pytest.fixture(scope="module")
def distilled() -> Bundle:
    """As LCM_Dreamshaper: the guidance scale is an input."""
    return tiny(time_cond_proj_dim=16)


def test_an_inpainting_unet_paints_what_stock_paints(inpainting: Bundle) -> None:
    """Mask and masked picture go in as channels; outside the mask not one byte changes."""
    keep = Keep(photograph(SIZE), middle(SIZE))
    request = text_to_image("a hat", seed=7, size=SIZE, images=2, num_inference_steps=4, keep=keep)
    ours, stock = generate(inpainting, request), pictures(inpainting, request)
    inside = keep.mask == 255
    assert_same_pictures([image[inside] for image in ours], [image[inside] for image in stock])
    assert all(np.array_equal(image[~inside], keep.picture[~inside]) for image in ours)


def test_an_inpainting_unet_draws_without_a_mask_too(inpainting: Bundle) -> None:
    """All is painted, as if over a grey picture; in a batch with masked requests everybody keeps their own."""
    plain = text_to_image("a hat", seed=7, size=SIZE, images=1, num_inference_steps=4)
    masked = replace(plain, keep=Keep(photograph(SIZE), middle(SIZE)))
    alone = [generate(inpainting, request) for request in (plain, masked)]
    with running(inpainting, max_rows=64) as engine:
        for ticket, expected in zip(submit_together(engine, [plain, masked]), alone, strict=True):
            assert_same_pictures(ticket.result(60), expected)
    grey = np.full((*SIZE, 3), 127, np.uint8)
    everything = replace(plain, keep=Keep(grey, np.full(SIZE, 255, np.uint8)))
    assert_same_pictures(alone[0], generate(inpainting, everything))


def test_other_numbers_of_channels_are_refused() -> None:
    """Before a picture is asked for, with the numbers."""
    with pytest.raises(ModelError, match="takes 8 channels, 4 more than it gives"):
        tiny(in_channels=8)


def test_a_distilled_unet_draws_what_stock_draws(distilled: Bundle) -> None:
    """Any scale, no negative rows."""
    for scale in (1.0, 4.0, 9.0):
        request = text_to_image(
            "a hat", seed=7, size=SIZE, images=2, sampler="lcm", num_inference_steps=4, guidance_scale=scale
        )
        assert_same_pictures(generate(distilled, request), pictures(distilled, request))


@pytest.mark.parametrize("way", ["trace", "onnx"])
def test_a_distilled_unet_is_recorded_with_its_guidance(distilled: Bundle, way: Any) -> None:
    """Rows of different scales share the graph, and get what the plain forward gives."""
    requests = [
        text_to_image("a hat", seed=7, size=SIZE, images=1, num_inference_steps=3, guidance_scale=scale)
        for scale in (1.0, 4.0, 9.0)
    ]
    alone = [generate(distilled, request) for request in requests]
    with running(distilled, max_rows=64) as engine:
        assert engine.denoiser.quicken(way)
        assert engine.denoiser.quickened == way
        for ticket, expected in zip(submit_together(engine, requests), alone, strict=True):
            assert_same_pictures(ticket.result(60), expected)


def test_an_inpainting_unet_runs_as_it_is(inpainting: Bundle) -> None:
    """It is not recorded."""
    assert Denoiser(inpainting, 8).usual_way() == "off"
