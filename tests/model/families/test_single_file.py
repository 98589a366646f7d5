"""A checkpoint in one file draws what the folder with the same weights draws."""

import json
import re
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

from benchmarks.stock import save
from model import single_file, tiny
from model.components import Bundle, assemble
from model.drawing import generate
from model.errors import ModelError
from model.families.stable_diffusion import StableDiffusion
from model.families.stable_diffusion_xl import StableDiffusionXL
from model.loading import Source, load
from tests.model.conftest import assert_same_pictures
from tests.model.families.test_stock import asked

RESNET = {
    "norm1": "in_layers.0", "conv1": "in_layers.2", "norm2": "out_layers.0", "conv2": "out_layers.3",
    "time_emb_proj": "emb_layers.1", "conv_shortcut": "skip_connection",
}  # fmt: skip
UNET = {
    "time_embedding.linear_1": "time_embed.0", "time_embedding.linear_2": "time_embed.2",
    "conv_in": "input_blocks.0.0", "conv_norm_out": "out.0", "conv_out": "out.2",
    "add_embedding.linear_1": "label_emb.0.0", "add_embedding.linear_2": "label_emb.0.2",
    "mid_block.resnets.0": "middle_block.0", "mid_block.attentions.0": "middle_block.1",
    "mid_block.resnets.1": "middle_block.2",
}  # fmt: skip


def renamed(key: str, names: Mapping[str, str]) -> str:
    for old, new in sorted(names.items(), key=lambda pair: -len(pair[0])):
        if key == old or key.startswith(old + "."):
            return new + key[len(old) :]
    return key


def unet_in_one_file(unet: Any) -> dict[str, torch.Tensor]:
    """The UNet's weights by the names of the first latent-diffusion code: blocks are counted through."""
    layers, blocks = unet.config.layers_per_block, len(unet.config.block_out_channels)
    names = dict(UNET)
    for i in range(blocks):
        for j in range(layers):
            names[f"down_blocks.{i}.resnets.{j}"] = f"input_blocks.{1 + i * (layers + 1) + j}.0"
            names[f"down_blocks.{i}.attentions.{j}"] = f"input_blocks.{1 + i * (layers + 1) + j}.1"
        names[f"down_blocks.{i}.downsamplers.0.conv"] = f"input_blocks.{(i + 1) * (layers + 1)}.0.op"
        attends = hasattr(unet.up_blocks[i], "attentions")
        for j in range(layers + 1):
            names[f"up_blocks.{i}.resnets.{j}"] = f"output_blocks.{i * (layers + 1) + j}.0"
            names[f"up_blocks.{i}.attentions.{j}"] = f"output_blocks.{i * (layers + 1) + j}.1"
        place = f"output_blocks.{i * (layers + 1) + layers}.{2 if attends else 1}"
        names[f"up_blocks.{i}.upsamplers.0.conv"] = f"{place}.conv"
    tensors = {}
    for key, value in unet.state_dict().items():
        path = renamed(key, names)
        if ".resnets." in key:
            head, number, rest = re.fullmatch(r"(\w+_blocks?\.\d+)\.(\d+)?\.?(.*)", path).groups()  # type: ignore[union-attr]
            path = f"{head}.{number}.{renamed(rest, RESNET)}" if number else f"{head}.{renamed(rest, RESNET)}"
        tensors[f"model.diffusion_model.{path}"] = value
    return tensors


def vae_in_one_file(vae: Any) -> dict[str, torch.Tensor]:
    blocks = len(vae.config.block_out_channels)
    attention = {"group_norm": "norm", "to_q": "q", "to_k": "k", "to_v": "v", "to_out.0": "proj_out"}
    tensors = {}
    for key, value in vae.state_dict().items():
        path = key.replace("conv_norm_out", "norm_out").replace("conv_shortcut", "nin_shortcut")
        path = re.sub(r"down_blocks\.(\d+)\.resnets\.(\d+)", r"down.\1.block.\2", path)
        path = re.sub(r"down_blocks\.(\d+)\.downsamplers\.0", r"down.\1.downsample", path)
        path = re.sub(r"up_blocks\.(\d+)\.resnets\.(\d+)", lambda m: f"up.{blocks - 1 - int(m[1])}.block.{m[2]}", path)
        path = re.sub(r"up_blocks\.(\d+)\.upsamplers\.0", lambda m: f"up.{blocks - 1 - int(m[1])}.upsample", path)
        path = re.sub(r"mid_block\.resnets\.(\d)", lambda m: f"mid.block_{int(m[1]) + 1}", path)
        if "mid_block.attentions.0." in path:
            head, _, rest = path.partition("mid_block.attentions.0.")
            path = f"{head}mid.attn_1.{renamed(rest, attention)}"
            if value.ndim == 2:
                value = value[..., None, None]
        tensors[f"first_stage_model.{path}"] = value
    return tensors


