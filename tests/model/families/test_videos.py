"""Videos, of families that draw them: as diffusers' own pipelines draw them, alone and in company."""

import functools
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import torch

from benchmarks.stock import STOCK, comparable, pictures
from model import tiny, vae
from model.components import Bundle
from model.denoiser import Denoiser
from model.drawing import generate
from model.errors import ModelError
from model.families import FAMILIES
from model.request import FirstFrame, Keep, Request, Start, text_to_image
from model.state import DenoisingState
from tests.model.conftest import altered, assert_same_pictures, level_difference, running, submit_together
from tests.model.families.test_stock import photograph

bundle_of = functools.cache(tiny.bundle)
FRAMES = 9
MOVING = [name for name, stock in STOCK.items() if stock.image_to_video]


@pytest.fixture(params=MOVING)
def bundle(request: pytest.FixtureRequest) -> Bundle:
    """A tiny model of each family that draws videos."""
    name: str = request.param
    return bundle_of(name)


@pytest.fixture(autouse=True)
def the_same_encodings() -> Iterator[None]:
    """Stock takes the mode of a picture's encoding, as ours does."""
    with comparable():
        yield


def asked(bundle: Bundle, prompt: str = "a red apple", *, begins: bool = False, **changes: Any) -> Request:
    size = STOCK[bundle.family.name].size
    request = text_to_image(prompt, seed=7, size=size, images=2, negatives=("blue",), num_inference_steps=4)
    controls = (FirstFrame(photograph(size)),) if begins else ()
    return altered(replace(request, controls=controls), **{"frames": FRAMES, "guidance_scale": 3.0, **changes})


@pytest.mark.parametrize("begins", [False, True], ids=["from words", "from a picture"])
@pytest.mark.parametrize("scale", [3.0, 1.0])
def test_videos(bundle: Bundle, begins: bool, scale: float) -> None:
    """With guidance and without: the frames of one video after those of another, and they move."""
    request = asked(bundle, begins=begins, guidance_scale=scale)
    drawn = generate(bundle, request)
    assert len(drawn) == len(request.noises) * FRAMES
    assert_same_pictures(drawn, pictures(bundle, request))
    assert all(level_difference([one], [other]) > 1 for one, other in pairwise(drawn[:FRAMES]))


@pytest.mark.parametrize("sampler", sorted(FAMILIES["ltx-video"].samplers()))
def test_a_first_frame_is_kept(bundle: Bundle, sampler: str) -> None:
    """By every sampler: its latents end as that picture's own."""
    request = asked(bundle, begins=True, sampler=sampler, num_inference_steps=5)
    with torch.inference_mode():
        state = DenoisingState(bundle, request)
        denoiser = Denoiser(bundle, max_rows=8)
        while not state.done:
            state.advance(*denoiser.predict([state], tile=False))
        given = vae.encode(bundle.vae, photograph(STOCK[bundle.family.name].size), bundle.device)
    for video in state.result():
        torch.testing.assert_close(video[:, 0], given[0], rtol=0, atol=0.01)  # some round their times
        assert not torch.allclose(video[:, 1], given[0], atol=0.1)


def test_company_changes_no_video(bundle: Bundle) -> None:
    """Videos from words, from pictures, of other lengths, and pictures that stand still, joining half way too."""
    requests = [
        asked(bundle, begins=True, num_inference_steps=6),
        asked(bundle, "an owl in the rain at night", begins=True, num_inference_steps=3, guidance_scale=1.0),
        asked(bundle, "x", num_inference_steps=3),
        asked(bundle, "a tree", num_inference_steps=3, frames=17),
        asked(bundle, "a boat", num_inference_steps=3, frames=1),
    ]
    late = asked(bundle, "a house", begins=True, num_inference_steps=3)
    alone = [generate(bundle, request) for request in (*requests, late)]
    with running(bundle, max_rows=64) as engine:
        tickets = submit_together(engine, requests)
        while next(tickets[0].events()).step < 2:
            pass
        tickets.append(engine.submit(late))
        for ticket, expected in zip(tickets, alone, strict=True):
            assert_same_pictures(ticket.result(60), expected)


def test_previews_show_where_it_goes(bundle: Bundle) -> None:
    """A sheet with one picture for each video."""
    request = asked(bundle, begins=True)
    with running(bundle) as engine:
        ticket = engine.submit(request, preview_every=1)
        sheets = [event.preview for event in ticket.events() if event.preview is not None]
    width, height = request.size.width, request.size.height
    assert [sheet.shape for sheet in sheets] == [(height, 2 * width, 3)] * 3


def test_an_autoencoder_that_is_told_the_time(bundle: Bundle) -> None:
    """Later LTX models denoise once more while they decode: of clean latents, at time 0."""
    from diffusers import AutoencoderKLLTXVideo

    torch.manual_seed(1)
    config = {**bundle.vae.config, "timestep_conditioning": True}
    told_vae = AutoencoderKLLTXVideo.from_config(config).eval().requires_grad_(False)
    told = replace(bundle, parts=replace(bundle.parts, modules={**bundle.parts.modules, "vae": told_vae}))
    request = asked(bundle, begins=True)
    request = replace(request, noises=request.noises[:1])
    assert_same_pictures(generate(told, request), pictures(told, request))


@pytest.mark.parametrize(
    ("frames", "change", "said"),
    [
        (8, {}, "1 frame and multiples of 8 more, not 8"),
        (0, {}, "multiples of 8 more, not 0"),
        (9, {"tile": True}, "has no parts"),
        (9, {"start": Start(((photograph((32, 64)), 1.0),), 0.5)}, "starts from no picture but its first frame"),
        (9, {"keep": Keep(photograph((32, 64)), np.zeros((64, 32), np.uint8))}, "has no parts"),
        (1, {"controls": (FirstFrame(photograph((32, 64))),)}, "not 1 frames"),
        (9, {"controls": (FirstFrame(photograph((32, 64))),) * 2}, "one picture, not with 2"),
    ],
)
def test_what_is_no_video(bundle: Bundle, frames: int, change: dict[str, Any], said: str) -> None:
    """Is refused before any work is done."""
    with pytest.raises(ModelError, match=said):
        generate(bundle, asked(bundle, frames=frames, **change))


def test_what_draws_pictures_alone() -> None:
    """Says that they stand still."""
    bundle = bundle_of("flux")
    request = text_to_image("a fox", seed=1, size=(32, 48), images=1)
    with pytest.raises(ModelError, match="A flux model draws pictures that stand still"):
        generate(bundle, altered(request, frames=9))
