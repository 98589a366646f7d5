"""LoRAs request by request: each draws what diffusers draws with peft, no matter who shares the batch."""

from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from benchmarks import stock
from model.adapters.lora import read_lora
from model.components import Adapters, Bundle, assemble
from model.drawing import generate
from model.errors import ModelError
from model.families import FAMILIES
from model.request import LoraUse, Request, text_to_image
from tests.model.conftest import assert_same_pictures, level_difference, running, submit_together
from tests.model.families.test_stock import asked, bundle_of

pytestmark = [
    pytest.mark.filterwarnings("ignore:Already found a `peft_config` attribute"),
    pytest.mark.usefixtures("the_mode_of_an_encoding"),
]
RANK = 4
WITH_LORA = sorted(name for name, family in FAMILIES.items() if family.lora_loader and not family.needs_reference)


def trained(bundle: Bundle, seed: int, parts: Sequence[str]) -> dict[str, torch.Tensor]:
    """A LoRA in diffusers' layout for the attention of these parts, strong enough to see."""
    chance = torch.Generator().manual_seed(seed)
    tensors = {}
    for part in parts:
        for name, layer in bundle.parts.modules[part].named_modules():
            if isinstance(layer, torch.nn.Linear) and name.endswith(("to_q", "to_v", "q_proj", "out_proj", "to_k")):
                path = f"{part}.text_model.{name}" if part.startswith("text") else f"{part}.{name}"
                tensors[f"{path}.lora_A.weight"] = torch.randn(RANK, layer.in_features, generator=chance)
                tensors[f"{path}.lora_B.weight"] = torch.randn(layer.out_features, RANK, generator=chance) * 0.3
    assert tensors
    return tensors


def in_kohyas_layout(tensors: Mapping[str, torch.Tensor], alpha: float) -> dict[str, torch.Tensor]:
    """The same as kohya's scripts write it: `lora_unet_down_blocks_0_…`, with an alpha beside each pair."""
    kohya = {}
    for key, value in tensors.items():
        part, _, rest = key.partition(".")
        path, _, letter = rest.removesuffix(".weight").rpartition(".lora_")
        prefix = {"unet": "lora_unet", "text_encoder": "lora_te"}[part]
        name = f"{prefix}_{path.replace('.', '_')}"
        kohya[f"{name}.{'lora_down' if letter == 'A' else 'lora_up'}.weight"] = value
        kohya[f"{name}.alpha"] = torch.tensor(alpha)
    return kohya


def with_loras(bundle: Bundle, files: Mapping[str, Path]) -> Bundle:
    loras = {
        name: read_lora(file, type(bundle.family), bundle.parts.modules, bundle.device, bundle.dtype)
        for name, file in files.items()
    }
    return replace(bundle, adapters=Adapters(loras))


def stock_pictures(
    bundle: Bundle, request: Request, files: Mapping[str, Path], monkeypatch: pytest.MonkeyPatch
) -> list[np.ndarray]:
    """By diffusers' own pipeline, which loads the files and sets the weights by peft: in a copy that peft rebuilds."""
    made, copy = stock.pipeline, assemble(type(bundle.family), deepcopy(bundle.parts))
    weights = {control.name: control.weight for control in request.controls if isinstance(control, LoraUse)}

    def with_adapters(*arguments: Any) -> Any:
        pipeline = made(*arguments)
        for name in weights:
            pipeline.load_lora_weights(str(files[name]), adapter_name=name)
        pipeline.set_adapters(list(weights), list(weights.values()))
        return pipeline

    with monkeypatch.context() as patch:
        patch.setattr(stock, "pipeline", with_adapters)
        return stock.pictures(copy, request)


