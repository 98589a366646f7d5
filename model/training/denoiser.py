"""Stage 4, the denoiser: a small UNet learns to take noise out of latents, told by the prompt what they show.

Autoencoder and text encoder are frozen by now, so every picture's latents are computed once. Its caption is phrased
in another way every time. A tenth of the captions is dropped: the same network then also knows what pictures look like
in general, which is what classifier-free guidance subtracts.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from .loop import Schedule, train
from .noising import Noising
from .recipe import Recipe
from .text_encoder import tokenize

if TYPE_CHECKING:
    from diffusers import UNet2DConditionModel
    from transformers import CLIPTextModel, CLIPTokenizer


def build_denoiser(recipe: Recipe) -> UNet2DConditionModel:
    """A UNet2DConditionModel that starts as the identity on its skip paths, so that early training is calm."""
    from diffusers import UNet2DConditionModel

    kinds = [("CrossAttn" if reads else "") for reads in recipe.unet_attention]
    unet = UNet2DConditionModel(
        sample_size=recipe.latent_size,
        in_channels=recipe.latent_channels,
        out_channels=recipe.latent_channels,
        down_block_types=tuple(f"{kind}DownBlock2D" for kind in kinds),
        up_block_types=tuple(f"{kind}UpBlock2D" for kind in reversed(kinds)),
        mid_block_type="UNetMidBlock2DCrossAttn",
        block_out_channels=recipe.unet_channels,
        layers_per_block=1,
        cross_attention_dim=recipe.text_width,
        attention_head_dim=tuple(max(1, channels // 32) for channels in recipe.unet_channels),
        norm_num_groups=16,
        resnet_time_scale_shift="scale_shift",
        use_linear_projection=True,
        # The pooled prompt joins the time embedding, which steers every layer, not only those with attention.
        addition_embed_type="text",
        addition_embed_type_num_heads=4,
    )
    with torch.no_grad():
        for name, module in unet.named_modules():
            if name.endswith(("conv2", "proj_out")) or name == "conv_out":
                module.weight.zero_()
                module.bias.zero_()
    return unet


@torch.no_grad()
def grow_denoiser(smaller: UNet2DConditionModel, recipe: Recipe) -> UNet2DConditionModel:
    """A denoiser of the recipe's latents that does with their first channels what `smaller` did with its own, and
    leaves the further ones to be learned. Raises ValueError where the two differ in more than latents."""
    grown = build_denoiser(recipe)
    known, state = smaller.state_dict(), grown.state_dict()
    channels = smaller.config.in_channels
    for name, tensor in state.items():
        if name == "conv_in.weight":
            tensor.zero_()
            tensor[:, :channels] = known[name]
        elif name.startswith("conv_out."):
            tensor[:channels] = known[name]
        elif name in known and known[name].shape == tensor.shape:
            tensor.copy_(known[name])
        else:
            raise ValueError(f"the denoiser to start from has another {name}")
    return grown


def train_denoiser(
    unet: UNet2DConditionModel,
    latents: Tensor,
    say: Callable[[int], str],
    tokenizer: CLIPTokenizer,
    text_encoder: CLIPTextModel,
    recipe: Recipe,
    minutes: float,
    folder: Path,
    seed: int = 0,
    workers: int = 1,
    on_checkpoint: Callable[[UNet2DConditionModel], None] | None = None,
) -> UNet2DConditionModel:
    """Train `unet` on scaled latents (N, C, h, w), on their device; `say` gives a caption of the picture with a number,
    another one every time. Checkpoints go to `folder`. Returns the averaged weights."""
    device = latents.device
    noising = Noising(device)
    text_encoder.to(device).eval().requires_grad_(False)

    def batch_loss(model: UNet2DConditionModel, generator: torch.Generator) -> Tensor:
        chosen = torch.randint(len(latents), (recipe.unet_batch,), generator=generator, device=device)
        clean = latents[chosen].float()
        dropped = torch.rand(len(chosen), generator=generator, device=device) < recipe.caption_dropout
        captions = ["" if drop else say(number) for number, drop in zip(chosen.tolist(), dropped.tolist(), strict=True)]
        with torch.no_grad():
            states = text_encoder(tokenize(tokenizer, captions).to(device)).last_hidden_state
        noise = torch.randn(clean.shape, generator=generator, device=device)
        timesteps = noising.draw_timesteps(len(chosen), generator)
        predicted = model(noising.add_noise(clean, noise, timesteps), timesteps, states).sample
        return noising.loss(predicted, clean, noise, timesteps)

    schedule = Schedule(minutes, recipe.unet_rate, seed, workers, recipe.ema_decay)
    return train(unet.to(device), batch_loss, schedule, folder / "denoiser.pt", on_checkpoint)