def clip_in_one_file(encoder: Any, prefix: str) -> dict[str, torch.Tensor]:
    state = {f"text_model.{key.removeprefix('text_model.')}": value for key, value in encoder.state_dict().items()}
    return {f"{prefix}{key}": value for key, value in state.items()}


def open_clip_in_one_file(encoder: Any, prefix: str) -> dict[str, torch.Tensor]:
    """The second text encoder of SDXL by OpenCLIP's names: queries, keys and values in one matrix."""
    names = {
        "text_model.embeddings.token_embedding.weight": "token_embedding.weight",
        "text_model.embeddings.position_embedding.weight": "positional_embedding",
        "text_model.final_layer_norm": "ln_final",
    }
    inner = {
        "layer_norm1": "ln_1", "layer_norm2": "ln_2", "mlp.fc1": "mlp.c_fc", "mlp.fc2": "mlp.c_proj",
        "self_attn.out_proj": "attn.out_proj",
    }  # fmt: skip
    state, tensors = encoder.state_dict(), {}
    for key, value in state.items():
        if match := re.fullmatch(r"text_model\.encoder\.layers\.(\d+)\.(.+)", key):
            number, rest = match.groups()
            if rest.startswith("self_attn.q_proj."):
                kind = rest.rpartition(".")[2]
                stem = f"text_model.encoder.layers.{number}.self_attn"
                joined = torch.cat([state[f"{stem}.{letter}_proj.{kind}"] for letter in "qkv"])
                tensors[f"transformer.resblocks.{number}.attn.in_proj_{kind}"] = joined
            elif not rest.startswith("self_attn.") or rest.startswith("self_attn.out_proj"):
                tensors[f"transformer.resblocks.{number}.{renamed(rest, inner)}"] = value
        elif key == "text_projection.weight":
            tensors["text_projection"] = value.T.contiguous()
        else:
            tensors[renamed(key, names)] = value
    return {f"{prefix}{key}": value for key, value in tensors.items()}


@pytest.fixture(params=["stable-diffusion", "stable-diffusion-xl"])
def checkpoint(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Bundle, Path]:
    """A tiny model and its checkpoint; the configs are those of the tiny model."""
    name: str = request.param
    if name == "stable-diffusion":
        bundle = assemble(StableDiffusion, StableDiffusion.tiny())
        text = clip_in_one_file(bundle.parts.modules["text_encoder"], "cond_stage_model.transformer.")
    else:  # diffusers knows an SDXL by the tenth layer of its second text encoder
        bundle = assemble(StableDiffusionXL, StableDiffusionXL.tiny(second_layers=10))
        text = clip_in_one_file(bundle.parts.modules["text_encoder"], "conditioner.embedders.0.transformer.")
        text |= open_clip_in_one_file(bundle.parts.modules["text_encoder_2"], "conditioner.embedders.1.model.")
    configs = tmp_path / "configs" / name
    for part, module in bundle.parts.modules.items():
        if part.startswith("tokenizer"):
            module.save_pretrained(tmp_path / part)
        else:
            module.config.save_pretrained(configs / part) if part.startswith("text") else module.save_config(
                configs / part
            )
    (configs / "scheduler").mkdir()
    (configs / "scheduler" / "scheduler_config.json").write_text(json.dumps(dict(bundle.parts.scheduler)))
    monkeypatch.setattr(single_file, "_CONFIGS", tmp_path / "configs")
    file = tmp_path / "dreams.safetensors"
    tensors = {**unet_in_one_file(bundle.denoiser), **vae_in_one_file(bundle.vae), **text}
    save_file({key: value.contiguous().clone() for key, value in tensors.items()}, file)
    return bundle, file