@pytest.mark.parametrize("name", WITH_LORA)
def test_two_loras_with_weights(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In diffusers' layout, two at once, one of them negative; and it can be seen."""
    bundle = bundle_of(name)
    part = bundle.family.denoiser_part
    files = {}
    for seed, called in enumerate(("ink", "fog")):
        files[called] = tmp_path / f"{called}.safetensors"
        save_file(trained(bundle, seed, [part]), files[called])
    request = replace(asked(bundle), controls=(LoraUse("ink", 0.8), LoraUse("fog", -0.5)))
    drawn = generate(with_loras(bundle, files), request)
    assert level_difference(drawn, generate(bundle, asked(bundle))) > 1
    assert_same_pictures(drawn, stock_pictures(bundle, request, files, monkeypatch))


@pytest.fixture
def files(tmp_path: Path) -> dict[str, Path]:
    """Two LoRAs for a tiny Stable Diffusion: `ink` in kohya's layout, for the text encoder too; `fog` for the UNet."""
    bundle = bundle_of("stable-diffusion")
    files = {name: tmp_path / f"{name}.safetensors" for name in ("ink", "fog")}
    save_file(in_kohyas_layout(trained(bundle, 1, ["unet", "text_encoder"]), alpha=2.0), files["ink"])
    save_file(trained(bundle, 2, ["unet"]), files["fog"])
    return files


def test_kohyas_layout(files: dict[str, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    """Names with underscores, alpha half of the rank, the text encoder adapted too."""
    bundle = bundle_of("stable-diffusion")
    adapted = with_loras(bundle, files)
    assert adapted.adapters.loras["ink"].reads
    assert not adapted.adapters.loras["fog"].reads
    request = replace(asked(bundle), controls=(LoraUse("ink", 0.7),))
    assert_same_pictures(generate(adapted, request), stock_pictures(bundle, request, files, monkeypatch))


def test_rows_with_and_without_share_each_forward(files: dict[str, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    """None, one, the other, both, other weights: one batch, and each as if alone; also joining half way."""
    bundle = with_loras(bundle_of("stable-diffusion"), files)
    uses = [(), (LoraUse("ink", 0.7),), (LoraUse("fog", 1.0),), (LoraUse("ink", 0.3), LoraUse("fog", -0.4))]
    requests = [
        text_to_image(f"a {'bcde'[k]}", seed=k, size=(32, 32), images=1, num_inference_steps=5, controls=controls)
        for k, controls in enumerate(uses)
    ]
    alone = [generate(bundle, request) for request in requests]
    rows = []
    predict = bundle.family.predict

    def counted(latents: Any, timesteps: Any, conditions: Any) -> Any:
        rows.append(len(timesteps))
        return predict(latents, timesteps, conditions)

    monkeypatch.setattr(bundle.family, "predict", counted)
    with running(bundle, max_rows=64) as engine:
        for ticket, expected in zip(submit_together(engine, requests), alone, strict=True):
            assert_same_pictures(ticket.result(60), expected)
        assert rows == [8] * 5
        early = engine.submit(requests[0])
        next(early.events())
        late = engine.submit(requests[3])
        assert_same_pictures(early.result(60), alone[0])
        assert_same_pictures(late.result(60), alone[3])


def test_nothing_is_left_behind(files: dict[str, Path]) -> None:
    """After a request with a LoRA the model is what it was."""
    bundle = with_loras(bundle_of("stable-diffusion"), files)
    plain = asked(bundle)
    before = generate(bundle, plain)
    generate(bundle, replace(plain, controls=(LoraUse("ink"),)))
    assert np.array_equal(before, generate(bundle, plain))


def test_a_lora_that_is_not_there(files: dict[str, Path]) -> None:
    """Its name and those there are."""
    bundle = with_loras(bundle_of("stable-diffusion"), files)
    with pytest.raises(ModelError, match="without a LoRA “smoke”; it has fog, ink"):
        generate(bundle, replace(asked(bundle), controls=(LoraUse("smoke"),)))


def test_what_does_not_fit_is_refused(tmp_path: Path) -> None:
    """Before the first job: another model's LoRA, other kinds of adapters, no LoRA at all."""
    sd, xl = bundle_of("stable-diffusion"), bundle_of("stable-diffusion-xl")
    file = tmp_path / "x.safetensors"
    tensors = trained(sd, 1, ["unet"])
    cases = [
        (xl, {key: value for key, value in tensors.items() if "attn2" in key}, "trained for another model"),
        (sd, {"lora_unet_x.hada_w1_a": torch.zeros(2, 2)}, "is a LoHa"),
        (sd, {"lora_unet_x.dora_scale": torch.zeros(2, 2)}, "is a DoRA"),
        (
            sd,
            {"unet.gone.to_q.lora_A.weight": torch.zeros(2, 2), "unet.gone.to_q.lora_B.weight": torch.zeros(2, 2)},
            "no layer gone",
        ),
        (sd, {"something": torch.zeros(2)}, "nothing for a stable-diffusion model"),
        (bundle_of("z-image"), {"something": torch.zeros(2)}, "LoRA"),
    ]
    for bundle, content, words in cases:
        save_file(content, file)
        with pytest.raises(ModelError, match=words):
            with_loras(bundle, {"x": file})
    file.write_bytes(b"no tensors")
    with pytest.raises(ModelError, match="cannot be read"):
        with_loras(sd, {"x": file})
