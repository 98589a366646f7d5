"""LoRA (Hu et al. 2021, arXiv 2106.09685): small matrices beside a layer's own, for some rows of a batch.

Nothing is merged into the model's weights: a layer's output gets `weight * up(down(input))` on the rows that ask for
it, so requests with different LoRAs, several or none share each forward.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from model.errors import ModelError
from model.family import Family, Uses
from model.folders import check_numbers, first_line, read_tensors

_DOWN, _UP = ".lora_A.weight", ".lora_B.weight"
_OTHER_KINDS = {
    "hada_w1_a": "a LoHa",
    "lokr_w1": "a LoKr",
    "dora_scale": "a DoRA",
    "lora_magnitude_vector": "a DoRA",
    "lora_mid": "a LoCon of Tucker's kind",
    "oft_blocks": "an OFT",
}


@dataclass(frozen=True, eq=False)
class Layer:
    """What one LoRA adds to one layer: down (r, in …), up (out, r …), for linear layers and for convolutions."""

    down: torch.Tensor
    up: torch.Tensor
    scale: float

    def added(self, layer: torch.nn.Module, inputs: torch.Tensor) -> torch.Tensor:
        """What is to be added to `layer`'s output for `inputs`, at weight 1."""
        functional = torch.nn.functional
        if isinstance(layer, torch.nn.Conv2d):
            narrow = functional.conv2d(inputs, self.down, None, layer.stride, layer.padding, layer.dilation)
            return functional.conv2d(narrow, self.up) * self.scale
        return functional.linear(functional.linear(inputs, self.down), self.up) * self.scale


@dataclass(frozen=True, eq=False)
class Lora:
    """A LoRA that fits a model: by part (`unet`, `transformer`, `text_encoder` …), what it adds to each layer."""

    parts: Mapping[str, Mapping[str, Layer]] = field(default_factory=dict)

    @property
    def reads(self) -> bool:
        """Whether it changes how prompts are read."""
        return any(name.startswith("text_encoder") for name in self.parts)


def read_lora(
    file: Path, kind: type[Family], modules: Mapping[str, Any], device: torch.device, dtype: torch.dtype
) -> Lora:
    """A LoRA from a `.safetensors` file, in the layout of kohya or of diffusers, for the model with these parts.

    ModelError when it cannot be read, is of another kind, or was trained for another model.
    """
    state, alphas = _state(file, kind, modules[kind.denoiser_part])
    parts: dict[str, dict[str, Layer]] = {}
    for key in state:
        if not key.endswith(_DOWN):
            continue
        path = key.removesuffix(_DOWN)
        part, _, name = path.partition(".")
        if part not in modules:
            continue
        layer, name = _layer(modules[part], name, file)
        if path + _UP not in state:
            raise ModelError(f"The LoRA {file} is damaged: its {name} has one matrix of two.")
        down, up = (state[path + end].to(device, dtype) for end in (_DOWN, _UP))
        takes, gives, window = _shape(layer)
        if down.ndim < 2 or up.ndim < 2 or up.shape[1] != down.shape[0] or not len(down):
            raise ModelError(f"The LoRA {file} is damaged: the two matrices of its {name} do not fit each other.")
        if (down.shape[1], up.shape[0]) != (takes, gives) or (down.ndim > 2 and tuple(down.shape[2:]) != window):
            raise ModelError(
                f"The LoRA {file} was trained for another model: its {name} takes {down.shape[1]} and gives "
                f"{up.shape[0]} numbers, here it is {takes} and {gives}."
            )
        if isinstance(layer, torch.nn.Conv2d) and down.ndim == 2:
            down, up = down[..., None, None], up[..., None, None]
        if not isinstance(layer, torch.nn.Conv2d) and down.ndim == 4:
            down, up = down[..., 0, 0], up[..., 0, 0]
        parts.setdefault(part, {})[name] = Layer(down, up, alphas.get(path, float(len(down))) / len(down))
    if not parts:
        raise ModelError(f"The LoRA {file} has nothing for a {kind.name} model: it was trained for another one.")
    return Lora(parts)


@contextmanager
def adapted(part: str, module: Any, loras: Mapping[str, Lora], rows: Sequence[Uses]) -> Iterator[None]:
    """Within, the forward of `module` (the model's part of that name) has these LoRAs.

    rows: for each row of the batch the LoRAs it uses, with their weights.
    """
    used = {name: [dict(uses).get(name, 0.0) for uses in rows] for name in {name for uses in rows for name, _ in uses}}
    by_layer: dict[str, list[tuple[Layer, torch.Tensor]]] = {}
    for name, weights in sorted(used.items()):
        for path, layer in loras[name].parts.get(part, {}).items():
            by_layer.setdefault(path, []).append((layer, torch.tensor(weights)))
    with ExitStack() as hooks:
        for path, layers in by_layer.items():
            handle = module.get_submodule(path).register_forward_hook(_Adds(layers))
            hooks.callback(handle.remove)
        yield


