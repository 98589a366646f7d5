"""Stage 2, the autoencoder: pictures to latents an eighth as wide, and back.

The encoder needs no training to begin with. An 8x8 patch of an icon is described well by its first principal
components, and a convolutional encoder can be *set* to compute exactly those (`write_pca_encoder`). So latents are
known within seconds, and the decoder starts learning at once. A fresh run then trains both sides together; a run that
starts from given weights keeps their encoder, because its denoiser knows those latents, and trains only the decoder.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor, nn

from .loop import Schedule, train
from .recipe import Recipe

if TYPE_CHECKING:
    from diffusers import AutoencoderKL

NOISE = 0.12  # the decoder practises on latents this far off, because the denoiser's are never quite right
BALLAST = 300.0  # size of the constant channels that make the last normalisation linear


def build_autoencoder(recipe: Recipe) -> AutoencoderKL:
    """An untrained AutoencoderKL with three halvings."""
    from diffusers import AutoencoderKL

    levels = len(recipe.vae_channels)
    return AutoencoderKL(
        in_channels=3,
        out_channels=3,
        down_block_types=("DownEncoderBlock2D",) * levels,
        up_block_types=("UpDecoderBlock2D",) * levels,
        block_out_channels=recipe.vae_channels,
        layers_per_block=1,
        latent_channels=recipe.latent_channels,
        norm_num_groups=recipe.vae_groups,
        sample_size=recipe.size,
        mid_block_add_attention=False,
        scaling_factor=1.0,
    )


def gather_blocks(x: Tensor) -> Tensor:
    """(N, C, H, W) to (N, 4C, H/2, W/2): the four pixels of every 2x2 block, row by row, one after another."""
    n, c, h, w = x.shape
    return x.reshape(n, c, h // 2, 2, w // 2, 2).permute(0, 3, 5, 1, 2, 4).reshape(n, 4 * c, h // 2, w // 2)


def principal_components(x: Tensor, count: int) -> tuple[Tensor, Tensor, Tensor]:
    """Of the channel vectors of x (N, C, h, w): their mean (C,), the first components (C, count), their deviations."""
    vectors = x.permute(0, 2, 3, 1).reshape(-1, x.shape[1])
    values, components = torch.linalg.eigh(torch.cov(vectors.T))
    return vectors.mean(0), components.flip(1)[:, :count], values.flip(0)[:count].clamp(min=1e-8).sqrt()


@torch.no_grad()
def write_pca_encoder(vae: AutoencoderKL, pictures: Tensor) -> None:
    """Set the encoder's weights so that its mean is the PCA of 8x8 patches of `pictures` (N, 3, S, S) in -1..1.

    Residual branches are zeroed and the three strided convolutions carry the work: the first gathers 2x2 blocks, the
    second projects gathered blocks (4x4 pixels by now) to their principal components, the third does the same again
    and scales: the strongest component to deviation 1, the others towards it by a square root, so that none drowns in
    noise. The closing GroupNorm and SiLU are made linear, the first by two large constant channels a group that fix
    its deviation, the second by carrying each value with both signs: silu(x) - silu(-x) = x.
    """
    encoder, count = vae.encoder, vae.config.latent_channels
    resnets = [resnet for block in encoder.down_blocks for resnet in block.resnets] + list(encoder.mid_block.resnets)
    for resnet in resnets:
        for tensor in resnet.conv2.parameters():
            tensor.zero_()
        if resnet.conv_shortcut is not None:
            _set_identity(resnet.conv_shortcut)
    _set_identity(encoder.conv_in, at=1)

    gathered = gather_blocks(pictures)
    _set_blocks(encoder.down_blocks[0].downsamplers[0].conv, torch.eye(12))

    blocks = gather_blocks(gathered)
    _, inner, _ = principal_components(blocks, encoder.down_blocks[1].downsamplers[0].conv.out_channels)
    _set_blocks(encoder.down_blocks[1].downsamplers[0].conv, inner)

    patches = gather_blocks(torch.einsum("nchw,ck->nkhw", blocks, inner))
    mean, outer, deviation = principal_components(patches, count)
    outer = outer / (deviation * deviation[0]).sqrt()
    _set_blocks(encoder.down_blocks[2].downsamplers[0].conv, outer, bias=-(mean @ outer))

    _set_linear_head(vae, count)


def _set_identity(conv: nn.Conv2d, at: int = 0) -> None:
    """A convolution that copies its input channels, reading the kernel's cell (at, at)."""
    conv.weight.zero_()
    if conv.bias is not None:
        conv.bias.zero_()
    for channel in range(min(conv.in_channels, conv.out_channels)):
        conv.weight[channel, channel, at, at] = 1


