"""IP-Adapter (Ye et al. 2023, arXiv 2308.06721): a picture as a prompt, beside the words, for some rows of a batch.

A vision encoder sees the picture; its tokens get keys and values of their own in each cross-attention of the UNet.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch.nn import functional

from model.errors import ModelError
from model.family import Likeness
from model.folders import Reader, read_json
from model.request import Pixels


@dataclass(frozen=True, eq=False)
class IPAdapter:
    """encoder: sees pictures. projection: what it sees -> tokens. layers: keys and values by attention processor."""

    encoder: Any
    projection: Any
    layers: Mapping[str, Any]
    fine: bool
    """Whether it looks at the encoder's hidden layer (the Plus ones) or at the pooled picture only."""

    def tokens(self, picture: Pixels) -> tuple[torch.Tensor, torch.Tensor]:
        """Of a picture and of none, which guidance moves away from: (T, D) each."""
        from PIL import Image
        from transformers import CLIPImageProcessorPil

        side = self.encoder.config.image_size
        processor = CLIPImageProcessorPil(size={"shortest_edge": side}, crop_size={"height": side, "width": side})
        pixels = processor(Image.fromarray(picture), return_tensors="pt").pixel_values.to(self.encoder.dtype)
        both = torch.cat([pixels, torch.zeros_like(pixels)]).to(self.encoder.device)
        if self.fine:
            seen = self.encoder(both, output_hidden_states=True).hidden_states[-2]
        else:
            seen = self.encoder(both[:1]).image_embeds
            seen = torch.cat([seen, torch.zeros_like(seen)])
        like, nothing = self.projection(seen)
        return like, nothing


def read_ip_adapter(file: Path, encoder: Path, unet: Any, dtype: torch.dtype) -> IPAdapter:
    """From a `.safetensors` file and its vision encoder's folder. ModelError when it does not fit this UNet."""
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        tensors = load_file(file)
    except (OSError, SafetensorError) as error:
        raise ModelError(f"The IP-Adapter {file} cannot be read: {error}") from error
    state: dict[str, dict[str, torch.Tensor]] = {"image_proj": {}, "ip_adapter": {}}
    for key, value in tensors.items():
        group, _, name = key.partition(".")
        if group not in state:
            raise ModelError(f"{file} is no IP-Adapter: it holds {key}.")
        state[group][name] = value
    if not state["ip_adapter"] or not state["image_proj"]:
        raise ModelError(f"{file} is no IP-Adapter: it has no image_proj or no ip_adapter.")
    try:
        projection = unet._convert_ip_adapter_image_proj_to_diffusers(state["image_proj"])
        layers = unet._convert_ip_adapter_attn_to_diffusers([state])
    except Exception as error:  # the converters raise whatever they stumble over
        raise ModelError(f"The IP-Adapter {file} was trained for another model: {error}") from error
    name = read_json(encoder, "config.json").get("architectures", [""])[0]
    seeing = Reader(encoder.parent, {encoder.name: name}, "", dtype).weights(
        encoder.name, {"CLIPVisionModelWithProjection"}, "transformers"
    )
    fine = type(projection).__name__ != "ImageProjection"
    wide = seeing.config.hidden_size if fine else seeing.config.projection_dim
    takes = next(iter(projection.parameters())).shape[-1] if not fine else projection.proj_in.in_features
    if wide != takes:
        raise ModelError(
            f"The vision encoder {encoder} gives {wide} numbers where the IP-Adapter {file} takes {takes}: "
            f"they belong to different adapters."
        )
    modules = [seeing, projection, *(layer for layer in layers.values() if isinstance(layer, torch.nn.Module))]
    for module in modules:
        module.to(unet.device, dtype).eval().requires_grad_(False)
    return IPAdapter(seeing, projection, layers, fine)


@contextmanager
def looking(unet: Any, adapters: Mapping[str, IPAdapter], rows: Sequence[tuple[Likeness, ...]]) -> Iterator[None]:
    """Within, the cross-attentions of `unet` look at each row's pictures too."""
    if not any(rows):
        yield
        return
    shared: list[tuple[IPAdapter, torch.Tensor, torch.Tensor, torch.Tensor]] = []
    for name in sorted({like.name for row in rows for like in row}):
        uses = [(place, like) for place, row in enumerate(rows) for like in row if like.name == name]
        tokens = torch.stack([like.tokens for _, like in uses])
        chosen = torch.tensor([place for place, _ in uses], device=tokens.device)
        scales = torch.tensor([like.scale for _, like in uses]).to(tokens).view(-1, 1, 1, 1)
        shared.append((adapters[name], chosen, tokens, scales))
    before = dict(unet.attn_processors)
    looks = {name: _Looks(name, shared) if name.endswith("attn2.processor") else old for name, old in before.items()}
    unet.set_attn_processor(looks)
    try:
        yield
    finally:
        unet.set_attn_processor(before)


class _Looks:
    """diffusers' attention (AttnProcessor2_0), and on some rows a second one over a picture's tokens, added to it."""

    def __init__(self, name: str, shared: Sequence[tuple[IPAdapter, torch.Tensor, torch.Tensor, torch.Tensor]]) -> None:
        self._name, self._shared = name, shared

    def __call__(
        self, attention: Any, hidden_states: torch.Tensor, encoder_hidden_states: torch.Tensor, *_: Any, **__: Any
    ) -> torch.Tensor:
        def heads(values: torch.Tensor) -> torch.Tensor:
            return values.view(len(values), values.shape[1], attention.heads, -1).transpose(1, 2)

        queries = heads(attention.to_q(hidden_states))
        keys, values = heads(attention.to_k(encoder_hidden_states)), heads(attention.to_v(encoder_hidden_states))
        output = functional.scaled_dot_product_attention(queries, keys, values)
        for adapter, chosen, tokens, scales in self._shared:
            layer = adapter.layers[self._name]
            seen = functional.scaled_dot_product_attention(
                queries[chosen], heads(layer.to_k_ip[0](tokens)), heads(layer.to_v_ip[0](tokens))
            )
            output = output.index_add(0, chosen, seen * scales)
        output = attention.to_out[0](output.transpose(1, 2).reshape(hidden_states.shape[0], hidden_states.shape[1], -1))
        return torch.div(output, attention.rescale_output_factor)
