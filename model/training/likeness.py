"""Stage 5, likeness: pictures as prompts. An IP-Adapter (Ye et al. 2023, arXiv 2308.06721) for the finished denoiser.

What the image tower sees of a picture becomes four tokens, for which the denoiser's cross-attentions get keys and
values of their own. Only those learn. Half of the captions are left out, so that the picture alone has to do.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from model.adapters.ip_adapter import IPAdapter, looking
from model.family import Likeness

from .autoencoder import as_pixels
from .compose import Pictures
from .denoiser import channel_importance
from .loop import Schedule, train
from .noising import Noising
from .recipe import Recipe
from .text_encoder import tokenize

if TYPE_CHECKING:
    from diffusers import UNet2DConditionModel
    from transformers import CLIPTextModel, CLIPTokenizer, CLIPVisionModelWithProjection

TOKENS = 4  # as the layout of IP-Adapter files has it
NAME = "likeness"
SUFFIX = ".attn2.processor"


class Adapter(nn.Module):
    """The projection of what a tower sees, and the keys and values of every cross-attention of `unet`."""

    def __init__(self, unet: UNet2DConditionModel, seen: int) -> None:
        from diffusers.models.attention_processor import IPAdapterAttnProcessor2_0
        from diffusers.models.embeddings import ImageProjection

        super().__init__()
        width = unet.config.cross_attention_dim
        self.projection = ImageProjection(seen, width, TOKENS)
        self.names = [name for name in unet.attn_processors if name.endswith(SUFFIX)]
        attentions = [unet.get_submodule(name.removesuffix(".processor")) for name in self.names]
        self.layers = nn.ModuleList(
            [IPAdapterAttnProcessor2_0(attention.inner_dim, width, (TOKENS,)) for attention in attentions]
        )
        for (keys, values), attention in zip(self._keys_and_values(), attentions, strict=True):
            keys.data.copy_(attention.to_k.weight)  # a picture is looked at as words are read
            values.data.copy_(attention.to_v.weight).mul_(0.1)

    def _keys_and_values(self) -> list[tuple[Tensor, Tensor]]:
        """Of each layer the weights."""
        return [(layer.get_parameter("to_k_ip.0.weight"), layer.get_parameter("to_v_ip.0.weight"))
                for layer in self.layers]  # fmt: skip

    def as_adapter(self) -> IPAdapter:
        """What `model.adapters.ip_adapter.looking` takes; the tower's part is done before."""
        return IPAdapter(None, self.projection, dict(zip(self.names, self.layers, strict=True)), fine=False)

    def file(self) -> dict[str, Tensor]:
        """The tensors in the layout of IP-Adapter files, in half precision."""
        named = {
            f"image_proj.{name.replace('image_embeds', 'proj')}": tensor
            for name, tensor in self.projection.state_dict().items()
        }
        for number, (keys, values) in enumerate(self._keys_and_values()):
            named[f"ip_adapter.{2 * number + 1}.to_k_ip.weight"] = keys
            named[f"ip_adapter.{2 * number + 1}.to_v_ip.weight"] = values
        return {name: tensor.detach().half().contiguous() for name, tensor in named.items()}


@torch.no_grad()
def see_pictures(tower: CLIPVisionModelWithProjection, pictures: Pictures) -> Tensor:
    """(N, E): what the tower sees of pictures (N, S, S, 3) uint8."""
    device = next(tower.parameters()).device
    starts = range(0, len(pictures), 128)
    return torch.cat(
        [tower(pixel_values=as_pixels(pictures[start : start + 128], device)).image_embeds.half() for start in starts]
    )


def train_likeness(
    unet: UNet2DConditionModel,
    latents: Tensor,
    seen: Tensor,
    say: Callable[[int], str],
    tokenizer: CLIPTokenizer,
    text_encoder: CLIPTextModel,
    recipe: Recipe,
    minutes: float,
    folder: Path,
    seed: int = 0,
    on_checkpoint: Callable[[Adapter], None] | None = None,
) -> Adapter:
    """Train an adapter for `unet` on scaled latents (N, C, h, w) and what the tower sees of the same pictures (N, E);
    `say` gives a caption. Returns the averaged weights."""
    device = latents.device
    noising, importance = Noising(device), channel_importance(latents)
    for part in (unet, text_encoder):
        part.to(device).eval().requires_grad_(False)

    def batch_loss(adapter: Adapter, generator: torch.Generator) -> Tensor:
        chosen = torch.randint(len(seen), (recipe.unet_batch,), generator=generator, device=device)
        clean, shown = latents[chosen].float(), seen[chosen].float()
        left_out = torch.rand(2, len(chosen), generator=generator, device=device)
        captions = [
            "" if share < recipe.caption_left_out else say(number)
            for number, share in zip(chosen.tolist(), left_out[0].tolist(), strict=True)
        ]
        shown = shown * (left_out[1] > recipe.caption_dropout).float()[:, None]
        tokens = adapter.projection(shown)
        with torch.no_grad():
            states = text_encoder(tokenize(tokenizer, captions).to(device)).last_hidden_state
        noise = torch.randn(clean.shape, generator=generator, device=device)
        timesteps = noising.draw_timesteps(len(chosen), generator)
        rows = [(Likeness(NAME, row, 1.0),) for row in tokens]
        with looking(unet, {NAME: adapter.as_adapter()}, rows):
            predicted = unet(noising.add_noise(clean, noise, timesteps), timesteps, states).sample
        return noising.loss(predicted, noising.velocity(clean, noise, timesteps), timesteps, importance)

    schedule = Schedule(minutes, recipe.likeness_rate, seed, weight_decay=0.0, log_every=100)
    adapter = Adapter(unet, seen.shape[1]).to(device)
    return train(adapter, batch_loss, schedule, folder / "likeness.pt", on_checkpoint)
