"""Latents as the tokens of a transformer: each patch of 2x2 latents is one."""

import torch


def packed(latents: torch.Tensor) -> torch.Tensor:
    """(R, C, h, w) -> (R, h/2 * w/2, 4C)."""
    return torch.nn.functional.pixel_unshuffle(latents, 2).flatten(2).transpose(1, 2)


def unpacked(tokens: torch.Tensor, height: int, width: int) -> torch.Tensor:
    """(R, h/2 * w/2, 4C) -> (R, C, h, w)."""
    rows = tokens.transpose(1, 2).reshape(len(tokens), -1, height // 2, width // 2)
    return torch.pixel_shuffle(rows, 2)
