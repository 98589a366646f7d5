"""CLIP text models as readers of prompts: one for SD 1.x and 2.x, two for SDXL."""

from collections.abc import Sequence
from typing import Any

import torch

from model.family import Condition, TextEncoder
from model.request import Pixels


def clip_tokens(tokenizer: Any, text: str) -> torch.Tensor:
    """(1, L) of the tokenizer's own length, padded or cut."""
    length, text = tokenizer.model_max_length, _spelled_out(tokenizer, text)
    tokens: torch.Tensor = tokenizer(
        text, padding="max_length", max_length=length, truncation=True, return_tensors="pt"
    ).input_ids
    return tokens


def _spelled_out(tokenizer: Any, text: str) -> str:
    """Words of textual inversions (`model.inversions`) with all the tokens that they stand for."""
    known = tokenizer.added_tokens_encoder
    for word in {word for word in known if f"{word}_1" in known and word in text}:
        number, words = 1, [word]
        while f"{word}_{number}" in known:
            words.append(f"{word}_{number}")
            number += 1
        text = text.replace(word, " ".join(words))
    return text


class ClipText(TextEncoder):
    """One CLIP text model (SD 1.x: its last layer), or two (SDXL: both penultimate layers and the second's pooled)."""

    def __init__(self, tokenizers: Sequence[Any], encoders: Sequence[Any], zero_negative: bool = False) -> None:
        self.tokenizers, self.encoders, self._zero_negative = tokenizers, encoders, zero_negative
        self.max_tokens = tokenizers[0].model_max_length - 2  # without the start and end tokens

    def encode(self, text: str, pictures: Sequence[Pixels] = ()) -> Condition:
        hidden, pooled = [], None
        for tokenizer, encoder in zip(self.tokenizers, self.encoders, strict=True):
            penultimate = len(self.encoders) > 1
            output = encoder(clip_tokens(tokenizer, text).to(encoder.device), output_hidden_states=penultimate)
            hidden.append(output.hidden_states[-2] if penultimate else output[0])
            if output[0].ndim == 2:  # a projected, pooled prompt
                pooled = output[0][0]
        return Condition(torch.cat(hidden, dim=-1)[0], pooled)

    def window(self) -> tuple[Any, int]:
        return self.tokenizers[0], self.max_tokens

    def encode_against(self, text: str | None, pictures: Sequence[Pixels] = ()) -> Condition:
        against = self.encode(text or "")
        if text is not None or not self._zero_negative:
            return against
        pooled = None if against.pooled is None else torch.zeros_like(against.pooled)
        return Condition(torch.zeros_like(against.hidden), pooled)