def flux_in_one_file(transformer: Any) -> dict[str, torch.Tensor]:
    """The transformer's weights by the names of its authors: queries, keys and values in one matrix."""
    names = {
        "time_text_embed.timestep_embedder.linear_1": "time_in.in_layer",
        "time_text_embed.timestep_embedder.linear_2": "time_in.out_layer",
        "time_text_embed.text_embedder.linear_1": "vector_in.in_layer",
        "time_text_embed.text_embedder.linear_2": "vector_in.out_layer",
        "time_text_embed.guidance_embedder.linear_1": "guidance_in.in_layer",
        "time_text_embed.guidance_embedder.linear_2": "guidance_in.out_layer",
        "context_embedder": "txt_in",
        "x_embedder": "img_in",
        "proj_out": "final_layer.linear",
        "norm_out.linear": "final_layer.adaLN_modulation.1",
    }
    double = {
        "norm1.linear": "img_mod.lin", "norm1_context.linear": "txt_mod.lin",
        "attn.norm_q.weight": "img_attn.norm.query_norm.scale", "attn.norm_k.weight": "img_attn.norm.key_norm.scale",
        "attn.norm_added_q.weight": "txt_attn.norm.query_norm.scale",
        "attn.norm_added_k.weight": "txt_attn.norm.key_norm.scale",
        "ff.net.0.proj": "img_mlp.0", "ff.net.2": "img_mlp.2",
        "ff_context.net.0.proj": "txt_mlp.0", "ff_context.net.2": "txt_mlp.2",
        "attn.to_out.0": "img_attn.proj", "attn.to_add_out": "txt_attn.proj",
    }  # fmt: skip
    single = {
        "norm.linear": "modulation.lin", "attn.norm_q.weight": "norm.query_norm.scale",
        "attn.norm_k.weight": "norm.key_norm.scale", "proj_out": "linear2",
    }  # fmt: skip
    together = {
        "img_attn.qkv": ("attn.to_q", "attn.to_k", "attn.to_v"),
        "txt_attn.qkv": ("attn.add_q_proj", "attn.add_k_proj", "attn.add_v_proj"),
        "linear1": ("attn.to_q", "attn.to_k", "attn.to_v", "proj_mlp"),
    }
    state, tensors = transformer.state_dict(), {}
    for key, value in state.items():
        match = re.fullmatch(r"(single_)?transformer_blocks\.(\d+)\.(.+)", key)
        if match is None:
            if key.startswith("norm_out."):  # the two halves stand the other way round
                value = torch.cat(list(reversed(value.chunk(2))))
            tensors[renamed(key, names)] = value
            continue
        alone, number, rest = match.groups()
        stem = f"{'single' if alone else 'double'}_blocks.{number}"
        path = rest.rpartition(".")[0]
        joined = next((new for new, olds in together.items() if path in olds and (new == "linear1") == bool(alone)), "")
        if not joined:
            tensors[f"{stem}.{renamed(rest, single if alone else double)}"] = value
        elif path == together[joined][0]:
            ends = rest.rpartition(".")[2]
            parts = [state[f"{key.removesuffix(rest)}{old}.{ends}"] for old in together[joined]]
            tensors[f"{stem}.{joined}.{ends}"] = torch.cat(parts)
    return tensors


