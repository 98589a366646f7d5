"""ControlNets and IP-Adapters request by request: each draws what diffusers draws, no matter who shares the batch."""

import json
from collections.abc import Mapping
from copy import deepcopy
from dataclasses import replace
from pathlib import Path
from typing import Any

import diffusers
import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from transformers import CLIPImageProcessorPil, CLIPVisionConfig, CLIPVisionModelWithProjection

from model.adapters.controlnet import read_controlnet
from model.adapters.ip_adapter import read_ip_adapter
from model.components import Adapters, Bundle, assemble
from model.drawing import generate
from model.errors import ModelError
from model.request import ControlNetUse, IPAdapterUse, LoraUse, Request
from model.state import Shortcuts
from tests.model.conftest import altered, assert_same_pictures, level_difference, running, submit_together
from tests.model.families import stock
from tests.model.families.test_lora import trained, with_loras
from tests.model.families.test_stock import asked, bundle_of, photograph

UNETS = ["stable-diffusion", "stable-diffusion-xl"]
SIZE = (32, 48)
VISION = 24


def controlnet_folder(bundle: Bundle, folder: Path, seed: int) -> Path:
    """A ControlNet beside this UNet, whose last layers are not zero as untrained ones are."""
    torch.manual_seed(seed)
    controlnet = diffusers.ControlNetModel.from_unet(
        bundle.denoiser, conditioning_channels=3, load_weights_from_unet=False
    )
    down = 2 if bundle.pixels_per_latent == 4 else 3
    config = {**controlnet.config, "conditioning_embedding_out_channels": (16,) * (down + 1)}
    controlnet = diffusers.ControlNetModel.from_config(config)
    with torch.no_grad():
        for weights in controlnet.parameters():
            weights.add_(torch.randn_like(weights) * 0.02)
    controlnet.save_pretrained(folder)
    return folder


def ip_adapter_files(bundle: Bundle, folder: Path, seed: int) -> tuple[Path, Path]:
    """An IP-Adapter of the plain kind for this UNet, and its vision encoder."""
    torch.manual_seed(seed)
    width = bundle.denoiser.config.cross_attention_dim
    config = CLIPVisionConfig(
        hidden_size=16,
        intermediate_size=16,
        num_hidden_layers=2,
        num_attention_heads=2,
        image_size=32,
        patch_size=8,
        projection_dim=VISION,
    )
    CLIPVisionModelWithProjection(config).save_pretrained(folder / "image_encoder")
    tensors = {
        "image_proj.proj.weight": torch.randn(4 * width, VISION),
        "image_proj.proj.bias": torch.randn(4 * width),
        "image_proj.norm.weight": torch.ones(width),
        "image_proj.norm.bias": torch.zeros(width),
    }
    names = [name for name in bundle.denoiser.attn_processors if name.endswith("attn2.processor")]
    for number, name in enumerate(names):
        layer = bundle.denoiser.get_submodule(name.removesuffix(".processor"))
        for key in ("to_k_ip", "to_v_ip"):
            tensors[f"ip_adapter.{2 * number + 1}.{key}.weight"] = torch.randn(layer.inner_dim, width) * 0.3
    save_file(tensors, folder / "adapter.safetensors")
    return folder / "adapter.safetensors", folder / "image_encoder"


def with_controls(bundle: Bundle, folder: Path) -> Bundle:
    """The bundle with two ControlNets and an IP-Adapter, read from files."""
    unet, dtype = bundle.denoiser, torch.float32
    controlnets = {
        name: read_controlnet(controlnet_folder(bundle, folder / name, seed), unet, dtype)
        for seed, name in enumerate(("edges", "depth"))
    }
    adapter = read_ip_adapter(*ip_adapter_files(bundle, folder / "face", 3), unet, dtype)
    return replace(bundle, adapters=Adapters({}, controlnets, {"face": adapter}))


