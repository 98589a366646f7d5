"""Loading a model folder, and saying clearly what is wrong with one."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from model.components import Bundle
from model.errors import ModelError
from model.loading import load
from tests.model.conftest import DEFAULT


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A model folder to damage."""
    return Path(shutil.copytree(DEFAULT, tmp_path / "model"))


def test_the_default_model_says_what_it_is(default: Bundle) -> None:
    """Size, grid, tokens and fingerprint are read from the files, not assumed."""
    config = json.loads((DEFAULT / "unet" / "config.json").read_text())
    side = config["sample_size"] * default.pixels_per_latent
    assert default.native_size == (side, side)
    assert default.grid == default.pixels_per_latent * 2 ** (len(config["block_out_channels"]) - 1)
    assert (
        default.max_tokens
        == json.loads((DEFAULT / "tokenizer" / "tokenizer_config.json").read_text())["model_max_length"] - 2
    )
    assert int(default.fingerprint, 16) < 2**32
    assert len(default.fingerprint) == 8


def test_the_fingerprint_follows_the_weights(copy: Path, default: Bundle) -> None:
    """The same files anywhere have the same fingerprint; one changed byte of a weight changes it."""
    assert load(copy).fingerprint == default.fingerprint
    weights = copy / "unet" / "diffusion_pytorch_model.safetensors"
    content = bytearray(weights.read_bytes())
    content[-1] ^= 1
    weights.write_bytes(content)
    assert load(copy).fingerprint != default.fingerprint


def test_a_missing_folder(tmp_path: Path) -> None:
    """Is named."""
    with pytest.raises(ModelError, match=r"no model folder .*nowhere"):
        load(tmp_path / "nowhere")


@pytest.mark.parametrize("name", ["model_index.json", "scheduler/scheduler_config.json"])
def test_a_missing_or_broken_config(copy: Path, name: str) -> None:
    """Is named, whether it is absent or nonsense."""
    (copy / name).write_text("{ no json")
    with pytest.raises(ModelError, match=f"damaged: {name}"):
        load(copy)
    (copy / name).unlink()
    with pytest.raises(ModelError, match=f"has no {name}"):
        load(copy)


@pytest.mark.parametrize("part", ["unet", "vae", "text_encoder"])
def test_cut_off_weights(copy: Path, part: str) -> None:
    """As after an interrupted download: a sentence, not a stack of library errors."""
    [weights] = (copy / part).glob("*.safetensors")
    weights.write_bytes(weights.read_bytes()[:1000])
    with pytest.raises(ModelError, match=f"damaged: {part}"):
        load(copy)
    weights.unlink()
    with pytest.raises(ModelError, match=rf"has no {part}/\*\.safetensors"):
        load(copy)


def test_pickled_weights_are_not_read(copy: Path) -> None:
    """A pickle can run code; only safetensors count."""
    [weights] = (copy / "unet").glob("*.safetensors")
    weights.rename(copy / "unet" / "diffusion_pytorch_model.bin")
    with pytest.raises(ModelError, match="safetensors"):
        load(copy)


def test_foreign_classes_are_refused(copy: Path) -> None:
    """The index may only name classes Easel knows: loading is never importing what a folder asks for."""
    index = json.loads((copy / "model_index.json").read_text())
    index["unet"] = ["os", "system"]
    (copy / "model_index.json").write_text(json.dumps(index))
    with pytest.raises(ModelError, match="cannot drive a system"):
        load(copy)


def test_an_unknown_dtype(copy: Path) -> None:
    """Is named."""
    with pytest.raises(ModelError, match="float17"):
        load(copy, dtype="float17")


def test_a_damaged_tokenizer(copy: Path) -> None:
    """Is named."""
    (copy / "tokenizer" / "tokenizer.json").write_text("[]")
    with pytest.raises(ModelError, match="damaged: tokenizer"):
        load(copy)


def test_importing_model_is_cheap() -> None:
    """Torch is loaded when a name that needs it is first used, not before."""
    code = "import sys, model; model.Request, model.NoiseSource, model.ModelError; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
