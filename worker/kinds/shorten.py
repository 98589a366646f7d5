"""What each word of a prompt does, measured, and shorter prompts out of those that do most."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from contract.errors import UserError
from contract.kinds.shorten import LONGEST, SHORTENED, only_words, without_word, words_of
from contract.prompt import flags_typed
from model import NoiseSource, Prompt, Request, Sampling, Size
from worker.kinds.bench import Bench
from worker.results import Words

_LOOSE_ENDS = re.compile(
    r"(?:[\s,]+(?:a|an|the|and|or|with|of|in|on|at|by|to|for|from))+$|^(?:and|or|of)\s+|[的地得和与在是]+$|^[的地得和与里]+",
    re.IGNORECASE,
)
"""Words that join others, where nothing is left to be joined."""
_SEED = 0
"""Of the noise that words are weighed on: always the same, so that Show Details shows what was shown before."""
_LEVEL = 1
"""A picture that is drawn beside others may differ so much, of 255, from the same drawn alone."""
_SHARES = (0.7, 0.5, 0.35, 0.25, 0.15)
"""How many of the words the shorter prompts keep."""


def make(bench: Bench) -> Words:
    """UserError `kind_not_supported` for a model that reads no words."""
    prompt = bench.job.prompt
    influence = _influence(bench, prompt.text)
    flags = flags_typed(prompt)
    texts = [f"{text} {flags}".strip() for text in shorter(prompt.text, influence)]
    return Words(texts, [round(float(share), 3) for share in influence])


def shorter(text: str, influence: Sequence[float] | NDArray[np.float64]) -> list[str]:
    """Up to five prompts of the words that do most, the longest first, no two alike."""
    count = len(influence)
    order = sorted(range(count), key=lambda place: -influence[place])
    sizes: list[int] = []
    for share in _SHARES:
        most = sizes[-1] - 1 if sizes else count - 1
        sizes.append(min(most, max(1, round(count * share))))
    chosen = [order[:size] for size in dict.fromkeys(sizes) if size > 0]
    chosen += [[place for place in order if place != left_out] for left_out in reversed(order[1:])]
    texts = dict.fromkeys(_short_enough(text, places) for places in chosen)
    return sorted([one for one in texts if one][:SHORTENED], key=len, reverse=True)


def _short_enough(text: str, places: Sequence[int]) -> str:
    """Of these words, strongest first, as many as a prompt may have letters."""
    kept = list(places)
    while len(shortened := only_words(text, kept)) > LONGEST:
        kept.pop()
    return _LOOSE_ENDS.sub("", shortened) or shortened


def _influence(bench: Bench, text: str) -> NDArray[np.float64]:
    """(N,) for the words of `text`, the strongest 1: how far what is read, and what one step draws from the same
    noise, move when the word is left out. Each of the two counts half."""
    texts = [text, *(without_word(text, place) for place in range(len(words_of(text))))]
    if bench.read is None:
        raise UserError("kind_not_supported", action="shorten", model=bench.job.model)
    read = bench.read(texts)
    requests = [_one_step(bench, one) for one in texts]
    drawn = bench.draw_together(requests)
    if any(map(bench.paints, requests)):  # words of a style do nothing before
        drawn = [bench.finish(images, request) for images, request in zip(drawn, requests, strict=True)]
    moves = [_distances(read), _distances(np.stack([images[0] for images in drawn]), _LEVEL)]
    together = np.mean([move / max(move.max(), 1e-12) for move in moves], axis=0)
    return np.asarray(together / max(together.max(), 1e-12))


def _one_step(bench: Bench, text: str) -> Request:
    """What the first of the model's steps makes of pure noise, without guidance."""
    plan = bench.plan
    return Request(
        prompt=Prompt(((text, 1.0),)),
        noises=(NoiseSource(_SEED),),
        size=Size(plan.width, plan.height),
        sampling=Sampling(plan.num_inference_steps, 1.0, plan.sampler, stop_at=1 / plan.num_inference_steps),
    )


def _distances(values: NDArray[np.float32] | NDArray[np.uint8], least: float = 0) -> NDArray[np.float64]:
    """How far all others are from the first; numbers that are no more than `least` apart are the same."""
    flat = values.reshape(len(values), -1).astype(np.float64)
    apart = np.abs(flat[1:] - flat[0])
    return np.asarray(np.linalg.norm(np.where(apart > least, apart, 0), axis=1))
