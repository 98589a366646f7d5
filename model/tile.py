"""Seamless tiles: convolutions that see the opposite edge instead of zeros beyond the border."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch


def _padded_convolutions(module: torch.nn.Module) -> tuple[torch.nn.Conv2d, ...]:
    return tuple(
        layer
        for layer in module.modules()
        if isinstance(layer, torch.nn.Conv2d) and layer.padding_mode == "zeros" and any(layer.padding)
    )


@contextmanager
def wrapped_around(module: torch.nn.Module | None) -> Iterator[None]:
    """Within, `module` (a UNet or an autoencoder) takes its pictures for a torus. One thread per module at a time."""
    layers = _padded_convolutions(module) if module is not None else ()
    for layer in layers:
        layer.padding_mode = "circular"
    try:
        yield
    finally:
        for layer in layers:
            layer.padding_mode = "zeros"