class _Adds:
    """Adds what LoRAs add to a layer's output."""

    def __init__(self, layers: Sequence[tuple[Layer, torch.Tensor]]) -> None:
        self._layers = layers

    def __call__(self, layer: torch.nn.Module, inputs: tuple[torch.Tensor, ...], output: torch.Tensor) -> torch.Tensor:
        rows = inputs[0]
        for added, weights in self._layers:
            if len(rows) % len(weights):
                raise ModelError("A LoRA changes a layer of this model that does not see the rows of a batch.")
            each = weights.repeat(len(rows) // len(weights)).to(output)
            chosen = each.nonzero().flatten()
            more = added.added(layer, rows[chosen]) * each[chosen].view(-1, *[1] * (output.ndim - 1))
            output = output.index_add(0, chosen, more.to(output.dtype))
        return output


def _state(file: Path, kind: type[Family], denoiser: Any) -> tuple[dict[str, torch.Tensor], dict[str, float]]:
    """The matrices by path with `.lora_A.weight` or `.lora_B.weight`, and the alphas by path."""
    import diffusers.loaders

    if not kind.lora_loader:
        raise ModelError(f"A {kind.name} model takes no LoRA.")
    raw = read_tensors(file, "LoRA")
    check_numbers(raw, f"LoRA {file}")
    for mark, what in _OTHER_KINDS.items():
        if any(mark in key for key in raw):
            raise ModelError(f"{file} is {what}, which Easel cannot apply; it applies LoRAs of kohya and of diffusers.")
    loader = getattr(diffusers.loaders, kind.lora_loader)
    unet = kind.denoiser_part == "unet"
    options: dict[str, Any] = {"unet_config": denoiser.config} if unet else {"return_alphas": True}
    try:
        result = loader.lora_state_dict(raw, **options)
    except Exception as error:  # the converters raise whatever they stumble over
        raise ModelError(
            f"The LoRA {file} is of no layout that is known for a {kind.name} model: {first_line(error)}."
        ) from error
    state, network_alphas = result if isinstance(result, tuple) else (result, None)
    alphas = {key.removesuffix(".alpha"): value for key, value in (network_alphas or {}).items()}
    named, of_alphas = ({_as_peft(key): value for key, value in some.items()} for some in (state, alphas))
    others = sorted(key for key in named if not key.endswith((_DOWN, _UP, ".alpha")))
    if others and len(others) < len(named):  # else it is of another kind altogether
        raise ModelError(
            f"The LoRA {file} has {others[0]}, which Easel cannot apply; it applies LoRAs of kohya and of diffusers."
        )
    return named, {key.removesuffix(_DOWN): float(value) for key, value in of_alphas.items()}


_OLD_NAMES = {"to_q": "q_proj", "to_k": "k_proj", "to_v": "v_proj", "to_out": "out_proj"}


def _as_peft(key: str) -> str:
    """A matrix's key as peft spells it; the older spellings of diffusers differ for UNets and for text encoders."""
    match = re.fullmatch(r"(.+?)(?:\.lora_linear_layer|\.lora|(_lora))\.(down|up)\.weight", key)
    if match is None:
        return key
    path, old, which = match.groups()
    if old:
        head, _, name = path.replace(".processor", "").rpartition(".")
        if key.startswith("text_encoder"):
            name = _OLD_NAMES.get(name, name)
        else:
            name = "to_out.0" if name == "to_out" else name
        path = f"{head}.{name}"
    return path + (_DOWN if which == "down" else _UP)


def _shape(layer: torch.nn.Linear | torch.nn.Conv2d) -> tuple[int, int, tuple[int, ...]]:
    """What a layer takes and gives, and how large a window it sees. Quantised weights have other shapes."""
    if isinstance(layer, torch.nn.Conv2d):
        return layer.in_channels, layer.out_channels, tuple(layer.kernel_size)
    return layer.in_features, layer.out_features, (1, 1)


def _layer(module: Any, name: str, file: Path) -> tuple[Any, str]:
    """The layer of this name, and the name that it has here."""
    for candidate in (name, name.removeprefix("text_model."), f"text_model.{name}"):
        try:
            found = module.get_submodule(candidate)
        except AttributeError:
            continue
        if isinstance(found, torch.nn.Linear | torch.nn.Conv2d):
            return found, candidate
    raise ModelError(f"The LoRA {file} was trained for another model: this one has no layer {name}.")
