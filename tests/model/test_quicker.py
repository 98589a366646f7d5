"""Faster forwards: the same numbers, taken over while the plain forward serves, and given up without harm."""

import logging
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Literal

import pytest
import torch

from model import exported, vae
from model.asleep import _Asleep
from model.components import Bundle
from model.denoiser import Denoiser, traced
from model.drawing import generate
from model.exported import OnnxRuntime
from model.loading import Source, fingerprint_of, load
from model.request import text_to_image
from model.state import Shortcuts
from model.traced import PROMPT, WHOLE, Example, Recorder, TorchScript
from model.ways import Ways
from tests.model.conftest import DEFAULT, altered, assert_same_pictures, running, submit_together


@pytest.mark.parametrize("recorder", [TorchScript(), OnnxRuntime("test")], ids=["trace", "onnx"])
@pytest.mark.parametrize("name", ["sd", "sdxl", "default"])
def test_a_graph_predicts_what_its_unet_predicts(name: str, recorder: Recorder, request: pytest.FixtureRequest) -> None:
    """For any number of rows, any size, mixed prompts and timesteps, though it was recorded from one example."""
    bundle: Bundle = request.getfixturevalue(name)
    graph = traced(bundle, recorder=recorder)
    side = bundle.native_size[0] // bundle.pixels_per_latent
    with torch.inference_mode():
        for rows, height, width in ((1, side, side), (5, side, side), (2, side, side + 4)):
            chance = torch.Generator().manual_seed(rows)
            latents = torch.randn(rows, bundle.family.latent_channels, height, width, generator=chance)
            timesteps = torch.rand(rows, generator=chance) * 999
            conditions = [bundle.condition(("a fox", "", "rain")[row % 3]) for row in range(rows)]
            plain = bundle.family.predict(latents, timesteps, conditions)
            assert torch.allclose(graph.predict(latents, timesteps, conditions), plain, atol=2e-5)


@pytest.mark.parametrize("way", ["trace", "onnx"])
def test_pictures_of_a_quicker_engine_are_the_same(sd: Bundle, way: Literal["trace", "onnx"]) -> None:
    """Among strangers, and for tiles, which go on with the plain forward."""
    requests = [
        text_to_image("a fox", seed=1, size=(32, 32), images=2, num_inference_steps=4),
        text_to_image("a hen", seed=2, size=(48, 32), images=1, num_inference_steps=4, sampler="euler"),
        text_to_image("bricks", seed=3, size=(32, 32), images=1, num_inference_steps=4, tile=True),
    ]
    with running(sd) as engine:
        assert engine.denoiser.quicken(way)
        assert engine.denoiser.quickened == way
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


def test_deep_parts_are_kept_through_exported_graphs_too(sd: Bundle) -> None:
    """The full and the shallow forward are exported apart; pictures are those of the plain forwards."""
    shortcuts = Shortcuts(deep_every=2)
    request = text_to_image("a fox", seed=1, size=(32, 32), images=2, num_inference_steps=5)
    with running(sd, shortcuts=shortcuts) as engine:
        plain = engine.submit(request).result(60)
        assert engine.denoiser.quicken("onnx")
        assert engine.denoiser.quickened == "onnx"
        assert_same_pictures(engine.submit(request).result(60), plain)


def test_an_exported_graph_is_kept_for_the_next_engine(sd: Bundle, tmp_path: Path) -> None:
    """The second engine has it from its first step on, denoiser and decoder both, and draws the same; one that is asked
    for certain ways has those from its first step to its last, and each picture knows what drew it."""
    request = text_to_image("a fox", seed=1, size=(32, 32), images=2, num_inference_steps=4)
    with running(sd, quicken="onnx", graphs=tmp_path) as engine:
        assert not engine.denoiser.quickened
        engine.quicken()
        assert_same_pictures(engine.submit(request).result(60), generate(sd, request))
    kept = {file.name: file.stat().st_mtime_ns for file in tmp_path.iterdir()}
    assert sorted(name.rpartition("-")[2] for name in kept if name.endswith("onnx")) == [
        "decoder.onnx",
        "prompt.onnx",
        "text.onnx",
        "whole.onnx",
    ]
    with running(sd, quicken="onnx", graphs=tmp_path) as engine:
        assert engine.denoiser.quickened == "onnx"
        for _ in range(2):  # the first picture of a size is compared, the next is the graph's
            assert_same_pictures(engine.submit(request).result(60), generate(sd, request))
    assert {file.name: file.stat().st_mtime_ns for file in tmp_path.iterdir()} == kept
    for ways in (Ways("torch", "torch", "torch"), Ways("torch", "onnx", "onnx")):
        with running(sd, graphs=tmp_path, ways=ways) as engine:
            ticket = engine.submit(request)
            assert_same_pictures(ticket.result(60), generate(sd, request))
        assert replace(ticket.ways, place="") == replace(ways, images=2)
        assert "torch" in ticket.ways.place


