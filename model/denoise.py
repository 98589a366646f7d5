"""One forward for many walks: gather their rows, predict, hand each walk its own share back."""

import logging
from collections.abc import Sequence
from itertools import chain

import torch

from model.components import Bundle
from model.errors import ModelError
from model.tile import wrapped_around
from model.walk import Walk

logger = logging.getLogger(__name__)


class Denoiser:
    """Owns the denoiser's forward: at most `max_rows` rows at once, fewer after memory ran out."""

    def __init__(self, bundle: Bundle, max_rows: int, *, compile: bool = False) -> None:
        if max_rows < 1:
            raise ModelError(f"A forward has at least one row, not {max_rows}.")
        self.max_rows = max_rows
        self._bundle = bundle
        self._compile = compile

    def warm_up(self) -> None:
        """Compile in the background where asked to."""

    def predict(self, walks: Sequence[Walk], tile: bool = False) -> list[torch.Tensor]:
        """What each walk's `advance` takes: (R_i, C, h, w) float32, from as few forwards as fit.

        Pure: after a failure the same walks can be predicted again, together or one by one.
        """
        rows = [walk.rows() for walk in walks]
        counts = [len(latents) for latents, _, _ in rows]
        conditions = list(chain.from_iterable(conditions for _, _, conditions in rows))
        timesteps = torch.cat([timesteps.float() for _, timesteps, _ in rows])
        if self._bundle.family.mixes_shapes:
            latents: torch.Tensor | list[torch.Tensor] = list(chain.from_iterable(part for part, _, _ in rows))
        else:
            latents = torch.cat([part for part, _, _ in rows]) if len(rows) > 1 else rows[0][0]
        with wrapped_around(self._bundle.denoiser if tile else None):
            outputs = self._in_slices(latents, timesteps, conditions)
        shares, start = [], 0
        for count in counts:
            share = outputs[start : start + count]
            shares.append(share if isinstance(share, torch.Tensor) else torch.stack(share))
            start += count
        return shares

    def _in_slices(self, latents, timesteps, conditions):
        """The family's prediction for all rows; rows already predicted are kept when memory runs out on the way."""
        outputs: list = []
        start = 0
        while start < len(timesteps):
            end = start + self.max_rows
            try:
                part = self._bundle.family.predict(latents[start:end], timesteps[start:end], conditions[start:end])
            except (torch.OutOfMemoryError, MemoryError) as error:
                if self.max_rows == 1:
                    raise ModelError("There is not enough memory to draw even one row of this size.") from error
                self.max_rows = max(1, min(self.max_rows, len(timesteps)) // 2)
                logger.warning("Out of memory: from now on at most %d rows in one forward", self.max_rows)
                if self._bundle.device.type == "cuda":
                    torch.cuda.empty_cache()
                continue
            outputs.append(part)
            start += len(part)
        if len(outputs) == 1:
            return outputs[0]
        return torch.cat(outputs) if isinstance(outputs[0], torch.Tensor) else list(chain.from_iterable(outputs))
