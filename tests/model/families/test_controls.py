"""ControlNets and IP-Adapters request by request: each draws what diffusers draws, no matter who shares the batch."""

import json
import re
from collections.abc import Callable, Mapping
from copy import deepcopy
from dataclasses import replace
from pathlib import Path
from typing import Any

import diffusers
import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import CLIPImageProcessorPil, CLIPVisionConfig, CLIPVisionModelWithProjection

from benchmarks import stock
from model.adapters.controlnet import read_controlnet
from model.adapters.ip_adapter import read_ip_adapter
from model.components import Adapters, Bundle, assemble
from model.drawing import generate
from model.errors import ModelError
from model.request import ControlNetUse, IPAdapterUse, LoraUse, Request
from model.state import Shortcuts
from tests.model.conftest import altered, assert_same_pictures, level_difference, running, submit_together
from tests.model.families.test_lora import trained, with_loras
from tests.model.families.test_stock import asked, bundle_of, photograph

UNETS = ["stable-diffusion", "stable-diffusion-xl"]
SIZE = (32, 48)
VISION, HIDDEN = 24, 16


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


def plain(width: int) -> dict[str, torch.Tensor]:
    """What makes four tokens of the pooled picture."""
    return {
        "proj.weight": torch.randn(4 * width, VISION),
        "proj.bias": torch.randn(4 * width),
        "norm.weight": torch.ones(width),
        "norm.bias": torch.zeros(width),
    }


def plus(width: int) -> dict[str, torch.Tensor]:
    """What asks the encoder's hidden layer, four times, for each of its own tokens."""
    inner = 64
    tensors = {
        "latents": torch.randn(1, 4, inner),
        "proj_in.weight": torch.randn(inner, HIDDEN) * 0.3,
        "proj_in.bias": torch.zeros(inner),
        "proj_out.weight": torch.randn(width, inner) * 0.3,
        "proj_out.bias": torch.zeros(width),
        "norm_out.weight": torch.ones(width),
        "norm_out.bias": torch.zeros(width),
    }
    for layer in (f"layers.{number}" for number in range(4)):
        for norm in ("0.norm1", "0.norm2", "1.0"):
            tensors |= {f"{layer}.{norm}.weight": torch.ones(inner), f"{layer}.{norm}.bias": torch.zeros(inner)}
        for name, shape in {
            "0.to_q": (64, inner),
            "0.to_kv": (128, inner),
            "0.to_out": (inner, 64),
            "1.1": (4 * inner, inner),
            "1.3": (inner, 4 * inner),
        }.items():
            tensors[f"{layer}.{name}.weight"] = torch.randn(shape) * 0.1
    return tensors


def full_face(width: int, hidden: int = 0) -> dict[str, torch.Tensor]:
    """What takes each token of the encoder's hidden layer through two layers."""
    hidden = hidden or HIDDEN
    return {
        "proj.0.weight": torch.randn(hidden, hidden),
        "proj.0.bias": torch.zeros(hidden),
        "proj.2.weight": torch.randn(width, hidden),
        "proj.2.bias": torch.zeros(width),
        "proj.3.weight": torch.ones(width),
        "proj.3.bias": torch.zeros(width),
    }


def face_id(width: int) -> dict[str, torch.Tensor]:
    """What takes the numbers by which another network tells people apart."""
    return {
        "proj.0.weight": torch.randn(64, 512),
        "proj.0.bias": torch.zeros(64),
        "proj.2.weight": torch.randn(4 * width, 64),
        "proj.2.bias": torch.zeros(4 * width),
        "norm.weight": torch.ones(width),
        "norm.bias": torch.zeros(width),
    }


def ip_adapter_files(
    bundle: Bundle, folder: Path, seed: int, layout: Callable[[int], dict[str, torch.Tensor]] = plain
) -> tuple[Path, Path]:
    """An IP-Adapter of a layout for this UNet, and its vision encoder."""
    torch.manual_seed(seed)
    width = bundle.denoiser.config.cross_attention_dim
    config = CLIPVisionConfig(
        hidden_size=HIDDEN,
        intermediate_size=16,
        num_hidden_layers=2,
        num_attention_heads=2,
        image_size=32,
        patch_size=8,
        projection_dim=VISION,
    )
    CLIPVisionModelWithProjection(config).save_pretrained(folder / "image_encoder")
    tensors = {f"image_proj.{name}": tensor for name, tensor in layout(width).items()}
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
    adapter = read_ip_adapter(*ip_adapter_files(bundle, folder / "face", 3), unet, bundle.device, dtype)
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


@pytest.mark.parametrize("layout", [plus, full_face])
def test_other_layouts_of_ip_adapters(tmp_path: Path, layout: Callable[[int], dict[str, torch.Tensor]]) -> None:
    """Those that look at the vision encoder's hidden layer: as diffusers with `load_ip_adapter`."""
    bundle = bundle_of("stable-diffusion")
    files = ip_adapter_files(bundle, tmp_path, 3, layout)
    adapter = read_ip_adapter(*files, bundle.denoiser, bundle.device, torch.float32)
    bundle = replace(bundle, adapters=Adapters({}, {}, {"face": adapter}))
    request = replace(asked(bundle), controls=(IPAdapterUse("face", photograph((40, 40)), 0.7),))
    drawn = generate(bundle, request)
    assert level_difference(drawn, generate(bundle, asked(bundle))) > 1
    assert_same_pictures(drawn, stock_ip_adapter(bundle, request, tmp_path))


