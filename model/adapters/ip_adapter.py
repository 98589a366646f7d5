"""IP-Adapter (Ye et al. 2023, arXiv 2308.06721): a picture as a prompt, beside the words, for some rows of a batch.

A vision encoder sees the picture; its tokens get keys and values of their own in each cross-attention of the UNet.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch.nn import functional

from model.errors import ModelError
from model.family import Likeness
from model.folders import Reader, check_numbers, first_line, read_json, read_tensors
from model.memory import place_of
from model.request import Pixels


@dataclass(frozen=True, eq=False)
class IPAdapter:
    """encoder: sees pictures. projection: what it sees -> tokens. layers: keys and values by attention processor."""

    encoder: Any
    projection: Any
    layers: Mapping[str, Any]
    fine: bool
    """Whether it looks at the encoder's hidden layer (the Plus ones) or at the pooled picture only."""
    normal: Mapping[str, Any] = field(default_factory=dict)
    """What the encoder takes for the colours' mean and deviation, where those are not CLIP's own."""

    @property
    def modules(self) -> list[torch.nn.Module]:
        """All that have weights."""
        layers = [layer for layer in self.layers.values() if isinstance(layer, torch.nn.Module)]
        return [self.encoder, self.projection, *layers]

    def tokens(self, picture: Pixels) -> tuple[torch.Tensor, torch.Tensor]:
        """Of a picture and of none, which guidance moves away from: (T, D) each."""
        from PIL import Image
        from transformers import CLIPImageProcessorPil

        side = self.encoder.config.image_size
        processor = CLIPImageProcessorPil(
            size={"shortest_edge": side}, crop_size={"height": side, "width": side}, **self.normal
        )
        pixels = processor(Image.fromarray(picture), return_tensors="pt").pixel_values.to(self.encoder.dtype)
        both = torch.cat([pixels, torch.zeros_like(pixels)]).to(place_of(self.encoder))
        if self.fine:
            seen = self.encoder(both, output_hidden_states=True).hidden_states[-2]
        else:
            seen = self.encoder(both[:1]).image_embeds
            seen = torch.cat([seen, torch.zeros_like(seen)])
        like, nothing = self.projection(seen)
        return like, nothing


def read_ip_adapter(file: Path, encoder: Path, unet: Any, device: torch.device, dtype: torch.dtype) -> IPAdapter:
    """From a `.safetensors` file and its vision encoder's folder. ModelError when it does not fit this UNet."""
    tensors = read_tensors(file, "IP-Adapter")
    check_numbers(tensors, f"IP-Adapter {file}")
    state: dict[str, dict[str, torch.Tensor]] = {"image_proj": {}, "ip_adapter": {}}
    for key, value in tensors.items():
        group, _, name = key.partition(".")
        if group not in state:
            raise ModelError(f"{file} is no IP-Adapter: it holds {key}.")
        state[group][name] = value
    if not state["ip_adapter"] or not state["image_proj"]:
        raise ModelError(f"{file} is no IP-Adapter: it has no image_proj or no ip_adapter.")
    _check_layers(file, state["image_proj"], state["ip_adapter"], unet)
    try:
        projection = unet._convert_ip_adapter_image_proj_to_diffusers(state["image_proj"])
        layers = unet._convert_ip_adapter_attn_to_diffusers([state])
    except Exception as error:  # the converters raise whatever they stumble over
        raise ModelError(
            f"The IP-Adapter {file} is damaged, its image_proj cannot be read: {first_line(error)}."
        ) from error
    if lost := next((name for name, weights in projection.named_parameters() if weights.is_meta), ""):
        raise ModelError(f"The IP-Adapter {file} is damaged: its image_proj lacks {lost}.")
    fine = type(projection).__name__ != "ImageProjection"
    reads, writes = _PROJECTIONS[type(projection).__name__]
    takes, gives = projection.get_submodule(reads).in_features, projection.get_submodule(writes).normalized_shape[-1]
    if gives != unet.config.cross_attention_dim:
        raise ModelError(
            f"The IP-Adapter {file} was trained for another model: it makes tokens of {gives} numbers, this model "
            f"reads {unet.config.cross_attention_dim}."
        )
    seeing = _encoder(encoder, dtype)
    wide = seeing.config.hidden_size if fine else seeing.config.projection_dim
    if wide != takes:
        raise ModelError(
            f"The vision encoder {encoder} gives {wide} numbers where the IP-Adapter {file} takes {takes}: "
            f"they belong to different adapters."
        )
    adapter = IPAdapter(seeing, projection, layers, fine, _normal(encoder))
    for module in adapter.modules:
        module.to(device, dtype).eval().requires_grad_(False)
    return adapter


# By diffusers' class: its layer that takes what the encoder gives, and its last one.
_PROJECTIONS = {
    "ImageProjection": ("image_embeds", "norm"),
    "IPAdapterPlusImageProjection": ("proj_in", "norm_out"),
    "IPAdapterFullImageProjection": ("ff.net.0.proj", "norm"),
}