@pytest.mark.parametrize("prefix", ["", "model.diffusion_model."])
@pytest.mark.parametrize("name", ["flux", "flux-fill"])
def test_a_flux_in_one_file(name: str, prefix: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its transformer lies in the file, all other parts beside it; diffusers' converter knows real sizes only."""
    from diffusers.loaders import single_file_utils

    convert = single_file_utils.convert_flux_transformer_checkpoint_to_diffusers
    real, width = 3072, 32
    constants = tuple(width if constant == real else constant for constant in convert.__code__.co_consts)
    monkeypatch.setattr(convert, "__code__", convert.__code__.replace(co_consts=constants))
    monkeypatch.setattr(single_file, "_CONFIGS", tmp_path / "configs")
    bundle = tiny.bundle(name)
    save(bundle, tmp_path / "base")
    configs = tmp_path / "configs" / name
    bundle.denoiser.save_config(configs / "transformer")
    shutil.copytree(tmp_path / "base" / "scheduler", configs / "scheduler")
    tensors = {f"{prefix}{key}": value.contiguous() for key, value in flux_in_one_file(bundle.denoiser).items()}
    if name == "flux-fill":  # which is told by its width
        kinds = single_file._KINDS
        monkeypatch.setattr(single_file, "_KINDS", {**kinds, "flux-dev": kinds["flux-fill"]})
    file = tmp_path / "dreams.safetensors"
    save_file(tensors, file)
    loaded = load(Source(str(file), tokenizers=str(tmp_path / "base")))
    assert loaded.family.name == name
    assert_same_pictures(generate(loaded, asked(bundle)), generate(bundle, asked(bundle)))
    with pytest.raises(ModelError, match=r"holds a transformer only, and there is no folder .*text_encoder"):
        load(file)
    shutil.rmtree(tmp_path / "base" / "vae")
    with pytest.raises(ModelError, match=r"there is no folder .*vae"):
        load(Source(str(file), tokenizers=str(tmp_path / "base")))


def test_a_checkpoint_draws_what_its_folder_draws(checkpoint: tuple[Bundle, Path]) -> None:
    """Tokenizers lie beside the file, or in a folder that is named."""
    bundle, file = checkpoint
    request = asked(bundle)
    loaded = load(file)
    assert_same_pictures(generate(loaded, request), generate(bundle, request))
    assert load(Source(str(file), tokenizers=str(file.parent))).fingerprint == loaded.fingerprint


def test_what_is_wrong_with_a_file(checkpoint: tuple[Bundle, Path], tmp_path: Path) -> None:
    """One sentence each: no tokenizer, a pickle, a LoRA, a pointer, a cut-off file, a part left out."""
    _, file = checkpoint
    with pytest.raises(ModelError, match=r"holds no tokenizer.*`tokenizers` in the catalogue"):
        load(Source(str(file), tokenizers=str(tmp_path / "nowhere")))
    with pytest.raises(ModelError, match="there is no such file"):
        load(tmp_path / "gone.safetensors")
    other = tmp_path / "other.ckpt"
    other.write_bytes(b"pickle")
    with pytest.raises(ModelError, match="may hold code"):
        load(other)
    other = tmp_path / "lora.safetensors"
    save_file({"lora_unet_x.lora_down.weight": torch.zeros(1)}, other)
    with pytest.raises(ModelError, match="is a LoRA: name it in `loras`"):
        load(other)
    other.write_text("version https://git-lfs.github.com/spec/v1\n")
    with pytest.raises(ModelError, match="Git LFS pointer"):
        load(other)
    other.write_bytes(file.read_bytes()[:1000])
    with pytest.raises(ModelError, match="damaged"):
        load(other)


def test_the_configs_that_ship_are_whole() -> None:
    """Each part's class can be made from its config, and is as large as the model that it is of."""
    import diffusers

    least = {"unet": ("UNet2DConditionModel", 8e8), "vae": ("AutoencoderKL", 4e7)}
    for folder in sorted((Path(single_file.__file__).parent / "configs").iterdir()):
        flux = folder.name.startswith("flux")
        for part, (name, count) in ({"transformer": ("FluxTransformer2DModel", 1.1e10)} if flux else least).items():
            config = json.loads((folder / part / "config.json").read_text())
            with torch.device("meta"):
                made = getattr(diffusers, name).from_config(config)
            assert count < sum(weights.numel() for weights in made.parameters()) < 4 * count


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("lora_unet_mid_block_attentions_0_proj_in.lora_down.weight", "is a LoRA: name it in `loras`"),
        ("transformer.blocks.0.attn.to_q.lora_A.weight", "is a LoRA: name it in `loras`"),
        ("control_model.input_blocks.0.0.weight", "is a ControlNet: name its folder in `controlnets`"),
        ("ip_adapter.1.to_k_ip.weight", "is an IP-Adapter: name it in `ip_adapters`"),
        ("emb_params", "is a textual inversion: name it in `inversions`"),
        ("decoder.conv_in.weight", "is an autoencoder alone: give its folder as `vae`"),
        ("model_ema.diffusion_modelinput_blocks00weight", "is no checkpoint of a Stable Diffusion or FLUX.1"),
        ("model.diffusion_model.input_blocks.0.0.weight", "weights are missing"),
    ],
)
def test_what_goes_with_a_model_is_none(tmp_path: Path, name: str, words: str) -> None:
    """What a file is instead is said, and where it belongs."""
    save_file({name: torch.zeros(320, 4, 3, 3)}, tmp_path / "x.safetensors")
    with pytest.raises(ModelError, match=words):
        load(tmp_path / "x.safetensors")
