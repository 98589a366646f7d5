"""Weights of fewer bits: how much memory they save, and by how much pixels differ."""

import functools
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

from benchmarks.stock import save
from model import tiny
from model.components import Bundle, assemble
from model.drawing import generate
from model.errors import ModelError
from model.families import FAMILIES
from model.forecast import weights_of
from model.loading import Source, load
from model.request import LoraUse, Request, text_to_image
from tests.model.conftest import assert_same_pictures, psnr_db

QUANTISED = ("stable-diffusion", "stable-diffusion-xl", "flux2-klein", "z-image", "qwen-image", "flux")
LEAST_DB = 35.0
"""What pictures of quantised weights keep at least, beside those of the weights they were made of."""


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("models")


@functools.cache
def folder_of(name: str, base: Path) -> Path:
    return save(tiny.bundle(name), base / name)


def asked() -> Request:
    return text_to_image("a red apple", seed=7, size=(32, 48), images=2, num_inference_steps=4)


def of_both(name: str, kind: Any) -> dict[str, Any]:
    family = FAMILIES[name]
    texts = [part for part in family.text_parts if part.startswith("text_encoder")]
    return dict.fromkeys((family.denoiser_part, *texts), kind)


@pytest.mark.parametrize("kind", ["int8", "fp8"])
@pytest.mark.parametrize("name", QUANTISED)
def test_nearly_the_same_pixels_in_less_memory(name: str, kind: str, base: Path) -> None:
    """Denoiser and text encoders, in every family that is large enough to need it; the fingerprint tells them apart."""
    folder = folder_of(name, base)
    whole, small = load(folder), load(Source(str(folder), quantised=of_both(name, kind)))
    assert psnr_db(generate(small, asked()), generate(whole, asked())) > LEAST_DB
    part = whole.family.denoiser_part
    saved = weights_of(small.parts.modules)[part] / weights_of(whole.parts.modules)[part]
    assert saved < (0.6 if kind == "int8" and not name.startswith("stable") else 0.9)  # of layers so small, many stay
    assert small.fingerprint != whole.fingerprint


def test_loras_on_quantised_weights(tmp_path: Path) -> None:
    """A LoRA is added as it is: what it changes is what it changes beside whole weights."""
    folder = save(tiny.bundle("stable-diffusion"), tmp_path / "model")
    path = "unet.mid_block.attentions.0.transformer_blocks.0.attn2.to_q"
    width = load(folder).denoiser.mid_block.attentions[0].transformer_blocks[0].attn2.to_q.in_features
    file = tmp_path / "ink.safetensors"
    generator = torch.Generator().manual_seed(1)
    save_file(
        {
            f"{path}.lora_A.weight": torch.randn(2, width, generator=generator),
            f"{path}.lora_B.weight": torch.randn(width, 2, generator=generator),
        },
        file,
    )
    request = replace(asked(), controls=(LoraUse("ink"),))
    whole = load(Source(str(folder), loras={"ink": str(file)}))
    small = load(Source(str(folder), loras={"ink": str(file)}, quantised={"unet": "int8"}))
    assert psnr_db(generate(small, request), generate(whole, request)) > LEAST_DB
    assert psnr_db(generate(whole, request), generate(whole, asked())) < psnr_db(
        generate(small, request), generate(whole, request)
    )


def test_what_cannot_be_quantised(base: Path) -> None:
    """A part that is not there, and the autoencoder, which needs its precision."""
    folder = str(folder_of("stable-diffusion", base))
    for part in ("text_encoder_2", "vae", "tokenizer"):
        with pytest.raises(ModelError, match=f"no “{part}” to quantise in this model; there are text_encoder, unet"):
            load(Source(folder, quantised={part: "int8"}))


def gguf_file(bundle: Bundle, file: Path, kind: str = "Q8_0") -> Path:
    """The denoiser as a `.gguf`: matrices whose rows are long enough in blocks of eight bits, the rest as it is."""
    import gguf

    writer = gguf.GGUFWriter(str(file), "tiny")
    chosen = gguf.GGMLQuantizationType[kind]
    for name, weight in bundle.denoiser.state_dict().items():
        values = weight.float().numpy()
        if name.endswith(".weight") and values.ndim == 2 and values.shape[1] % 32 == 0:
            writer.add_tensor(name, gguf.quants.quantize(values, chosen), raw_dtype=chosen)
        else:
            writer.add_tensor(name, values)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return file


@pytest.mark.parametrize("name", ["flux", "z-image", "stable-diffusion-3"])
def test_denoisers_of_gguf_files(name: str, tmp_path: Path) -> None:
    """A folder without the denoiser's weights, and a `.gguf` beside it: nearly the same pixels."""
    bundle = tiny.bundle(name)
    file = gguf_file(bundle, tmp_path / "denoiser.gguf")
    folder = save(bundle, tmp_path / "model")
    for weights in (folder / "transformer").glob("*.safetensors"):
        weights.unlink()
    loaded = load(Source(str(folder), denoiser=str(file)))
    assert psnr_db(generate(loaded, asked()), generate(bundle, asked())) > LEAST_DB
    assert weights_of(loaded.parts.modules)["transformer"] < 0.6 * weights_of(bundle.parts.modules)["transformer"]


OF_GGUF = {
    "flux": ("text_encoder_2", "T5ENCODER"),
    "stable-diffusion-3": ("text_encoder_3", "T5ENCODER"),
    "z-image": ("text_encoder", "QWEN3"),
    "flux2-klein": ("text_encoder", "QWEN3"),
    "sana": ("text_encoder", "GEMMA2"),
}
"""Text encoders that are a language model's, and llama.cpp's name of that."""


