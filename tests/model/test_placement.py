"""Models that have less room than they need: which parts stay, what is streamed, and that no pixel notices."""

import gc
import weakref
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from benchmarks.stock import comparable, save
from model import tiny
from model.components import Bundle
from model.drawing import generate
from model.engine import Engine
from model.errors import ModelError
from model.families import FAMILIES
from model.forecast import forecast, weights_of
from model.loading import Source, load
from model.placement import Forecast, Placement, largest_layer, placed, stream
from model.request import Reference, Request, Size, text_to_image
from model.state import Shortcuts
from tests.model.conftest import assert_same_pictures, running, submit_together

SIZE = Size(64, 64)
PARTS = {"transformer": 1000, "text_encoder": 300, "text_encoder_2": 500, "vae": 50}
LAYERS = {"transformer": 100, "text_encoder": 30, "text_encoder_2": 40, "vae": 50}
FORECAST = Forecast(PARTS, row=20, decoding=10)


@pytest.fixture(autouse=True)
def look_at_small_pictures() -> Iterator[None]:
    """Editing models look at a megapixel; here it is less."""
    with comparable():
        yield


def drawn_here(bundle: Bundle, prompt: str = "a red apple") -> Request:
    request = text_to_image(prompt, seed=3, size=(SIZE.width, SIZE.height), images=2, num_inference_steps=3)
    if not bundle.family.needs_reference:
        return request
    [reference] = [control for control in bundle.example().controls if isinstance(control, Reference)]
    return replace(request, controls=(Reference(reference.picture[:64, :64]),))


@pytest.mark.parametrize(
    ("budget", "streamed"),
    [
        (1880, set()),
        (1879, {"text_encoder_2"}),
        (1420, {"text_encoder_2"}),
        (1419, {"text_encoder_2", "text_encoder"}),
        (1150, {"text_encoder_2", "text_encoder"}),
        (1149, {"text_encoder_2", "text_encoder", "transformer"}),
        (250, {"text_encoder_2", "text_encoder", "transformer"}),
    ],
)
def test_as_little_as_possible_is_streamed(budget: int, streamed: set[str]) -> None:
    """The largest text encoder first, which costs time once a prompt; the denoiser last; the autoencoder never."""
    placement = placed(FORECAST, LAYERS, "transformer", budget)
    assert placement.streamed == streamed
    assert placement.needed <= budget


def test_the_rest_of_the_budget_is_rows() -> None:
    """Of one forward: at least one, and none is counted that does not fit."""
    assert placed(FORECAST, LAYERS, "transformer", 1880).rows == 1
    assert placed(FORECAST, LAYERS, "transformer", 1880 + 59).rows == 3
    assert placed(replace(FORECAST, row=None), LAYERS, "transformer", 5000).rows is None


def test_what_adapters_take_counts() -> None:
    """They stay on the device."""
    assert placed(FORECAST, LAYERS, "transformer", 1880, beside=1).streamed == {"text_encoder_2"}


def test_too_little_even_so() -> None:
    """Both numbers are said, and what can be done."""
    with pytest.raises(ModelError, match=r"needs 0\.0 MiB even when its layers come one by one.*quantise it"):
        placed(FORECAST, LAYERS, "transformer", 249)


@pytest.mark.parametrize("name", sorted(FAMILIES))
def test_every_family_has_a_forecast(name: str) -> None:
    """Of its rows and of its decoding, larger for larger pictures, and making it leaves no trace in the model."""
    bundle = tiny.bundle(name)
    before = generate(bundle, drawn_here(bundle))
    small, large = forecast(bundle, SIZE), forecast(bundle, Size(128, 128))
    assert small.row is not None
    assert large.row is not None
    assert 0 < small.row < large.row
    assert (small.decoding or 0) < (large.decoding or 0) or bundle.vae is None
    assert_same_pictures(generate(bundle, drawn_here(bundle)), before)


def test_a_forecast_is_what_the_work_takes() -> None:
    """Within a quarter of what tensors with numbers take at a time in the same forward."""
    from model.forecast import Tally

    bundle = tiny.bundle("stable-diffusion", channels=(32, 64, 64))
    size = Size(128, 128)
    latents, condition = torch.zeros(2, *bundle.latent_shape(size)), bundle.condition("a harbour")
    with torch.inference_mode(), Tally() as tally:
        bundle.family.predict(latents, torch.full((2,), 500.0), [condition] * 2)
    expected = forecast(bundle, size).row
    assert expected is not None
    assert 0.75 * tally.peak < 2 * expected < 1.25 * tally.peak