@pytest.mark.parametrize("name", UNETS)
def test_controlnets(name: str, tmp_path: Path) -> None:
    """One and two at once, with scales, as diffusers' ControlNet pipelines; rows without one are not touched."""
    bundle = with_controls(bundle_of(name), tmp_path)
    for used in ((("edges", 0.8),), (("edges", 0.5), ("depth", 1.2))):
        uses = tuple(ControlNetUse(name, photograph(SIZE), scale) for name, scale in used)
        request = replace(asked(bundle), controls=uses)
        drawn = generate(bundle, request)
        assert level_difference(drawn, generate(bundle, asked(bundle))) > 1
        assert_same_pictures(drawn, stock_controlnet(bundle, request))


def stock_controlnet(bundle: Bundle, request: Request) -> list[np.ndarray]:
    kind = {
        "stable-diffusion": "StableDiffusionControlNetPipeline",
        "stable-diffusion-xl": "StableDiffusionXLControlNetPipeline",
    }[bundle.family.name]
    from PIL import Image

    uses = [control for control in request.controls if isinstance(control, ControlNetUse)]
    nets = [bundle.adapters.controlnets[use.name] for use in uses]
    parts = replace(bundle.parts, modules={**bundle.parts.modules, "controlnet": nets if len(nets) > 1 else nets[0]})
    changed = replace(bundle, parts=parts)
    pictures = [Image.fromarray(use.picture) for use in uses]
    scales = [use.scale for use in uses]
    return stock.pictures(
        changed,
        replace(request, controls=()),
        kind,
        image=pictures if len(uses) > 1 else pictures[0],
        controlnet_conditioning_scale=scales if len(uses) > 1 else scales[0],
    )


@pytest.mark.parametrize("name", UNETS)
def test_an_ip_adapter(name: str, tmp_path: Path) -> None:
    """As diffusers with `load_ip_adapter`, with guidance and without."""
    bundle = with_controls(bundle_of(name), tmp_path)
    for scale in (5.0, 1.0):
        plain = asked(bundle, guidance_scale=scale)
        request = replace(plain, controls=(IPAdapterUse("face", photograph((40, 40)), 0.7),))
        drawn = generate(bundle, request)
        assert level_difference(drawn, generate(bundle, plain)) > 1
        assert_same_pictures(drawn, stock_ip_adapter(bundle, request, tmp_path / "face"))


def stock_ip_adapter(bundle: Bundle, request: Request, folder: Path) -> list[np.ndarray]:
    from PIL import Image
    from safetensors.torch import load_file

    [use] = [control for control in request.controls if isinstance(control, IPAdapterUse)]
    copy = assemble(type(bundle.family), deepcopy(bundle.parts))
    modules = {
        **copy.parts.modules,
        "image_encoder": CLIPVisionModelWithProjection.from_pretrained(folder / "image_encoder"),
        "feature_extractor": CLIPImageProcessorPil(size={"shortest_edge": 32}, crop_size={"height": 32, "width": 32}),
    }
    state: dict[str, dict[str, torch.Tensor]] = {"image_proj": {}, "ip_adapter": {}}
    for key, value in load_file(folder / "adapter.safetensors").items():
        group, _, name = key.partition(".")
        state[group][name] = value

    def prepare(pipeline: Any) -> None:
        pipeline.load_ip_adapter(state, subfolder="", weight_name="", image_encoder_folder=None)
        pipeline.set_ip_adapter_scale(use.scale)

    return stock.pictures(
        replace(copy, parts=replace(copy.parts, modules=modules)),
        replace(request, controls=()),
        prepare=prepare,
        ip_adapter_image=Image.fromarray(use.picture),
    )