def gguf_text_encoder(encoder: Any, file: Path, architecture: str) -> Path:
    """A text encoder as llama.cpp writes it: matrices of eight bits where their rows are long enough."""
    import gguf

    made = gguf.MODEL_ARCH[architecture]
    layers = encoder.config.num_hidden_layers
    names = gguf.get_tensor_name_map(made, layers)
    writer = gguf.GGUFWriter(str(file), gguf.MODEL_ARCH_NAMES[made])
    writer.add_block_count(layers)
    for key, weight in encoder.state_dict().items():
        path, _, end = key.rpartition(".")
        values, name = weight.float().numpy(), names.get_name(path)
        if name is None:  # the head, where it is the table of words once more
            continue
        if architecture == "GEMMA2" and "norm" in path:
            values = values + 1
        if values.ndim == 2 and values.shape[1] % 32 == 0 and "rel_b" not in name:
            chosen = gguf.GGMLQuantizationType.Q8_0
            writer.add_tensor(f"{name}.{end}", gguf.quants.quantize(values, chosen), raw_dtype=chosen)
        else:
            writer.add_tensor(f"{name}.{end}", values)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return file


@pytest.mark.parametrize("name", sorted(OF_GGUF))
def test_text_encoders_of_gguf_files(name: str, tmp_path: Path) -> None:
    """A folder without the text encoder's weights, and a `.gguf` beside it: nearly the same pixels."""
    part, architecture = OF_GGUF[name]
    folder = save(tiny.bundle(name), tmp_path / "model")
    whole = load(folder)
    file = gguf_text_encoder(whole.parts.modules[part], tmp_path / "words.gguf", architecture)
    for weights in (folder / part).glob("*.safetensors"):
        weights.unlink()
    loaded = load(Source(str(folder), text_encoders={part: str(file)}))
    assert psnr_db(generate(loaded, asked()), generate(whole, asked())) > LEAST_DB
    assert loaded.fingerprint != whole.fingerprint


def test_what_is_wrong_with_a_text_encoders_file(tmp_path: Path, base: Path) -> None:
    """One sentence each: a class that transformers does not read, no such part, cut off, another model's."""
    whole = tiny.bundle("flux").parts.modules["text_encoder_2"]
    file = gguf_text_encoder(whole, tmp_path / "t5.gguf", "T5ENCODER")
    cut, other = tmp_path / "cut.gguf", tmp_path / "other.safetensors"
    cut.write_bytes(file.read_bytes()[:3000])
    save_file({"a": torch.zeros(1)}, other)
    for name, part, given, words in (
        ("qwen-image", "text_encoder", file, "A Qwen2_5_VLForConditionalGeneration cannot be read from .*Take whole"),
        ("flux", "text_encoder", file, "A CLIPTextModel cannot be read from"),
        ("flux", "text_encoder_9", file, "no “text_encoder_9” in this model .* text_encoder, text_encoder_2"),
        ("flux", "text_encoder_2", cut, "is damaged, or no T5EncoderModel"),
        ("flux", "text_encoder_2", other, "is no .gguf file"),
        ("flux", "text_encoder_2", tmp_path / "gone.gguf", "there is no such file"),
        ("z-image", "text_encoder", file, "is damaged, or no Qwen3Model|lacks weights"),
    ):
        with pytest.raises(ModelError, match=words):
            load(Source(str(folder_of(name, base)), text_encoders={part: str(given)}))


def test_denoisers_of_a_file_of_their_own(tmp_path: Path) -> None:
    """`.safetensors` in diffusers' layout: the same pixels."""
    bundle = tiny.bundle("z-image")
    folder = save(tiny.bundle("z-image", seed=5), tmp_path / "model")
    file = tmp_path / "other.safetensors"
    save_file(bundle.denoiser.state_dict(), file)
    base = load(folder)
    loaded = load(Source(str(folder), denoiser=str(file)))
    parts = {**base.parts.modules, "transformer": bundle.denoiser}
    expected = assemble(type(base.family), type(base.parts)(parts, base.parts.scheduler, base.parts.settings))
    assert_same_pictures(generate(loaded, asked()), generate(expected, asked()))


def test_what_is_wrong_with_a_denoiser(tmp_path: Path) -> None:
    """One sentence each: not there, a pickle, nonsense, a pointer, of another model."""
    folder = str(save(tiny.bundle("flux"), tmp_path / "model"))
    file = tmp_path / "x.gguf"
    for content, words in (
        (None, "there is no such file"),
        (b"", "damaged"),
        (b"nonsense" * 20, "damaged"),
        (b"version https://git-lfs.github.com/spec/v1\n", "Git LFS pointer"),
    ):
        if content is not None:
            file.write_bytes(content)
        with pytest.raises(ModelError, match=words):
            load(Source(folder, denoiser=str(file)))
    pickle = tmp_path / "x.ckpt"
    pickle.write_bytes(b"x")
    with pytest.raises(ModelError, match="may hold code"):
        load(Source(folder, denoiser=str(pickle)))
    other = gguf_file(tiny.bundle("z-image"), tmp_path / "other.gguf")
    with pytest.raises(ModelError, match=r"damaged, or no FluxTransformer2DModel of this model|lacks weights"):
        load(Source(folder, denoiser=str(other)))
