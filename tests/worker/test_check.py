"""`easel-worker check`: yes or no, and why, before the first job; exit status 2 for no."""

from __future__ import annotations

import functools
import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from typer.testing import CliRunner

from model import tiny
from model.components import assemble
from model.families.stable_diffusion import StableDiffusion
from tests.model.families.stock import save
from worker.__main__ import app

FAMILIES = ("stable-diffusion", "stable-diffusion-xl", "unconditional")  # those whose tiny models are small pictures
CATALOGUE = """
[[models]]
name = "tiny"
title = "Tiny"
family = "stable-diffusion"
licence = "none needed: random numbers"
source = "{folder}"
versions = ["*"]
pixels = 1024
size_multiple = 16
num_inference_steps = 5
guidance_scale = 4.0
sampler = "ddim"
honours = ["aspect"]
"""


@functools.cache
def saved(name: str, base: Path) -> Path:
    return save(tiny.bundle(name), base / name)


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("models")


@pytest.fixture
def folder(base: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(saved("stable-diffusion", base), tmp_path / "model"))


def check(model: str | Path) -> tuple[int, str]:
    """Exit status, and all that was said."""
    result = CliRunner().invoke(app, ["check", str(model)])
    return result.exit_code, result.output


@pytest.mark.parametrize("name", FAMILIES)
def test_right_models(name: str, base: Path) -> None:
    """Family, samplers, parts and memory, and the last line begins with yes."""
    status, said = check(saved(name, base))
    assert status == 0, said
    assert f"family: {name};" in said
    assert "yes: it loads and draws (fingerprint " in said
    assert "beside the weights" in said


def edited(name: str, **changes: object) -> Callable[[Path], None]:
    """A change of a JSON file."""

    def edit(folder: Path) -> None:
        path = folder / name
        path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))

    return edit


def weights(part: str, change: Callable[[dict[str, torch.Tensor]], dict[str, torch.Tensor]]) -> Callable[[Path], None]:
    """A change of a part's tensors."""

    def edit(folder: Path) -> None:
        [file] = (folder / part).glob("*.safetensors")
        save_file(change(load_file(file)), file)

    return edit


def pickled(folder: Path) -> None:
    [file] = (folder / "unet").glob("*.safetensors")
    file.rename(file.with_suffix(".bin"))


def pointers(folder: Path) -> None:
    for file in folder.glob("*/*.safetensors"):
        file.write_text("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n")


def emptied(folder: Path) -> None:
    for file in folder.glob("vae/*.safetensors"):
        file.write_bytes(b"")


BAD: dict[str, tuple[Callable[[Path], object], str]] = {
    "no index": (lambda folder: (folder / "model_index.json").unlink(), "has no model_index.json"),
    "index of nonsense": (lambda folder: (folder / "model_index.json").write_text("["), "cannot be read"),
    "no unet": (edited("model_index.json", unet=[None, None]), "neither a unet nor a transformer"),
    "foreign class": (edited("model_index.json", unet=["os", "system"]), "cannot drive a system"),
    "foreign text encoder": (edited("model_index.json", text_encoder=["x", "Evil"]), "cannot load a Evil"),
    "foreign autoencoder": (edited("model_index.json", vae=["x", "VQModel"]), "cannot load a VQModel"),
    "no tokenizer folder": (lambda folder: shutil.rmtree(folder / "tokenizer"), "has no tokenizer"),
    "tokenizer of nonsense": (lambda folder: (folder / "tokenizer" / "tokenizer.json").write_text("[]"), "tokenizer"),
    "no scheduler": (lambda folder: shutil.rmtree(folder / "scheduler"), "scheduler/scheduler_config.json"),
    "no unet config": (lambda folder: (folder / "unet" / "config.json").unlink(), "has no unet/config.json"),
    "pickle only": (pickled, "may hold code"),
    "LFS pointers": (pointers, "Git LFS pointer"),
    "empty weights": (emptied, "damaged: vae"),
    "missing weight": (weights("unet", lambda tensors: dict(list(tensors.items())[1:])), "lacks weights"),
    "other shapes": (edited("vae/config.json", latent_channels=8), "damaged: vae"),
    "eight channels": (edited("unet/config.json", in_channels=8), "damaged: unet|takes 8 channels"),
    "unknown addition": (edited("unet/config.json", addition_embed_type="image_hint"), "of a kind that Easel cannot"),
    "no numbers": (
        weights("vae", lambda tensors: {key: torch.full_like(value, float("nan")) for key, value in tensors.items()}),
        "numbers that are none",
    ),
    "one colour": (
        weights("vae", lambda tensors: {**tensors, "decoder.conv_out.bias": torch.full((3,), 1e6)}),
        "one colour",
    ),
}


@pytest.mark.parametrize("case", sorted(BAD))
def test_wrong_models(folder: Path, case: str) -> None:
    """One sentence that says what is wrong, exit status 2, no traceback."""
    damage, words = BAD[case]
    damage(folder)
    status, said = check(folder)
    assert status == 2, said
    assert re.search(words, said), said
    assert ": no. " in said
    assert "Traceback" not in said


def test_models_of_the_catalogue(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the catalogue says of them is checked too."""
    path = tmp_path / "models.toml"
    monkeypatch.setenv("CATALOGUE", str(path))
    path.write_text(CATALOGUE.format(folder=folder))
    assert check("tiny")[0] == 0
    path.write_text(CATALOGUE.format(folder=folder).replace('"stable-diffusion"', '"stable-diffusion-xl"'))
    assert "is of the family stable-diffusion: say so" in check("tiny")[1]
    path.write_text(CATALOGUE.format(folder=folder).replace("size_multiple = 16", "size_multiple = 4"))
    assert "draws in multiples of 8 pixels" in check("tiny")[1]
    path.write_text(CATALOGUE.format(folder=folder) + 'loras = { ink = "/nowhere.safetensors" }\n')
    status, said = check("tiny")
    assert (status, "The LoRA /nowhere.safetensors cannot be read" in said) == (2, True)


def test_a_commercial_server(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Does not start with a model whose licence forbids it."""
    from contract.errors import UserError
    from exchange.catalogue import open_catalogue

    path = tmp_path / "models.toml"
    path.write_text(CATALOGUE.format(folder=folder) + "commercial = false\n")
    assert open_catalogue(str(path)).named("tiny").commercial is False
    with pytest.raises(UserError) as caught:
        open_catalogue(str(path), commercial=True)
    assert "licence of tiny forbids commercial use" in str(caught.value.values["reason"])


def test_a_mistyped_name() -> None:
    """The names of the catalogue are said."""
    status, said = check("easel-smal")
    assert (status, "no model of the catalogue (easel-small)" in said) == (2, True)


def test_an_inpainting_model(tmp_path: Path) -> None:
    """Nine channels are no reason to refuse it."""
    status, said = check(save(assemble(StableDiffusion, StableDiffusion.tiny(in_channels=9)), tmp_path / "model"))
    assert status == 0, said


def test_too_little_memory(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Is said before anything is loaded, with both numbers."""
    from model import memory

    monkeypatch.setattr(memory, "free_bytes", lambda device: 1000)
    status, said = check(folder)
    assert status == 2
    assert "take a device with more memory" in said