@pytest.mark.parametrize("name", UNETS)
def test_all_kinds_share_a_batch(name: str, tmp_path: Path) -> None:
    """None, a ControlNet, two, an IP-Adapter, both with a LoRA: one batch, and each as if alone."""
    bundle = with_controls(bundle_of(name), tmp_path)
    save_file(trained(bundle, 1, ["unet"]), tmp_path / "ink.safetensors")
    loras = with_loras(bundle, {"ink": tmp_path / "ink.safetensors"}).adapters.loras
    bundle = replace(bundle, adapters=replace(bundle.adapters, loras=loras))
    edges, depth = (ControlNetUse(name, photograph(SIZE), 0.9) for name in ("edges", "depth"))
    face, ink = IPAdapterUse("face", photograph((40, 40))), LoraUse("ink", 0.7)
    requests = [
        altered(asked(bundle, f"a {'bcdef'[k]}"), controls=controls, num_inference_steps=3 + k % 2)
        for k, controls in enumerate([(), (edges,), (edges, depth), (face,), (face, depth, ink)])
    ]
    alone = [generate(bundle, request) for request in requests]
    with running(bundle, max_rows=64) as engine:
        for ticket, expected in zip(submit_together(engine, requests), alone, strict=True):
            assert_same_pictures(ticket.result(60), expected)
    assert_same_pictures(generate(bundle, requests[0]), alone[0])


def test_the_deep_part_is_computed_for_steered_requests(tmp_path: Path) -> None:
    """An operator's shortcut that would leave the control out of every other step is not taken for them."""
    bundle = with_controls(bundle_of("stable-diffusion"), tmp_path)
    request = replace(asked(bundle), controls=(ControlNetUse("edges", photograph(SIZE)),))
    with running(bundle, shortcuts=Shortcuts(deep_every=2)) as engine:
        assert_same_pictures(engine.submit(request).result(60), generate(bundle, request))


def test_what_does_not_fit_is_refused(tmp_path: Path) -> None:
    """Before the first job, with what differs; and unknown names with those there are."""
    sd, xl = bundle_of("stable-diffusion"), bundle_of("stable-diffusion-xl")
    folder = controlnet_folder(sd, tmp_path / "edges", 1)
    with pytest.raises(ModelError, match="cross_attention_dim is 32, this one's 80"):
        read_controlnet(folder, xl.denoiser, torch.float32)
    (folder / "config.json").write_text(json.dumps({"_class_name": "Evil"}))
    with pytest.raises(ModelError, match="cannot load a Evil"):
        read_controlnet(folder, sd.denoiser, torch.float32)
    file, encoder = ip_adapter_files(sd, tmp_path / "face", 1)
    with pytest.raises(ModelError, match="trained for another model"):
        read_ip_adapter(file, encoder, xl.denoiser, torch.float32)
    save_file({"x.y": torch.zeros(1)}, file)
    with pytest.raises(ModelError, match="is no IP-Adapter"):
        read_ip_adapter(file, encoder, sd.denoiser, torch.float32)
    for control in (ControlNetUse("edges", photograph(SIZE)), IPAdapterUse("face", photograph(SIZE))):
        with pytest.raises(ModelError, match="it has none"):
            generate(sd, replace(asked(sd), controls=(control,)))


def test_names_are_those_of_the_load(tmp_path: Path) -> None:
    """`load` reads them all from files, and refuses families that they cannot steer."""
    from model.loading import Source, load

    bundle = bundle_of("stable-diffusion")
    folder = stock.save(bundle, tmp_path / "model")
    file, encoder = ip_adapter_files(bundle, tmp_path / "face", 1)
    controls: Mapping[str, Any] = {
        "controlnets": {"edges": str(controlnet_folder(bundle, tmp_path / "edges", 1))},
        "ip_adapters": {"face": (str(file), str(encoder))},
    }
    loaded = load(Source(str(folder), **controls))
    assert set(loaded.adapters.controlnets) == {"edges"}
    assert set(loaded.adapters.ip_adapters) == {"face"}
    other = stock.save(bundle_of("z-image"), tmp_path / "other")
    with pytest.raises(ModelError, match="neither ControlNets nor IP-Adapters"):
        load(Source(str(other), **controls))