def test_graphs_are_found_under_what_they_compute(sd: Bundle, sdxl: Bundle, tmp_path: Path) -> None:
    """Weights have their fingerprint, and kept deep parts graphs of their own."""
    runtime = OnnxRuntime(sd.fingerprint, tmp_path)
    for name in (WHOLE, PROMPT):
        runtime.record(name, lambda: Example(torch.nn.functional.silu, torch.nn.Identity(), (torch.zeros(8, 2),)))
    assert Denoiser(sd, 8, graphs=tmp_path).lies_ready("onnx")
    assert not Denoiser(sdxl, 8, graphs=tmp_path).lies_ready("onnx")
    assert not Denoiser(sd, 8, Shortcuts(deep_every=2), graphs=tmp_path).lies_ready("onnx")


@pytest.mark.parametrize("damage", [b"", b"no graph", None])
def test_a_damaged_graph_is_made_anew(tmp_path: Path, damage: bytes | None) -> None:
    """An empty file, a foreign one, half a one: no harm, and a whole one afterwards."""
    layer = torch.nn.Linear(16, 16)
    numbers = torch.rand(3, 16)
    OnnxRuntime("k", tmp_path).record("layer", lambda: Example(layer, layer, (torch.zeros(8, 16),)))
    [file] = tmp_path.iterdir()
    whole = file.read_bytes()
    file.write_bytes(whole[: len(whole) // 2] if damage is None else damage)
    graph = OnnxRuntime("k", tmp_path).record("layer", lambda: Example(layer, layer, (torch.zeros(8, 16),)))
    assert torch.allclose(graph(numbers), layer(numbers), atol=1e-6)
    assert len(file.read_bytes()) == len(whole)


def test_a_folder_that_takes_nothing_is_no_fault(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """The graph serves all the same; the log has one line."""
    (tmp_path / "file").write_text("in the way")
    layer = torch.nn.Linear(4, 4)
    with caplog.at_level(logging.WARNING):
        graph = OnnxRuntime("k", tmp_path / "file").record("layer", lambda: Example(layer, layer, (torch.zeros(8, 4),)))
    assert graph(torch.zeros(1, 4)).shape == (1, 4)
    assert len(caplog.records) == 1


def test_two_graphs_are_exported_one_after_the_other(monkeypatch: pytest.MonkeyPatch) -> None:
    """torch's exporter refuses to run twice at a time: a second loaded model would go on without its graph."""
    busy = threading.Lock()

    def slowly(*_: object, **__: object) -> None:
        assert busy.acquire(blocking=False), "two exports at a time"
        time.sleep(0.05)
        busy.release()

    monkeypatch.setattr(torch.onnx, "export", slowly)
    with ThreadPoolExecutor(2) as pool:
        exports = [pool.submit(exported.export, torch.nn.Identity(), (torch.zeros(1),)) for _ in range(2)]
        assert [export.result() for export in exports] == [b"", b""]


def test_what_cannot_be_exported_is_traced(
    sd: Bundle, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """With one line in the log."""

    def refuse(*_: object) -> bytes:
        raise RuntimeError("no such operator")

    monkeypatch.setattr(exported, "export", refuse)
    denoiser = Denoiser(sd, 8)
    with caplog.at_level(logging.WARNING):
        assert denoiser.quicken("onnx")
    assert denoiser.quickened == "trace"
    assert len(caplog.records) == 1


def test_an_untrue_decoder_is_not_used(sd: Bundle, monkeypatch: pytest.MonkeyPatch) -> None:
    """A size for which the graph differs from its module, or fails, is decoded by the module."""
    decoder = exported.Decoder(lambda: sd.vae, torch.zeros(1, 4, 8, 8), OnnxRuntime("test"))
    with torch.inference_mode():
        latents = torch.randn(2, 4, 8, 12)
        plain = vae.decode(sd.vae, latents)
        monkeypatch.setattr(decoder, "_graph", lambda latents: plain + 1)
        assert torch.equal(decoder(latents), plain)
        assert torch.equal(decoder(latents), plain)


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
    ddpm: Bundle, way: Literal["trace", "compile"], caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One line in the log, no harm."""
    monkeypatch.setattr(ddpm.denoiser, "_repeated_blocks", None, raising=False)
    request = text_to_image("", seed=1, size=(16, 16), images=1, num_inference_steps=2, sampler="ddpm")
    with running(ddpm) as engine, caplog.at_level(logging.WARNING):
        assert not engine.denoiser.quicken(way)
        assert len(caplog.records) == 1
        assert_same_pictures(engine.submit(request).result(60), generate(ddpm, request))


def test_small_unets_on_a_cpu_are_exported_by_default(
    sd: Bundle, z_image: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Traced where onnxruntime is not installed. Nothing else is."""
    assert Denoiser(sd, 8).usual_way() == "onnx"
    monkeypatch.setattr("model.denoiser.find_spec", lambda name: None)
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


def test_parts_with_graphs_stay_asleep_until_they_are_needed(tmp_path: Path) -> None:
    """Words are drawn by graphs alone, the same pictures, previews and drafts; a tile wakes the parts up."""
    folder, graphs = DEFAULT, tmp_path / "graphs"
    source = Source(str(folder), student="student")
    words = text_to_image("a red apple", seed=1, size=(64, 64), images=2, num_inference_steps=3, sampler="dpmpp_2m")
    draft = altered(words, student=True, sampler="ddim", guidance_scale=1.0)
    tile = altered(words, tile=True)
    awake = load(source, graphs=graphs)
    assert not awake.asleep
    with running(awake, quicken="onnx", graphs=graphs) as engine:
        engine.quicken()
    asleep = load(source, graphs=graphs)
    assert asleep.asleep
    assert asleep.fingerprint == awake.fingerprint
    woken: list[str] = []
    parts = asleep.parts.modules
    assert isinstance(parts, _Asleep)
    wake = parts._wake
    parts._wake = lambda: woken.append("now") or wake()  # type: ignore[func-returns-value]
    with running(asleep, quicken="onnx", graphs=graphs) as engine:
        for request in (words, draft):
            ticket = engine.submit(request, preview_every=1)
            assert_same_pictures(ticket.result(60), generate(awake, request))
            assert any(event.preview is not None for event in ticket.events())
        assert not woken
        assert_same_pictures(engine.submit(tile).result(60), generate(awake, tile))
        assert woken


def test_a_model_that_changed_has_no_graphs(sd: Bundle, tmp_path: Path) -> None:
    """Other weights have another fingerprint, and a model that is to be changed while it is loaded never sleeps."""
    graphs = tmp_path / "graphs"
    assert not load(DEFAULT, graphs=graphs).asleep
    OnnxRuntime(fingerprint_of(DEFAULT), graphs).note("model", {})
    assert not load(DEFAULT, graphs=graphs).asleep


def test_notes_are_added_to_those_there_are(tmp_path: Path) -> None:
    """Two who keep notes of one model know each other's; a damaged file is none."""
    one, other = OnnxRuntime("k", tmp_path), OnnxRuntime("k", tmp_path)
    one.trust("whole", (8, 8))
    other.note("model", {"a": 1})
    one.trust("whole", (8, 12))
    assert other.trusted("whole") == [(8, 8), (8, 12)]
    assert one.noted("model") == {"a": 1}
    one.keep("notes.json", b"[")
    assert other.trusted("whole") == []
