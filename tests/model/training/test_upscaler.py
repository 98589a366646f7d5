"""A narrow upscaler gives what the whole one gives, as far as its channels reach."""

from __future__ import annotations

import random
from itertools import islice

import pytest
import torch
from torch.nn import functional

from model.training.upscaler import enlarged, narrowed, prompts, psnr_db, train
from model.upscale import Upscaler, load_upscaler


@pytest.fixture(scope="module")
def whole() -> Upscaler:
    """The one for pictures of all kinds."""
    return load_upscaler()


@pytest.fixture(scope="module")
def pictures() -> torch.Tensor:
    """Coloured shapes with hard edges, (12, 3, 24, 24)."""
    chance = torch.Generator().manual_seed(0)
    coarse = torch.rand(12, 3, 5, 5, generator=chance)
    return functional.interpolate(coarse, size=24, mode="nearest")


def test_all_channels_kept_is_the_whole_network(whole: Upscaler, pictures: torch.Tensor) -> None:
    """Least squares finds the weights that there are."""
    assert psnr_db(enlarged(narrowed(whole, pictures[:2], 64), pictures[:2]), enlarged(whole, pictures[:2])) > 60


def test_half_the_channels_come_near(whole: Upscaler, pictures: torch.Tensor) -> None:
    """Nearer than a network that only leaves channels out, on pictures that it was not fitted to too."""
    narrow = narrowed(whole, pictures[:8], 32)
    bare = Upscaler(32)
    own = whole.state_dict()
    bare.load_state_dict({name: own[name][tuple(map(slice, value.shape))] for name, value in bare.state_dict().items()})
    wanted = enlarged(whole, pictures[8:])
    assert psnr_db(enlarged(narrow, pictures[8:]), wanted) > psnr_db(enlarged(bare, pictures[8:]), wanted) + 6


def test_training_leaves_a_network_that_only_draws(whole: Upscaler, pictures: torch.Tensor) -> None:
    """A few steps change the weights, which then take no gradients any more."""
    narrow = narrowed(whole, pictures[:2], 16)
    before = {name: value.clone() for name, value in narrow.state_dict().items()}
    train(narrow, pictures, enlarged(whole, pictures), minutes=0.005)
    assert all(not torch.equal(before[name], value) for name, value in narrow.state_dict().items())
    assert not any(parameter.requires_grad for parameter in narrow.parameters())


def test_prompts_are_the_same_for_a_seed() -> None:
    """And speak of the words that they are given."""
    words = ["fox", "boat"]
    ones, others = (list(islice(prompts(words, random.Random(3)), 20)) for _ in range(2))
    assert ones == others
    assert all("fox" in prompt or "boat" in prompt for prompt in ones)