def _check_layers(
    file: Path, projection: Mapping[str, torch.Tensor], own: Mapping[str, torch.Tensor], unet: Any
) -> None:
    """ModelError for adapters that do not look at pictures alone, and for keys and values that do not fit this UNet."""
    identity = "proj.0.weight" in projection and "norm.weight" in projection
    if identity or any(".to_" in name and "_lora." in name for name in own):
        raise ModelError(
            f"{file} is a FaceID adapter, which reads faces by a network of its own: Easel takes IP-Adapters that look "
            f"at the picture (plain, Plus, and the full-face one)."
        )
    names = [name for name in unet.attn_processors if name.endswith("attn2.processor")]
    for number, name in enumerate(names):
        keys = unet.get_submodule(name.removesuffix(".processor")).to_k
        for one in (f"{2 * number + 1}.to_k_ip.weight", f"{2 * number + 1}.to_v_ip.weight"):
            if one in own and tuple(own[one].shape) != (keys.out_features, keys.in_features):
                raise ModelError(
                    f"The IP-Adapter {file} was trained for another model: its {one} is {_shape(own[one])}, here it "
                    f"is {keys.out_features} x {keys.in_features}."
                )
    if len(own) != 2 * len(names) or f"{2 * len(names) - 1}.to_v_ip.weight" not in own:
        raise ModelError(
            f"The IP-Adapter {file} was trained for another model: it has {len(own)} matrices, for the "
            f"{len(names)} layers of this one it would have {2 * len(names)}."
        )


def _shape(tensor: torch.Tensor) -> str:
    return " x ".join(map(str, tensor.shape)) or "one number"


def _encoder(folder: Path, dtype: torch.dtype) -> Any:
    """CLIP's vision tower in a folder."""
    if not folder.is_dir():
        raise ModelError(f"There is no folder {folder} with the vision encoder of an IP-Adapter.")
    named = read_json(folder, "config.json").get("architectures")
    name = str(named[0]) if isinstance(named, list) and named else "model without a name"
    return Reader(folder.parent, {folder.name: name}, "", dtype).weights(
        folder.name, {"CLIPVisionModelWithProjection"}, "transformers"
    )


def _normal(encoder: Path) -> dict[str, Any]:
    """The colours' mean and deviation by the settings that lie beside an encoder; nothing where none do."""
    if not (encoder / "preprocessor_config.json").is_file():
        return {}
    settings = read_json(encoder, "preprocessor_config.json")
    return {name: settings[name] for name in ("image_mean", "image_std") if name in settings}


@contextmanager
def looking(unet: Any, adapters: Mapping[str, IPAdapter], rows: Sequence[tuple[Likeness, ...]]) -> Iterator[None]:
    """Within, the cross-attentions of `unet` look at each row's pictures too."""
    if not any(rows):
        yield
        return
    shared = []
    for name, style_only in sorted({(like.name, like.style_only) for row in rows for like in row}):
        uses = [
            (place, like)
            for place, row in enumerate(rows)
            for like in row
            if (like.name, like.style_only) == (name, style_only)
        ]
        tokens = torch.stack([like.tokens for _, like in uses])
        chosen = torch.tensor([place for place, _ in uses], device=tokens.device)
        scales = torch.tensor([like.scale for _, like in uses]).to(tokens).view(-1, 1, 1, 1)
        shared.append(_Shared(adapters[name], chosen, tokens, scales, style_only))
    before = dict(unet.attn_processors)
    for_style = style_layers(unet)
    looks = {
        name: _Looks(name, shared if name.startswith(for_style) else [one for one in shared if not one.style_only])
        if name.endswith("attn2.processor")
        else old
        for name, old in before.items()
    }
    unet.set_attn_processor(looks)
    try:
        yield
    finally:
        unet.set_attn_processor(before)


def style_layers(unet: Any) -> str:
    """How the names of the attention layers begin that carry style: the middle one of the first upward block that looks
    at prompts, which is `up_blocks.0.attentions.1` for SDXL and `up_blocks.1.attentions.1` for SD 1.5."""
    for number, block in enumerate(unet.up_blocks):
        if attentions := getattr(block, "attentions", None):
            return f"up_blocks.{number}.attentions.{min(1, len(attentions) - 1)}."
    raise ModelError(
        "This UNet has no attention on its way up, so a picture's style cannot be told from the rest of it."
    )


class _Shared(NamedTuple):
    """The pictures that one adapter looks at for some rows: tokens (n, T, D), scales (n, 1, 1, 1)."""

    adapter: IPAdapter
    chosen: torch.Tensor
    tokens: torch.Tensor
    scales: torch.Tensor
    style_only: bool


class _Looks:
    """diffusers' attention (AttnProcessor2_0), and on some rows a second one over a picture's tokens, added to it."""

    def __init__(self, name: str, shared: Sequence[_Shared]) -> None:
        self._name, self._shared = name, shared

    def __call__(
        self, attention: Any, hidden_states: torch.Tensor, encoder_hidden_states: torch.Tensor, *_: Any, **__: Any
    ) -> torch.Tensor:
        def heads(values: torch.Tensor) -> torch.Tensor:
            return values.view(len(values), values.shape[1], attention.heads, -1).transpose(1, 2)

        queries = heads(attention.to_q(hidden_states))
        keys, values = heads(attention.to_k(encoder_hidden_states)), heads(attention.to_v(encoder_hidden_states))
        output = functional.scaled_dot_product_attention(queries, keys, values)
        for look in self._shared:
            layer = look.adapter.layers[self._name]
            seen = functional.scaled_dot_product_attention(
                queries[look.chosen], heads(layer.to_k_ip[0](look.tokens)), heads(layer.to_v_ip[0](look.tokens))
            )
            output = output.index_add(0, look.chosen, seen * look.scales)
        output = attention.to_out[0](output.transpose(1, 2).reshape(hidden_states.shape[0], hidden_states.shape[1], -1))
        return torch.div(output, attention.rescale_output_factor)