def _set_blocks(conv: nn.Conv2d, matrix: Tensor, bias: Tensor | None = None) -> None:
    """A strided convolution that applies `matrix` (4C, K) to gathered 2x2 blocks of its first C channels."""
    conv.weight.zero_()
    if conv.bias is not None:
        conv.bias.zero_()
    channels, outputs = matrix.shape[0] // 4, matrix.shape[1]
    for cell in range(4):
        part = matrix[cell * channels : (cell + 1) * channels]
        conv.weight[:outputs, :channels, cell // 2, cell % 2] = part.T
    if bias is not None and conv.bias is not None:
        conv.bias[:outputs] = bias


def _set_linear_head(vae: AutoencoderKL, count: int) -> None:
    """Carry `count` channels unchanged from the last block through GroupNorm and SiLU to the posterior's mean."""
    encoder = vae.encoder
    spread, norm, head = encoder.down_blocks[-1].resnets[0].conv_shortcut, encoder.conv_norm_out, encoder.conv_out
    if spread is None:
        raise ValueError("the last two levels of the autoencoder need different widths")
    groups, width = norm.num_groups, norm.num_channels // norm.num_groups
    if 2 * -(-count // groups) + 2 > width:
        raise ValueError(f"{count} latent channels do not fit into {norm.num_channels} channels in {groups} groups")
    for tensor in (spread.weight, spread.bias, head.weight, head.bias):
        tensor.zero_()
    for channel in range(count):
        plus = (channel % groups) * width + 2 * (channel // groups)
        for slot, sign in ((plus, 1.0), (plus + 1, -1.0)):
            spread.weight[slot, channel, 0, 0] = sign
            head.weight[channel, slot, 1, 1] = sign
    norm.weight.fill_(BALLAST * (2 / width) ** 0.5)  # the group's deviation, which the norm divides by
    norm.bias.zero_()
    for group in range(groups):
        last = (group + 1) * width
        spread.bias[last - 2], spread.bias[last - 1] = BALLAST, -BALLAST
        norm.weight[last - 2 : last] = 0
    head.bias[count:] = -8.0  # log variance: next to none
    _set_identity(vae.quant_conv)
    _set_identity(vae.post_quant_conv)


def slopes(x: Tensor) -> tuple[Tensor, Tensor]:
    """Differences between neighbouring pixels, down and across."""
    return x[..., 1:, :] - x[..., :-1, :], x[..., :, 1:] - x[..., :, :-1]


def picture_loss(drawn: Tensor, wanted: Tensor) -> Tensor:
    """Mean absolute error of pixels, and half of that of slopes: edges are what icons are made of."""
    pixels = (drawn - wanted).abs().mean()
    edges = sum((a - b).abs().mean() for a, b in zip(slopes(drawn), slopes(wanted), strict=True))
    return pixels + 0.5 * edges


def as_pixels(pictures: np.ndarray, device: torch.device | str = "cpu") -> Tensor:
    """(N, S, S, 3) uint8 pictures as (N, 3, S, S) in -1..1."""
    return torch.tensor(pictures, device=device).permute(0, 3, 1, 2).float() / 127.5 - 1


def train_autoencoder(
    vae: AutoencoderKL,
    pictures: np.ndarray,
    recipe: Recipe,
    minutes: float,
    folder: Path,
    train_encoder: bool,
    seed: int = 0,
    on_checkpoint: Callable[[AutoencoderKL], None] | None = None,
) -> AutoencoderKL:
    """Train the decoder (and the encoder, where asked) on pictures (N, S, S, 3) uint8; return the averaged weights."""
    device = next(vae.parameters()).device
    for part in (vae.encoder, vae.quant_conv):
        part.requires_grad_(train_encoder)

    def batch_loss(model: AutoencoderKL, generator: torch.Generator) -> Tensor:
        chosen = torch.randint(len(pictures), (recipe.vae_batch,), generator=generator, device=device)
        wanted = as_pixels(pictures[chosen.sort().values.cpu().numpy()], device)
        with torch.set_grad_enabled(train_encoder):
            posterior = model.encode(wanted).latent_dist
            latents = posterior.mode()
        far = NOISE * torch.rand(len(latents), 1, 1, 1, generator=generator, device=device)
        noise = torch.randn(latents.shape, generator=generator, device=device)
        loss = picture_loss(model.decode(latents + far * noise).sample, wanted)
        if train_encoder:  # a light pull towards zero mean and unit deviation keeps the latents in range
            loss = loss + 1e-4 * latents.square().mean()
        return loss

    return train(vae, batch_loss, Schedule(minutes, recipe.vae_rate, seed), folder / "autoencoder.pt", on_checkpoint)


@torch.no_grad()
def measure_autoencoder(vae: AutoencoderKL, pictures: np.ndarray) -> dict[str, float]:
    """How well pictures (N, S, S, 3) survive: mean PSNR in dB, and the latents' mean and deviation."""
    errors, latents = [], []
    for start in range(0, len(pictures), 64):
        wanted = as_pixels(pictures[start : start + 64], next(vae.parameters()).device)
        found = vae.encode(wanted).latent_dist.mode()
        errors.append((vae.decode(found).sample.clamp(-1, 1) - wanted).square().mean((1, 2, 3)))
        latents.append(found)
    psnr = (10 * torch.log10(4 / torch.cat(errors).clamp(min=1e-10))).mean()
    every = torch.cat(latents)
    return {"psnr_db": psnr.item(), "latent_mean": every.mean().item(), "latent_std": every.std().item()}
