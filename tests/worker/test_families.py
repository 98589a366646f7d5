"""The words of the contract's catalogue are those of the model, which the contract may not import."""

from __future__ import annotations

import pytest
import torch

import model.families
from contract.families import EDIT_ONLY, FAMILIES, REFERENCES, UNABLE
from model import tiny


def test_the_published_families_and_samplers_are_the_models() -> None:
    """A family or a sampler that the model gets is published in `contract/families.py`."""
    there = {name: family.samplers() for name, family in model.families.FAMILIES.items()}
    assert there == dict(FAMILIES)


def test_families_that_look_at_pictures_are_those_of_the_model() -> None:
    """What a prompt may show them is what they look at."""
    looking = {name: family for name, family in model.families.FAMILIES.items() if family.max_references}
    assert {name: family.max_references for name, family in looking.items()} == dict(REFERENCES)
    assert {name for name, family in looking.items() if family.needs_reference} == EDIT_ONLY


@pytest.mark.parametrize("name", sorted(FAMILIES))
def test_what_a_family_cannot_do_is_what_its_models_lack(name: str) -> None:
    """A catalogue that promises it is refused: convolutions make a torus, references come before other pictures, words
    are read or not."""
    bundle, unable = tiny.bundle(name), UNABLE.get(name, frozenset())
    convolutions = any(isinstance(part, torch.nn.Conv2d) and any(part.padding) for part in bundle.denoiser.modules())
    assert ("tile" in unable) == (not convolutions)
    from_noise_alone = not bundle.sampler("").noises
    assert ({"inpaint", "redraw"} <= unable) == (bundle.family.needs_reference or from_noise_alone)
    assert ("image_weight" in unable) == from_noise_alone
    assert ("stylize" in unable) == (bundle.prompts is None)
