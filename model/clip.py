"""CLIP text models as readers of prompts: one for SD 1.x and 2.x, two for SDXL."""

from collections.abc import Sequence
from typing import Any

import torch

from model.families.base import Condition


class ClipText:
    """One CLIP text model (SD 1.x: its last layer), or two (SDXL: both penultimate layers and the second's pooled)."""

    def __init__(self, tokenizers: Sequence[Any], encoders: Sequence[Any], zero_negative: bool = False) -> None:
        self.tokenizers, self.encoders, self._zero_negative = tokenizers, encoders, zero_negative
        self.max_tokens = tokenizers[0].model_max_length - 2  # without the start and end tokens

    def encode(self, text: str) -> Condition:
        hidden, pooled = [], None
        for tokenizer, encoder in zip(self.tokenizers, self.encoders, strict=True):
            ids = tokenizer(
                text,
                padding="max_length",
                max_length=tokenizer.model_max_length,
                truncation=True,
                return_tensors="pt",
            ).input_ids.to(encoder.device)
            penultimate = len(self.encoders) > 1 or self._zero_negative
            output = encoder(ids, output_hidden_states=penultimate)
            hidden.append(output.hidden_states[-2] if penultimate else output[0])
            if output[0].ndim == 2:  # a projected, pooled prompt: only the SDXL refiner-style encoder has it
                pooled = output[0][0]
        return Condition(torch.cat(hidden, dim=-1)[0], pooled)

    def encode_nothing(self) -> Condition:
        nothing = self.encode("")
        if not self._zero_negative:
            return nothing
        pooled = None if nothing.pooled is None else torch.zeros_like(nothing.pooled)
        return Condition(torch.zeros_like(nothing.hidden), pooled)
