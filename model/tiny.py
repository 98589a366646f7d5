"""Tiny random models, built in memory in a fraction of a second: for tests and for timings that need no picture.

They have the real classes and the real wiring of their families, only few and narrow layers.
"""

from typing import Any

from model.components import Bundle, assemble
from model.families import FAMILIES


def bundle(family: str, seed: int = 0, **shape: Any) -> Bundle:
    """A tiny model of the family of this name; `shape` is what its `tiny` takes beside the seed."""
    kind = FAMILIES[family]
    return assemble(kind, kind.tiny(seed, **shape))
