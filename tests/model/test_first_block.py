"""A transformer's blocks after the first, kept over steps."""

from dataclasses import replace

import pytest
import torch

from benchmarks.stock import STOCK
from model import tiny
from model.components import Bundle
from model.drawing import generate
from model.errors import ModelError
from model.families import FAMILIES
from model.families.first_block import FirstBlockTransformer
from model.families.flow import FlowFamily
from model.request import Request, text_to_image
from model.state import Shortcuts
from tests.model.conftest import assert_same_pictures, level_difference, running, submit_together

KEEPING = ("flux", "stable-diffusion-3", "qwen-image")  # their tiny models have two blocks


@pytest.fixture(params=KEEPING)
def bundle(request: pytest.FixtureRequest) -> Bundle:
    name: str = request.param
    return tiny.bundle(name)


def asked(bundle: Bundle, prompt: str = "a red apple", steps: int = 6) -> Request:
    size = STOCK[bundle.family.name].size
    return text_to_image(prompt, seed=7, size=size, images=2, num_inference_steps=steps, guidance_scale=3.5)


def test_a_full_step_is_the_plain_forward(bundle: Bundle) -> None:
    """And a step that keeps what the others add, at the same place, gives the same again."""
    family = bundle.family
    assert isinstance(family, FlowFamily)
    shape = bundle.latent_shape(asked(bundle).size)
    latents = torch.randn(2, *shape, generator=torch.Generator().manual_seed(1))
    timesteps, condition = torch.full((2,), 400.0), bundle.condition("a red apple")
    if condition is not None and family.guidance == "embedded":
        condition = replace(condition, guidance=3.5)
    with torch.inference_mode():
        plain = family.predict(latents, timesteps, [condition] * 2)
        full, deep = family.predict_reusing(latents, timesteps, [condition] * 2, None)
        kept, same = family.predict_reusing(latents, timesteps, [condition] * 2, deep)
    torch.testing.assert_close(full, plain, rtol=0, atol=0)
    torch.testing.assert_close(kept, plain, rtol=1e-4, atol=1e-5)
    assert same is deep


def test_company_changes_nothing(bundle: Bundle) -> None:
    """Alone or with strangers that keep other steps' blocks: the same pictures; and they differ from those of full
    steps."""
    shortcuts = Shortcuts(deep_every=2)
    requests = [asked(bundle), asked(bundle, "an owl in the rain", 5), asked(bundle, "x", 3)]
    with running(bundle, shortcuts=shortcuts, max_rows=64) as engine:
        alone = [engine.submit(request).result(120) for request in requests]
        for ticket, expected in zip(submit_together(engine, requests), alone, strict=True):
            assert_same_pictures(ticket.result(120), expected)
    assert level_difference(alone[0], generate(bundle, requests[0])) > 0


def test_families_that_keep_no_blocks() -> None:
    """Z-Image and klein put prompt and picture into one sequence."""
    keeping = {name for name, family in FAMILIES.items() if getattr(family, "keeps_blocks", False)}
    assert {"z-image", "flux2-klein", "unconditional"}.isdisjoint(keeping)
    assert set(KEEPING) < keeping


def test_one_block_has_no_others() -> None:
    """There is nothing to keep, and an operator is told before the first picture."""
    bundle = tiny.bundle("sana")
    with pytest.raises(ModelError, match="leave `deep_every` out"):
        Shortcuts(deep_every=2).check(bundle)
    with pytest.raises(ValueError, match="no others"):
        FirstBlockTransformer(bundle.denoiser)
