"""From a typed prompt to a steered picture: a catalogue with adapters on tiny weights, drawn as a worker draws."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray
from safetensors.torch import save_file

from benchmarks import stock
from contract.catalogue import EASEL_SMALL, Catalogue, Model
from contract.legend import LEGEND
from contract.planning import plan
from model.drawing import generate
from model.loading import load
from tests.contract.factories import imagine
from tests.model.families.test_controls import controlnet_folder, ip_adapter_files
from tests.model.families.test_lora import trained
from tests.model.families.test_stock import bundle_of, photograph
from worker.alone import make_alone
from worker.engines import Warm
from worker.loading import Loader, source_of
from worker.render import request_for
from worker.results import Pictures

A, MAP = "https://a.org/a.png", "https://a.org/map.png"


@pytest.fixture(scope="module")
def offered(tmp_path_factory: pytest.TempPathFactory) -> Model:
    """A model of the catalogue with a LoRA, two ControlNets and an IP-Adapter, all of them files."""
    folder = tmp_path_factory.mktemp("steered")
    bundle = bundle_of("stable-diffusion")
    save_file(trained(bundle, 1, ["unet"]), folder / "ink.safetensors")
    file, encoder = ip_adapter_files(bundle, folder / "looking", 3)
    nets = {name: str(controlnet_folder(bundle, folder / name, seed)) for seed, name in enumerate(("seg", "canny"))}
    return replace(
        EASEL_SMALL,
        name="tiny",
        source=str(stock.save(bundle, folder / "model")),
        pixels=32 * 32,
        size_multiple=16,
        num_inference_steps=3,
        guidance_interval=(0.0, 1.0),
        enlargement=1,
        whole_words=False,
        student=None,
        loras={"ink": str(folder / "ink.safetensors")},
        controlnets=nets,
        ip_adapters={"looking": (str(file), str(encoder))},
    )


@pytest.fixture(scope="module")
def warm(offered: Model) -> Iterator[Warm]:
    loaded = Loader(Catalogue((offered,)), "cpu").load("tiny")
    yield loaded
    loaded.engine.close()


def pictures() -> dict[str, NDArray[np.uint8]]:
    scene = np.full((64, 64, 3), LEGEND[0].colour, np.uint8)
    scene[32:] = LEGEND[1].colour
    return {A: photograph((40, 40)), MAP: scene}


@pytest.mark.parametrize(
    "flags",
    [
        "<lora:INK:0.8>",
        f"--sref {A}",
        f"--cref {A} --cw 60",
        f"--map {MAP} --mw 80",
        f"--map {MAP} --mt edges",
        f"--sref {A} 77 --lora ink::.5 --map {MAP}",
    ],
)
def test_what_is_typed_steers_the_picture(offered: Model, warm: Warm, flags: str) -> None:
    """It differs from the picture without it, and is what the model draws by itself with those adapters."""
    plain, steered = imagine("a bcd"), imagine(f"a bcd {flags}")
    made = plan(steered, offered)
    results = [
        make_alone(replace(job, plan=planned), planned, offered, warm, pictures=pictures())
        for job, planned in ((plain, plan(plain, offered)), (steered, made))
    ]
    before, after = (np.stack(result.images) for result in results if isinstance(result, Pictures))
    assert np.abs(before.astype(int) - after).max() > 1
    expected = generate(load(source_of(offered)), request_for(steered, made, pictures=pictures()))
    assert np.abs(np.stack(expected).astype(int) - after).max() <= 1


def test_a_link_and_a_blend_are_looked_at(offered: Model, warm: Warm) -> None:
    """By the adapter: a blend without words is guided by its pictures alone."""
    other = A.replace("a.png", "b.png")
    given = {**pictures(), other: 255 - photograph((40, 40))}
    drawn = []
    for text in (f"{A} {other}", f"{A}::3 {other}", f"{A} a bcd", f"{A} a bcd --iw 3"):
        job = imagine(text)
        result = make_alone(job, plan(job, offered), offered, warm, pictures=given)
        assert isinstance(result, Pictures)
        drawn.append(np.stack(result.images).astype(int))
    assert all(np.abs(one - two).max() > 1 for one, two in zip(drawn[::2], drawn[1::2], strict=True))
