"""A transformer's blocks after the first kept over steps, as first-block caching does.

What those blocks add to the picture's tokens changes slowly from step to step, while the first block still sees each
step's own tokens. So a step may compute the first block alone and add what the others added at an earlier one. Which
steps do is the request's own schedule, not a threshold, so that a picture does not depend on its company.
"""

import copy
from collections.abc import Callable
from typing import Any

import torch

_LISTS = ("transformer_blocks", "single_transformer_blocks")


def block_count(transformer: Any) -> int:
    """How many blocks the picture's tokens pass."""
    return sum(len(getattr(transformer, name, ())) for name in _LISTS)


class FirstBlockTransformer:
    """`full` and `shallow` share all layers with `transformer`, which stays as it is. ValueError for a single block."""

    def __init__(self, transformer: Any) -> None:
        lists = [name for name in _LISTS if len(getattr(transformer, name, ()))]
        blocks = {name: list(getattr(transformer, name)) for name in lists}
        if block_count(transformer) < 2:
            raise ValueError("a transformer of one block has no others")
        self._first, self._last = _Noting(blocks[lists[0]][0]), _Noting(blocks[lists[-1]][-1])
        self._adding = _Adding(self._first.block)
        blocks[lists[0]][0], blocks[lists[-1]][-1] = self._first, self._last
        self.full, self.shallow = _twin(transformer), _twin(transformer)
        for name in lists:
            setattr(self.full, name, torch.nn.ModuleList(blocks[name]))
            setattr(self.shallow, name, torch.nn.ModuleList([self._adding] if name == lists[0] else []))

    def __call__(
        self, call: Callable[[Any], torch.Tensor], deep: torch.Tensor | None
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """`call` is handed a transformer and returns its output. deep: (R, tokens, D), None for a full forward.

        Returns the output and what the blocks after the first added.
        """
        if deep is None:
            output = call(self.full)
            return output, self._last.seen.pop() - self._first.seen.pop()
        self._adding.more = deep
        return call(self.shallow), deep


class _Noting(torch.nn.Module):
    """A block that notes the picture's tokens that it gives."""

    def __init__(self, block: Any) -> None:
        super().__init__()
        self.block = block
        self.seen: list[torch.Tensor] = []

    def forward(self, *inputs: Any, **named: Any) -> Any:
        output = self.block(*inputs, **named)
        self.seen = [output[1] if isinstance(output, tuple) else output]
        return output


class _Adding(torch.nn.Module):
    """The first block, and what the others added before."""

    more: torch.Tensor

    def __init__(self, block: Any) -> None:
        super().__init__()
        self.block = block

    def forward(self, *inputs: Any, **named: Any) -> Any:
        output = self.block(*inputs, **named)
        if isinstance(output, tuple):  # the prompt's tokens come first
            return output[0], output[1] + self.more
        return output + self.more


def _twin(module: Any) -> Any:
    """A module with the same children, which can be given others without the first one noticing."""
    twin = copy.copy(module)
    twin._modules = module._modules.copy()
    return twin
