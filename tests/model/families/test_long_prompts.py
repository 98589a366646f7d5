"""Prompts longer than CLIP's window: read in several, drawn as stock draws with the same embeddings, in any company."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from benchmarks import stock
from model.clip import ClipText
from model.components import Bundle
from model.drawing import generate
from model.request import text_to_image
from model.text import PromptCache
from tests.model.conftest import assert_same_pictures, level_difference, running, submit_together
from tests.model.families.test_stock import bundle_of

WINDOW = 14  # of the tiny tokenizer, every letter a token
FIRST, SECOND, THIRD = "a" * WINDOW, "b" * WINDOW, "c" * 5


def long_reading(name: str) -> Bundle:
    """A tiny model that reads three windows."""
    bundle = bundle_of(name)
    text = bundle.text
    assert isinstance(text, ClipText)
    zeros = bool(bundle.parts.settings.get("force_zeros_for_empty_prompt"))
    return replace(bundle, text=ClipText(text.tokenizers, text.encoders, zeros, windows=3))


def spelled(*pieces: str) -> str:
    return " ".join(" ".join(piece) for piece in pieces)


@pytest.fixture(params=["stable-diffusion", "stable-diffusion-xl"])
def bundle(request: pytest.FixtureRequest) -> Bundle:
    name: str = request.param
    return long_reading(name)


def test_windows_are_chained(bundle: Bundle) -> None:
    """Each is what it would be by itself; the pooled prompt is the first one's; what is beyond changes nothing."""
    whole = bundle.condition(spelled(FIRST, SECOND, THIRD))
    alone = [bundle.condition(spelled(piece)) for piece in (FIRST, SECOND, THIRD)]
    assert whole is not None
    assert bundle.max_tokens == 3 * WINDOW
    assert torch.allclose(whole.hidden, torch.cat([one.hidden for one in alone if one is not None]), atol=1e-6)
    if whole.pooled is not None:
        assert alone[0] is not None
        assert alone[0].pooled is not None
        assert torch.allclose(whole.pooled, alone[0].pooled, atol=1e-6)
    full = spelled(FIRST, SECOND, FIRST)
    cut = bundle.condition(spelled(FIRST, SECOND, FIRST, "zz"))
    assert cut is not None
    assert torch.equal(cut.hidden, bundle.condition(full).hidden)  # type: ignore[union-attr]


def test_a_long_prompt_is_drawn_as_stock_draws_it(bundle: Bundle) -> None:
    """Which is handed the same embeddings; the negative prompt is as long there, as other tools make it."""
    request = text_to_image(spelled(FIRST, SECOND), seed=7, size=(32, 32), images=2, num_inference_steps=4)
    assert bundle.prompts is not None
    condition, against = bundle.prompts.get(spelled(FIRST, SECOND)), bundle.prompts.against(None)
    embeddings: dict[str, Any] = {
        "prompt": None,
        "prompt_embeds": condition.hidden[None],
        "negative_prompt_embeds": against.hidden.repeat(2, 1)[None],
    }
    if condition.pooled is not None and against.pooled is not None:
        embeddings["pooled_prompt_embeds"] = condition.pooled[None]
        embeddings["negative_pooled_prompt_embeds"] = against.pooled[None]
    drawn = generate(bundle, request)
    assert_same_pictures(drawn, stock.pictures(bundle, request, **embeddings))
    short = generate(bundle, text_to_image(spelled(FIRST), seed=7, size=(32, 32), images=2, num_inference_steps=4))
    assert level_difference(drawn, short) > 0


def test_prompts_of_all_lengths_share_a_batch(bundle: Bundle) -> None:
    """One, two and three windows in one forward, each as if alone; also where one-window prompts run recorded."""
    requests = [
        text_to_image(spelled(*pieces), seed=k, size=(32, 32), images=1, num_inference_steps=4)
        for k, pieces in enumerate(((FIRST,), (FIRST, SECOND), (FIRST, SECOND, THIRD)))
    ]
    alone = [generate(bundle, request) for request in requests]
    with running(bundle, max_rows=64) as engine:
        assert engine.denoiser.quicken("trace")
        for ticket, expected in zip(submit_together(engine, requests), alone, strict=True):
            assert_same_pictures(ticket.result(60), expected)


def test_the_window_of_a_model_of_ones_own_stays_one(sd: Bundle) -> None:
    """Only CLIP's own length is chained: other models never learned to read on."""
    assert sd.max_tokens == WINDOW
    assert isinstance(sd.prompts, PromptCache)
    one, other = sd.condition(spelled(FIRST, SECOND)), sd.condition(spelled(FIRST))
    assert one is not None
    assert other is not None
    assert np.array_equal(one.hidden.numpy(), other.hidden.numpy())
