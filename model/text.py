"""Prompts -> conditions: encoding, the cache of what was encoded, and arithmetic on embeddings.

User text goes to a tokenizer and nowhere else: no prompt-weighting grammar is parsed here, weights arrive as numbers.
"""

import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace

import torch

from model.family import Condition, TextEncoder, Uses
from model.request import Pixels

CACHED_PROMPTS = 512

# At the far end of `stray` this share of an embedding's length is chance: enough for another picture, not for noise.
_FARTHEST = 0.75


Key = tuple[str, str | None, Uses]
Reading = Callable[[Uses], AbstractContextManager[None]]


class PromptCache:
    """Encodes each text once: variations, rerolls and the empty negative prompt find theirs here.

    Texts are encoded one at a time, so that an embedding never depends on what it happened to be encoded with. What is
    encoded with pictures is not kept.
    """

    def __init__(self, encoder: TextEncoder, reading: Reading, size: int = CACHED_PROMPTS) -> None:
        """reading: within it, the text encoders have the LoRAs that it is called with."""
        self._encoder, self._reading, self._size = encoder, reading, size
        self._conditions: OrderedDict[Key, Condition] = OrderedDict()
        self._lock = threading.Lock()
        self.hits = 0
        self.misses = 0

    def shown(self, parts: Sequence[tuple[str, float]]) -> Sequence[tuple[str, float]]:
        """The weighted parts of a prompt that have conditions."""
        return self._encoder.shown(parts)

    def get(self, text: str, pictures: Sequence[Pixels] = (), loras: Uses = ()) -> Condition:
        """The condition of a prompt."""
        return self._kept(("for", text, loras), lambda: self._encoder.encode(text, pictures), not pictures)

    def against(self, text: str | None, pictures: Sequence[Pixels] = (), loras: Uses = ()) -> Condition:
        """What guidance moves away from; None where the request names nothing."""
        return self._kept(("against", text, loras), lambda: self._encoder.encode_against(text, pictures), not pictures)

    def _kept(self, key: Key, encode: Callable[[], Condition], keep: bool) -> Condition:
        if not keep:
            with self._reading(key[2]):
                return encode()
        with self._lock:
            if key in self._conditions:
                self._conditions.move_to_end(key)
                self.hits += 1
                return self._conditions[key]
            self.misses += 1
        with self._reading(key[2]):
            condition = encode()
        with self._lock:
            self._conditions[key] = condition
            while len(self._conditions) > self._size:
                self._conditions.popitem(last=False)
        return condition


def mixed(condition: Condition, others: Sequence[tuple[Condition, float]]) -> Condition:
    """`condition` moved towards each of the others by its share, all at once: shares of 0 leave it, one of 1 is there.

    Where texts of different lengths have embeddings of different shapes, and so no way between them, it is the other of
    the largest share, from a third of the way on. Without others it is the condition itself: identity counts.
    """
    if not others:
        return condition
    if any(other.hidden.shape != condition.hidden.shape for other, _ in others):
        nearest, _ = max(others, key=lambda one: one[1])
        return nearest if sum(share for _, share in others) >= 1 / 3 else condition

    def moved(values: torch.Tensor, targets: Sequence[torch.Tensor]) -> torch.Tensor:
        steps = ((target - values) * share for target, (_, share) in zip(targets, others, strict=True))
        return torch.stack([values, *steps]).sum(0)

    pooled = condition.pooled
    if pooled is not None:
        pooled = moved(pooled, [other.pooled for other, _ in others if other.pooled is not None])
    return replace(condition, hidden=moved(condition.hidden, [other.hidden for other, _ in others]), pooled=pooled)


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

    pooled = None if condition.pooled is None else moved(condition.pooled)
    return replace(condition, hidden=moved(condition.hidden), pooled=pooled)