@pytest.mark.parametrize("name", sorted(FAMILIES))
def test_streamed_parts_draw_the_same(name: str, tmp_path: Path) -> None:
    """Text encoders and denoiser layer by layer, from the disk: the same pixels, in a batch with strangers too."""
    bundle = tiny.bundle(name)
    requests = [drawn_here(bundle, prompt) for prompt in ("a red apple", "an owl")]
    expected = [generate(bundle, request) for request in requests]
    for part in bundle.parts.modules:
        if part == bundle.family.denoiser_part or part.startswith("text_encoder"):
            stream(bundle.parts.modules[part], bundle.device, tmp_path / part)
    fresh = tiny_like(bundle)
    with running(fresh, max_rows=16) as engine:
        for ticket, pictures in zip(submit_together(engine, requests), expected, strict=True):
            assert_same_pictures(ticket.result(120), pictures)


def tiny_like(bundle: Bundle) -> Bundle:
    """The same parts without what was encoded before."""
    return Bundle(bundle.family, bundle.parts, type(bundle.family).text(bundle.parts), "fresh")


def test_what_is_streamed_is_not_held(tmp_path: Path) -> None:
    """Between two pictures its numbers lie on the disk, and the tensors that held them are gone."""
    bundle = tiny.bundle("flux")
    held = [weakref.ref(weight.untyped_storage()) for weight in bundle.denoiser.parameters()]
    stream(bundle.denoiser, bundle.device, tmp_path)
    gc.collect()
    assert not any(storage() for storage in held)
    written = sum(file.stat().st_size for file in tmp_path.rglob("*.safetensors"))
    assert written > 0.9 * sum(weights_of({"transformer": tiny.bundle("flux").denoiser}).values())


def test_a_budget_decides_at_loading(tmp_path: Path) -> None:
    """What does not fit is streamed, and a part without a place to lie is said."""
    folder = save(tiny.bundle("stable-diffusion"), tmp_path / "model")
    whole = load(folder)
    assert whole.placement == Placement()
    made = forecast(whole)
    tight = sum(made.weights.values()) + made.activations - 1
    bundle = load(folder, budget=tight, spare=tmp_path / "spare")
    assert bundle.placement.streamed == {"text_encoder"}
    assert_same_pictures(generate(bundle, drawn_here(bundle)), generate(whole, drawn_here(whole)))
    with pytest.raises(ModelError, match="no folder to lie in"):
        load(folder, budget=tight)
    with pytest.raises(ModelError, match="even when its layers come one by one"):
        load(folder, budget=1000, spare=tmp_path / "spare")


def test_the_engine_takes_as_many_rows_as_fit(tmp_path: Path) -> None:
    """And halves them no more: there is room."""
    folder = save(tiny.bundle("stable-diffusion"), tmp_path / "model")
    made = forecast(load(folder))
    budget = sum(made.weights.values()) + made.activations + 2 * (made.row or 0)
    engine = Engine(load(folder, budget=budget), quicken="off")
    assert engine.max_rows == 3


def test_a_streamed_denoiser_keeps_no_deep_part(tmp_path: Path) -> None:
    """Its twins would have weights that are not there."""
    bundle = tiny.bundle("stable-diffusion")
    bundle.placement = Placement(frozenset({"unet"}))
    with pytest.raises(ModelError, match="needs a denoiser that stays"):
        Shortcuts(deep_every=2).check(bundle)


def test_tiles_of_an_autoencoder(tmp_path: Path) -> None:
    """Less at a time for large pictures, nearly the same pixels; another fingerprint."""
    folder = save(tiny.bundle("stable-diffusion"), tmp_path / "model")
    plain, tiled = load(folder), load(Source(str(folder), vae_tiling=True))
    assert plain.fingerprint != tiled.fingerprint
    large = Size(96, 96)
    assert (forecast(tiled, large).decoding or 0) < (forecast(plain, large).decoding or 0)


def test_layers_of_a_part() -> None:
    """Two of them at a time, and what belongs to none of them."""
    part = torch.nn.Module()
    part.blocks = torch.nn.ModuleList(torch.nn.Linear(10, 10, bias=False) for _ in range(5))
    part.head = torch.nn.Linear(10, 2, bias=False)
    assert largest_layer(part) == 2 * 400 + 80
    nested: Any = torch.nn.Sequential(part, torch.nn.Linear(3, 3, bias=False))
    assert largest_layer(nested) == 2 * 400
