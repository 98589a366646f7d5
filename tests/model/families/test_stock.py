"""Every family draws what diffusers' own pipeline of the same name draws: same weights, seeds, sampler and steps."""

import functools
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest

from benchmarks.stock import STOCK, comparable, pictures
from model import tiny
from model.components import Bundle
from model.drawing import generate
from model.errors import ModelError
from model.families import FAMILIES
from model.request import Keep, Pixels, Reference, Request, Start, text_to_image
from tests.model.conftest import altered, assert_same_pictures, level_difference, running, submit_together

PROMPT, NEGATIVE = "a red apple", "blue"
bundle_of = functools.cache(tiny.bundle)
"""Read-only: a test that changes a model makes one of its own."""


pytestmark = pytest.mark.usefixtures("the_mode_of_an_encoding")


@pytest.fixture(params=sorted(STOCK))
def bundle(request: pytest.FixtureRequest) -> Bundle:
    """A tiny model of each family."""
    name: str = request.param
    return bundle_of(name)


def asked(bundle: Bundle, prompt: str = PROMPT, **changes: object) -> Request:
    stock = STOCK[bundle.family.name]
    negatives, size = (NEGATIVE,) if stock.takes_negative else (), stock.size
    request = text_to_image(prompt, seed=7, size=size, images=2, negatives=negatives, num_inference_steps=4)
    if bundle.family.needs_reference:
        request = replace(request, controls=(Reference(photograph(size)),))
    return altered(request, **changes)


def photograph(size: tuple[int, int]) -> Pixels:
    """Something with shapes and texture, (H, W, 3)."""
    width, height = size
    chance = np.random.default_rng(3)
    picture = np.kron(chance.integers(0, 256, (4, 4, 3)), np.ones((-(-height // 4), -(-width // 4), 1)))
    return (picture[:height, :width] * 0.8 + chance.integers(0, 50, (height, width, 3))).astype(np.uint8)


@pytest.fixture(autouse=True)
def look_at_small_pictures() -> Iterator[None]:
    """A tenth of a megapixel per side is enough to tell right from wrong."""
    with comparable():
        yield


def middle(size: tuple[int, int]) -> np.ndarray:
    """A mask (H, W) that paints the right half below, along the borders of patches."""
    mask = np.zeros(size[::-1], np.uint8)
    mask[16:, 16:] = 255
    return mask


def test_every_family_has_its_stock() -> None:
    """But the unconditional one, which has no prompt: its pipeline stands in tests/model/test_stock.py."""
    assert set(STOCK) == set(FAMILIES) - {"unconditional"}


@pytest.mark.parametrize("scale", [3.5, 1.0])
def test_text_to_image(bundle: Bundle, scale: float) -> None:
    """With guidance and without."""
    request = asked(bundle, guidance_scale=scale)
    drawn = generate(bundle, request)
    assert_same_pictures(drawn, pictures(bundle, request))
    assert level_difference(drawn, generate(bundle, asked(bundle, "a boat", guidance_scale=scale))) > 0


def test_two_steps_of_a_sprint() -> None:
    """Have an angle of their own between them, as the model was trained with."""
    bundle = bundle_of("sana-sprint")
    request = asked(bundle, num_inference_steps=2)
    assert_same_pictures(generate(bundle, request), pictures(bundle, request, intermediate_timesteps=1.3))


def test_what_draws_from_noise_alone() -> None:
    """Says so, before any work is done."""
    bundle = bundle_of("sana-sprint")
    request = asked(bundle)
    picture = photograph((request.size.width, request.size.height))
    with pytest.raises(ModelError, match="draws from noise alone"):
        generate(bundle, replace(request, start=Start(((picture, 1.0),), 0.5)))


def test_references(bundle: Bundle) -> None:
    """Pictures that the model looks at, of other sizes than the one asked for."""
    if not bundle.family.max_references:
        pytest.skip("this family looks at no pictures")
    plain = asked(bundle)
    seen = [Reference(photograph(size)) for size in ((64, 64), (80, 64))[: bundle.family.max_references]]
    request = replace(plain, controls=tuple(seen))
    drawn = generate(bundle, request)
    assert_same_pictures(drawn, pictures(bundle, request))
    assert level_difference(drawn, generate(bundle, plain)) > 0


def test_image_to_image(bundle: Bundle) -> None:
    """The same steps are left out."""
    if not STOCK[bundle.family.name].image_to_image:
        pytest.skip("diffusers has no such pipeline")
    request = asked(bundle)
    size = (request.size.width, request.size.height)
    for strength, steps in ((0.5, 5), (0.8, 4)):
        started = altered(request, start=Start(((photograph(size), 1.0),), strength), num_inference_steps=steps)
        assert_same_pictures(generate(bundle, started), pictures(bundle, started))


def test_inpainting(bundle: Bundle) -> None:
    """Inside the mask as stock; outside it not one byte changes, which stock does not promise."""
    if not STOCK[bundle.family.name].inpainting:
        pytest.skip("diffusers has no such pipeline")
    request = asked(bundle)
    size = (request.size.width, request.size.height)
    keep = Keep(photograph(size), middle(size))
    for start in (None, Start(((keep.picture, 1.0),), 0.75)):
        request = replace(request, keep=keep, start=start)
        ours, stock = generate(bundle, request), pictures(bundle, request)
        inside = keep.mask == 255
        assert_same_pictures([image[inside] for image in ours], [image[inside] for image in stock])
        assert all(np.array_equal(image[~inside], keep.picture[~inside]) for image in ours)


def test_company_changes_nothing(bundle: Bundle) -> None:
    """Alone, among strangers of other prompts, lengths, steps and scales, and joining half way: the same pictures."""
    first = asked(bundle, num_inference_steps=6)
    strangers = [
        asked(bundle, "an owl in the rain at night", num_inference_steps=3, guidance_scale=1.0),
        asked(bundle, "x", num_inference_steps=4, guidance_scale=6.0),
    ]
    late = asked(bundle, "a house", num_inference_steps=3)
    alone = [generate(bundle, request) for request in (first, *strangers, late)]
    with running(bundle, max_rows=64) as engine:
        tickets = submit_together(engine, [first, *strangers])
        while next(tickets[0].events()).step < 2:
            pass
        tickets.append(engine.submit(late))
        for ticket, expected in zip(tickets, alone, strict=True):
            assert_same_pictures(ticket.result(60), expected)
