"""Faster forwards: the same numbers, taken over while the plain forward serves, and given up without harm."""

import logging
import threading

import pytest
import torch

from model.components import Bundle
from model.denoiser import Denoiser, traced
from model.drawing import generate
from model.request import text_to_image
from tests.model.conftest import assert_same_pictures, running, submit_together


@pytest.mark.parametrize("name", ["sd", "sdxl", "default"])
def test_a_recorded_graph_predicts_what_its_unet_predicts(name: str, request: pytest.FixtureRequest) -> None:
    """For any number of rows, any size, mixed prompts and timesteps, though it was recorded from one example."""
    bundle: Bundle = request.getfixturevalue(name)
    graph = traced(bundle)
    side = bundle.native_size[0] // bundle.pixels_per_latent
    with torch.inference_mode():
        for rows, height, width in ((1, side, side), (5, side, side), (2, side, side + 4)):
            chance = torch.Generator().manual_seed(rows)
            latents = torch.randn(rows, bundle.family.latent_channels, height, width, generator=chance)
            timesteps = torch.rand(rows, generator=chance) * 999
            conditions = [bundle.condition(("a fox", "", "rain")[row % 3]) for row in range(rows)]
            plain = bundle.family.predict(latents, timesteps, conditions)
            assert torch.allclose(graph.predict(latents, timesteps, conditions), plain, atol=2e-5)


def test_pictures_of_a_traced_engine_are_the_same(sd: Bundle) -> None:
    """Among strangers, and for tiles, which go on with the plain forward."""
    requests = [
        text_to_image("a fox", seed=1, size=(32, 32), images=2, num_inference_steps=4),
        text_to_image("a hen", seed=2, size=(48, 32), images=1, num_inference_steps=4, sampler="euler"),
        text_to_image("bricks", seed=3, size=(32, 32), images=1, num_inference_steps=4, tile=True),
    ]
    with running(sd) as engine:
        assert engine.denoiser.quicken("trace")
        assert engine.denoiser.quickened
        for ticket, request in zip(submit_together(engine, requests), requests, strict=True):
            assert_same_pictures(ticket.result(60), generate(sd, request))


def test_the_take_over_disturbs_no_running_request(sd: Bundle) -> None:
    """Eager serves until the graph is ready; a request that sees both gets its picture."""
    request = text_to_image("a fox", seed=1, size=(32, 32), images=1, num_inference_steps=30)
    with running(sd) as engine:
        ticket = engine.submit(request)
        events = ticket.events()
        while next(events).step < 5:
            pass
        ticket.pause()
        engine.denoiser.quicken("trace")
        ticket.resume()
        assert_same_pictures(ticket.result(60), generate(sd, request))


def test_an_untrue_graph_is_not_used(sd: Bundle, monkeypatch: pytest.MonkeyPatch) -> None:
    """A size for which the graph differs from its module is drawn by the module."""
    from model.traced import TracedUNet

    condition = sd.condition(None)
    assert condition is not None
    graph = TracedUNet(sd.family, condition, 8)  # type: ignore[arg-type]
    monkeypatch.setattr(graph, "_whole", lambda latents, *_: latents + 1)
    with torch.inference_mode():
        inputs = (torch.randn(1, 4, 12, 12), torch.tensor([10.0]), [condition])
        assert torch.equal(graph.predict(*inputs), sd.family.predict(*inputs))


@pytest.mark.parametrize("way", ["trace", "compile"])
def test_what_cannot_be_quickened_goes_on_as_it_is(
    ddpm: Bundle, way: str, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One line in the log, no harm."""
    monkeypatch.setattr(ddpm.denoiser, "_repeated_blocks", None, raising=False)
    request = text_to_image("", seed=1, size=(16, 16), images=1, num_inference_steps=2, sampler="ddpm")
    with running(ddpm) as engine, caplog.at_level(logging.WARNING):
        assert not engine.denoiser.quicken(way)
        assert len(caplog.records) == 1
        assert_same_pictures(engine.submit(request).result(60), generate(ddpm, request))


def test_small_unets_on_a_cpu_are_traced_by_default(sd: Bundle, z_image: Bundle) -> None:
    """Nothing else is."""
    assert Denoiser(sd, 8).usual_way() == "trace"
    assert Denoiser(z_image, 8).usual_way() == "off"


def test_the_first_idle_moment_is_used_to_quicken(sd: Bundle, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody has to ask for it, and the first picture does not wait for it."""
    asked = threading.Event()
    monkeypatch.setattr(Denoiser, "quicken", lambda denoiser, way: asked.set())
    request = text_to_image("a fox", seed=1, size=(32, 32), images=1, num_inference_steps=3)
    with running(sd, quicken="auto") as engine:
        assert_same_pictures(engine.submit(request).result(60), generate(sd, request))
        assert asked.wait(60)


def test_under_lasting_load_it_is_prepared_too(sd: Bundle, monkeypatch: pytest.MonkeyPatch) -> None:
    """After a while of steps without a rest."""
    asked = threading.Event()
    monkeypatch.setattr(Denoiser, "quicken", lambda denoiser, way: asked.set())
    with running(sd, quicken="trace") as engine:
        ticket = engine.submit(text_to_image("a fox", seed=1, size=(32, 32), images=1, num_inference_steps=900))
        assert asked.wait(60)
        ticket.cancel()
