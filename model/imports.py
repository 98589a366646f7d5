"""Importing the libraries and loading a model while Python's cyclic collector rests."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def collector_resting() -> Iterator[None]:
    """Within, nothing is collected. May be nested.

    torch, diffusers and transformers make some million objects that all stay, and the collector walks them over and
    over while they grow: a fifth of the time until the first picture. Servers may `gc.freeze()` afterwards.
    """
    was_awake = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_awake:
            gc.enable()
