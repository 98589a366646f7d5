"""Prompts -> conditions: encoding, the cache of what was encoded, and arithmetic on embeddings.

User text goes to a tokenizer and nowhere else: no prompt-weighting grammar is parsed here, weights arrive as numbers.
"""

import threading
from collections import OrderedDict

import torch

from model.families.base import Condition, TextEncoder

CACHED_PROMPTS = 512

# At the far end of `stray` this share of an embedding's length is chance: enough for another picture, not for noise.
_FARTHEST = 0.75


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


def stray(condition: Condition, amount: float, generator: torch.Generator) -> Condition:
    """Move a condition in a random direction, the same for all its tokens: 0 leaves it, 1 takes it far away.

    All tokens move together because independent moves cancel out in attention. The embedding keeps its mean and its
    spread, so the model still sees something like a prompt.
    """

    def moved(values: torch.Tensor) -> torch.Tensor:
        direction = torch.randn(values.shape[-1], generator=generator).to(values)
        mean, spread = values.float().mean(), values.float().std()
        share = _FARTHEST * amount**0.5  # the root: pictures hardly move for the first half of the way
        mixed: torch.Tensor = float((1 - share**2) ** 0.5) * (values - mean) + share * spread * direction
        return (mixed + mean).to(values.dtype)

    return Condition(moved(condition.hidden), None if condition.pooled is None else moved(condition.pooled))
