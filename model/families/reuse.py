"""A UNet's deep part kept over steps: DeepCache (Ma et al. 2024, arXiv 2312.00858) at its outermost level.

What the lower levels give changes slowly from step to step. So a step may take them from an earlier one and compute
only the outermost level itself: the first layers on the way down, the last on the way up. Both forwards are the UNet's
own; they differ in which of its blocks they see.
"""

import copy
from collections.abc import Callable
from typing import Any

import torch


class ReusingUNet:
    """Shares all its layers with `unet`, which stays as it is. ValueError for a UNet of one level: it has no depth."""

    def __init__(self, unet: Any) -> None:
        if len(unet.down_blocks) < 2:
            raise ValueError("a UNet of one level has no deep part")
        self._full = _twin(unet)
        self._noting = _Noting(unet.up_blocks[-1])
        self._full.up_blocks = torch.nn.ModuleList([*unet.up_blocks[:-1], self._noting])
        self._shallow = _twin(unet)
        first = _twin(unet.down_blocks[0])
        first.downsamplers = None
        self._shallow.down_blocks = torch.nn.ModuleList([first])
        self._shallow.mid_block = self._middle = _Middle()
        self._shallow.up_blocks = torch.nn.ModuleList([unet.up_blocks[-1]])
        self._shallow.num_upsamplers = 0

    def __call__(
        self, call: Callable[[Any], torch.Tensor], deep: torch.Tensor | None
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """`call` is handed a UNet and returns its output (R, C, h, w). deep: (R, D, h, w) or None for a full forward.

        Returns the output and the deep part that it rests on.
        """
        if deep is None:
            output = call(self._full)
            return output, self._noting.seen.pop()
        self._middle.instead = deep
        return call(self._shallow), deep


class _Middle(torch.nn.Module):
    """Stands where the deeper levels were, and gives what they gave before."""

    instead: torch.Tensor

    def forward(self, *_: Any) -> torch.Tensor:
        return self.instead


class _Noting(torch.nn.Module):
    """The last block of the way up, which notes what comes to it from below."""

    def __init__(self, block: Any) -> None:
        super().__init__()
        self.block = block
        self.resnets = block.resnets  # the UNet counts them
        self.has_cross_attention = getattr(block, "has_cross_attention", False)
        self.seen: list[torch.Tensor] = []

    def forward(self, hidden_states: torch.Tensor, **rest: Any) -> torch.Tensor:
        self.seen = [hidden_states]
        output: torch.Tensor = self.block(hidden_states=hidden_states, **rest)
        return output


def _twin(module: Any) -> Any:
    """A module with the same children, which can be given others without the first one noticing."""
    twin = copy.copy(module)
    twin._modules = module._modules.copy()
    return twin
