"""Stage 4, the denoiser: a small UNet learns to take noise out of latents, told by the prompt what they show.

Autoencoder and text encoder are frozen by now, so every picture's latent and every caption's states are computed once.
A tenth of the captions is dropped: the same network then also knows what pictures look like in general, which is what
classifier-free guidance subtracts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import numpy as np
import torch
from torch import Tensor

from .compose import PictureSet
from .loop import Schedule, train
from .noising import Noising
from .recipe import Recipe

if TYPE_CHECKING:
    from diffusers import AutoencoderKL, UNet2DConditionModel
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


@dataclass(frozen=True)
class Lessons:
    """What the denoiser trains on, on its device: latents (N, C, h, w), caption states (M, T, D), and for every latent
    the number of its caption; `empty` (T, D) is the state of no caption."""

    latents: Tensor
    states: Tensor
    caption_of: Tensor
    empty: Tensor


@torch.no_grad()
def prepare_lessons(
    pictures: PictureSet,
    vae: AutoencoderKL,
    tokenizer: CLIPTokenizer,
    text_encoder: CLIPTextModel,
    device: torch.device,
) -> Lessons:
    """Encode every picture and every different caption once."""
    captions = list(dict.fromkeys(scene.caption for scene in pictures.scenes))
    number = {caption: place for place, caption in enumerate(captions)}
    vae, text_encoder = vae.to(device).eval(), text_encoder.to(device).eval()
    latents = torch.cat([encode_pictures(vae, part).half() for part in _parts(pictures.pictures, 32)])
    states = torch.cat([encode_captions(tokenizer, text_encoder, part).half() for part in _parts(captions, 256)])
    caption_of = torch.tensor([number[scene.caption] for scene in pictures.scenes], device=device)
    return Lessons(latents, states, caption_of, encode_captions(tokenizer, text_encoder, [""])[0])


def encode_pictures(vae: AutoencoderKL, pictures: np.ndarray) -> Tensor:
    """Scaled latents (N, C, h, w) of pictures (N, S, S, 3) uint8: the mode of the posterior."""
    pixels = torch.tensor(pictures, device=vae.device).permute(0, 3, 1, 2).float() / 127.5 - 1
    latents: Tensor = vae.encode(pixels).latent_dist.mode() * vae.config.scaling_factor
    return latents


def encode_captions(tokenizer: CLIPTokenizer, text_encoder: CLIPTextModel, captions: Sequence[str]) -> Tensor:
    """Last hidden states (N, T, D) of captions, padded to the tokenizer's length as the pipeline does it."""
    tokens = tokenizer(
        list(captions),
        padding="max_length",
        max_length=tokenizer.model_max_length,
        truncation=True,
        return_tensors="pt",
    )
    hidden: Tensor = text_encoder(tokens.input_ids.to(text_encoder.device)).last_hidden_state
    return hidden


Items = TypeVar("Items", np.ndarray, list[str])


def _parts(items: Items, size: int) -> Iterator[Items]:
    return (items[start : start + size] for start in range(0, len(items), size))


def train_denoiser(
    unet: UNet2DConditionModel,
    lessons: Lessons,
    recipe: Recipe,
    minutes: float,
    folder: Path,
    seed: int = 0,
    workers: int = 1,
    on_checkpoint: Callable[[UNet2DConditionModel], None] | None = None,
) -> UNet2DConditionModel:
    """Train `unet` on the lessons' device; checkpoints go to `folder`. Returns the averaged weights."""
    device = lessons.latents.device
    noising = Noising(device)
    count = len(lessons.latents)

    def batch_loss(model: UNet2DConditionModel, generator: torch.Generator) -> Tensor:
        chosen = torch.randint(count, (recipe.unet_batch,), generator=generator, device=device)
        latents = lessons.latents[chosen].float()
        states = lessons.states[lessons.caption_of[chosen]].float()
        dropped = torch.rand(len(chosen), generator=generator, device=device) < recipe.caption_dropout
        states[dropped] = lessons.empty
        noise = torch.randn(latents.shape, generator=generator, device=device)
        timesteps = noising.draw_timesteps(len(chosen), generator)
        predicted = model(noising.add_noise(latents, noise, timesteps), timesteps, states).sample
        return noising.loss(predicted, latents, noise, timesteps)

    schedule = Schedule(minutes, recipe.unet_rate, seed, workers, recipe.ema_decay)
    return train(unet.to(device), batch_loss, schedule, folder / "denoiser.pt", on_checkpoint)
