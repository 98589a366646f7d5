"""Prompts -> conditions: encoding, the cache of what was encoded, and arithmetic on embeddings.

User text goes to a tokenizer and nowhere else: no prompt-weighting grammar is parsed here, weights arrive as numbers.
"""

import threading
from collections import OrderedDict
from collections.abc import Sequence
from typing import Any, Protocol

import torch

from model.families import Condition

CACHED_PROMPTS = 512

# At the far end of `stray` this share of an embedding's length is chance: enough for another picture, not for noise.
_FARTHEST = 0.75


class TextEncoder(Protocol):
    max_tokens: int

    def encode(self, text: str) -> Condition: ...

    def encode_nothing(self) -> Condition:
        """The condition that guidance moves away from when the request names no negative prompt."""


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


class ChatText:
    """A language model reads the prompt as a chat message; its penultimate layer is the condition (Z-Image)."""

    max_tokens = 512

    def __init__(self, tokenizer: Any, encoder: Any) -> None:
        self.tokenizer, self.encoder = tokenizer, encoder

    def encode(self, text: str) -> Condition:
        message = self.tokenizer.apply_chat_template(
            [{"role": "user", "content": text}], tokenize=False, add_generation_prompt=True, enable_thinking=True
        )
        tokens = self.tokenizer(
            message, padding="max_length", max_length=self.max_tokens, truncation=True, return_tensors="pt"
        ).to(self.encoder.device)
        mask = tokens.attention_mask.bool()
        states = self.encoder(input_ids=tokens.input_ids, attention_mask=mask, output_hidden_states=True)
        return Condition(states.hidden_states[-2][0][mask[0]])

    def encode_nothing(self) -> Condition:
        return self.encode("")


class PromptCache:
    """Encodes each text once: variations, rerolls and the empty negative prompt find theirs here.

    Texts are encoded one at a time, so that an embedding never depends on what it happened to be encoded with.
    """

    def __init__(self, encoder: TextEncoder, size: int = CACHED_PROMPTS) -> None:
        self._encoder, self._size = encoder, size
        self._conditions: OrderedDict[str | None, Condition] = OrderedDict()
        self._lock = threading.Lock()
        self.hits = 0
        self.misses = 0

    def get(self, text: str | None) -> Condition:
        """The condition of `text`; None asks for the one guidance moves away from."""
        with self._lock:
            if text in self._conditions:
                self._conditions.move_to_end(text)
                self.hits += 1
                return self._conditions[text]
            self.misses += 1
        condition = self._encoder.encode_nothing() if text is None else self._encoder.encode(text)
        with self._lock:
            self._conditions[text] = condition
            while len(self._conditions) > self._size:
                self._conditions.popitem(last=False)
        return condition


def blend(parts: Sequence[tuple[Condition, float]]) -> Condition:
    """The weighted mean of conditions of equal length; weights sum to 1."""
    hidden = sum(condition.hidden * weight for condition, weight in parts)
    pooled = None
    if parts[0][0].pooled is not None:
        pooled = sum(condition.pooled * weight for condition, weight in parts if condition.pooled is not None)
    return Condition(hidden, pooled)  # type: ignore[arg-type]


def stray(condition: Condition, amount: float, generator: torch.Generator) -> Condition:
    """Move a condition in a random direction, the same for all its tokens: 0 leaves it, 1 takes it far away.

    All tokens move together because independent moves cancel out in attention. The embedding keeps its mean and its
    spread, so the model still sees something like a prompt.
    """

    def moved(values: torch.Tensor) -> torch.Tensor:
        direction = torch.randn(values.shape[-1], generator=generator).to(values)
        mean, spread = values.float().mean(), values.float().std()
        share = _FARTHEST * amount**0.5  # the root: pictures hardly move for the first half of the way
        mixed = (1 - share**2) ** 0.5 * (values - mean) + share * spread * direction
        return (mixed + mean).to(values.dtype)

    return Condition(moved(condition.hidden), None if condition.pooled is None else moved(condition.pooled))
