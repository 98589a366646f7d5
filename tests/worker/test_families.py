"""The words of the contract's catalogue are those of the model, which the contract may not import."""

from __future__ import annotations

import model.families
from contract.families import FAMILIES


def test_the_published_families_and_samplers_are_the_models() -> None:
    """A family or a sampler that the model gets is published in `contract/families.py`."""
    there = {name: family.samplers() for name, family in model.families.FAMILIES.items()}
    assert there == dict(FAMILIES)