Change = Callable[[dict[str, torch.Tensor]], dict[str, torch.Tensor]]


def layers(change: Callable[[torch.Tensor], torch.Tensor]) -> Change:
    """A change of the keys and values."""
    return lambda own: {key: change(value) if key.startswith("ip_") else value for key, value in own.items()}


def sees(layout: Callable[[int], dict[str, torch.Tensor]], width: int = 32) -> Change:
    """Another layout of what makes tokens, or of other tokens."""

    def change(own: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        kept = {key: value for key, value in own.items() if key.startswith("ip_")}
        return kept | {f"image_proj.{name}": tensor for name, tensor in layout(width).items()}

    return change


def without(part: str) -> Change:
    return lambda own: {key: value for key, value in own.items() if part not in key}


UNFIT: dict[str, tuple[Change, str]] = {
    "prompts of another width": (layers(lambda keys: torch.zeros(len(keys), 48)), "_ip.weight is 64 x 48, here it is"),
    "layers of another width": (layers(lambda keys: torch.zeros(128, 32)), "is 128 x 32, here it is 64 x 32"),
    "keys in a row": (layers(lambda keys: keys.flatten()), "is 2048, here it is 64 x 32"),
    "tokens of another width": (sees(plain, 80), "it makes tokens of 80 numbers, this model reads 32"),
    "Plus tokens of another width": (sees(plus, 48), "it makes tokens of 48 numbers"),
    "full-face tokens of another width": (sees(full_face, 48), "it makes tokens of 48 numbers"),
    "another encoder's": (sees(lambda width: full_face(width, 24)), "gives 16 numbers where .* takes 24"),
    "fewer layers": (without("ip_adapter.3"), "it has 6 matrices, for the 4 layers of this one it would have 8"),
    "more layers": (lambda own: {**own, "ip_adapter.9.to_k_ip.weight": torch.zeros(64, 32)}, "it has 9 matrices"),
    "no norm": (without("norm"), "is damaged: its image_proj lacks norm.weight"),
    "a Plus without a layer": (lambda own: without("layers.2")(sees(plus)(own)), "lacks layers.2"),
    "nothing that is known": (lambda own: {**without("image_proj")(own), "image_proj.x": torch.zeros(2)}, "'latents'"),
    "FaceID": (sees(face_id), "is a FaceID adapter"),
    "FaceID with LoRAs": (
        lambda own: {**own, "ip_adapter.0.to_q_lora.down.weight": torch.zeros(4, 64)},
        "is a FaceID adapter",
    ),
    "half of it": (without("ip_adapter"), "it has no image_proj or no ip_adapter"),
}


def test_ip_adapters_that_do_not_fit(tmp_path: Path) -> None:
    """All are refused when they are read, before a first job: for other UNets, of other encoders, of other kinds."""
    bundle = bundle_of("stable-diffusion")
    file, encoder = ip_adapter_files(bundle, tmp_path, 1)
    own = load_file(file)
    for case, (change, words) in UNFIT.items():
        save_file({key: value.contiguous() for key, value in change(own).items()}, file)
        with pytest.raises(ModelError) as refused:
            read_ip_adapter(file, encoder, bundle.denoiser, bundle.device, torch.float32)
        assert re.search(words, str(refused.value)), f"{case}: {refused.value}"
    save_file(own, file)
    with pytest.raises(ModelError, match=r"There is no folder .* with the vision encoder"):
        read_ip_adapter(file, file, bundle.denoiser, bundle.device, torch.float32)


@pytest.mark.parametrize("name", UNETS)
def test_style_alone(name: str, tmp_path: Path) -> None:
    """As diffusers with a scale for the layers that carry style (InstantStyle), also beside a picture seen whole."""
    bundle = with_controls(bundle_of(name), tmp_path)
    style = IPAdapterUse("face", photograph((40, 40)), 0.9, style_only=True)
    request = replace(asked(bundle), controls=(style,))
    drawn = generate(bundle, request)
    assert level_difference(drawn, generate(bundle, replace(request, controls=(replace(style, style_only=False),)))) > 1
    [first, *_] = [number for number, one in enumerate(bundle.denoiser.up_blocks) if hasattr(one, "attentions")]
    block = f"block_{first}"
    middle = min(1, len(bundle.denoiser.up_blocks[first].attentions) - 1)
    scales = [0.9 if number == middle else 0.0 for number in range(len(bundle.denoiser.up_blocks[first].attentions))]
    assert_same_pictures(drawn, stock_ip_adapter(bundle, request, tmp_path / "face", {"up": {block: scales}}))
    whole = IPAdapterUse("face", photograph((40, 40)), 0.4)
    both = [replace(asked(bundle), controls=controls) for controls in ((style, whole), (whole,), (style,))]
    alone = [generate(bundle, one) for one in both]
    with running(bundle, max_rows=64) as engine:
        for ticket, expected in zip(submit_together(engine, both), alone, strict=True):
            assert_same_pictures(ticket.result(60), expected)


def stock_ip_adapter(
    bundle: Bundle, request: Request, folder: Path, scale: dict[str, Any] | None = None
) -> list[np.ndarray]:
    from PIL import Image

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
        pipeline.set_ip_adapter_scale(scale or use.scale)

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
        read_ip_adapter(file, encoder, xl.denoiser, xl.device, torch.float32)
    save_file({"x.y": torch.zeros(1)}, file)
    with pytest.raises(ModelError, match="is no IP-Adapter"):
        read_ip_adapter(file, encoder, sd.denoiser, sd.device, torch.float32)
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
