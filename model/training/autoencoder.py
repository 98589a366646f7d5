"""Stage 2, the autoencoder: pictures to small maps of latents, and back.

The encoder needs no training. A patch of a picture is described well by its first principal components, and a
convolutional encoder can be *set* to compute exactly those (`write_encoder`). So latents are known within seconds, and
decoder and denoiser start learning at once, beside each other. The encoder of a larger model can inherit a smaller
one's latents as its first channels: its denoiser then goes on from the smaller one's, and only learns the detail.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor, nn

from .compose import Pictures
from .loop import Schedule, train
from .recipe import Recipe

if TYPE_CHECKING:
    from diffusers import AutoencoderKL

NOISE = 0.12  # the decoder practises on latents this far off, because the denoiser's are never quite right
BALLAST = 300.0  # size of the constant channels that make the last normalisation linear


def build_autoencoder(recipe: Recipe) -> AutoencoderKL:
    """An untrained AutoencoderKL with as many halvings as the recipe has widths, less one."""
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


@dataclass(frozen=True)
class PatchMap:
    """What a linear encoder computes of a patch of pixels: values @ `matrix` (V, K) + `bias` (K,), where the values are
    the patch's pixels in the order in which repeated `gather_blocks` puts them."""

    matrix: Tensor
    bias: Tensor

    def at_twice_the_size(self) -> PatchMap:
        """The same map for patches twice as wide: of every 2x2 block of pixels it sees the mean."""
        rows = self.matrix.reshape(-1, 1, 3, self.matrix.shape[1]) / 4
        return PatchMap(rows.expand(-1, 4, -1, -1).reshape(-1, self.matrix.shape[1]), self.bias)


@torch.no_grad()
def read_encoder(vae: AutoencoderKL) -> PatchMap:
    """The map of an encoder that `write_encoder` has written, found by asking it for every pixel of a patch."""
    halvings = len(vae.config.block_out_channels) - 1
    side = 2**halvings
    probes = torch.cat([torch.zeros(1, 3 * side * side), torch.eye(3 * side * side)]).reshape(-1, 3, side, side)
    answers = torch.cat([vae.encode(part).latent_dist.mode()[:, :, 0, 0] for part in probes.split(64)])
    gathered = probes
    for _ in range(halvings):
        gathered = gather_blocks(gathered)
    order = gathered[1:, :, 0, 0]  # row n: where pixel n goes
    return PatchMap(order.T @ (answers[1:] - answers[0]), answers[0])


@torch.no_grad()
def write_encoder(vae: AutoencoderKL, pictures: Tensor, inherited: PatchMap | None = None) -> None:
    """Set the encoder's weights so that its mean is the PCA of square patches of `pictures` (N, 3, S, S) in -1..1.

    With `inherited`, the first channels are that map, exactly, and only the others are principal components, of what
    the first cannot tell: so a denoiser of those first channels stays right about them.

    Residual branches are zeroed and the strided convolutions carry the work: the first gathers 2x2 blocks, each further
    one projects gathered blocks to their principal components (and to what `inherited` needs), the last one scales: the
    strongest component to deviation 1, the others towards it by a square root, so that none drowns in noise. The
    closing GroupNorm and SiLU are made linear, the first by two large constant channels a group that fix its deviation,
    the second by carrying each value with both signs: silu(x) - silu(-x) = x.
    """
    encoder, count = vae.encoder, vae.config.latent_channels
    resnets = [resnet for block in encoder.down_blocks for resnet in block.resnets] + list(encoder.mid_block.resnets)
    for resnet in resnets:
        for tensor in resnet.conv2.parameters():
            tensor.zero_()
        resnet.conv1.weight.zero_()  # unused as well; zeros take no room where weights are packed
        if resnet.conv_shortcut is not None:
            _set_identity(resnet.conv_shortcut)
    _set_identity(encoder.conv_in, at=1)

    first, *inner, last = (block.downsamplers[0].conv for block in encoder.down_blocks[:-1])
    _set_blocks(first, torch.eye(12))
    values = gather_blocks(pictures)
    wanted = None if inherited is None else inherited.matrix  # in the coordinates of `values`, cell by cell
    for conv in inner:
        blocks = gather_blocks(values)
        basis = _basis(blocks, min(conv.out_channels, blocks.shape[1]), wanted)
        _set_blocks(conv, basis)
        values = torch.einsum("nchw,ck->nkhw", blocks, basis)
        if wanted is not None:
            wanted = torch.einsum("acz,ck->akz", wanted.reshape(-1, len(basis), wanted.shape[-1]), basis)
    matrix, bias = _latent_map(gather_blocks(values), count, inherited, wanted)
    _set_blocks(last, matrix, bias)
    _set_linear_head(vae, count)


def _basis(blocks: Tensor, width: int, wanted: Tensor | None) -> Tensor:
    """Orthonormal directions (C, width) of channel vectors (N, C, h, w): first those that `wanted` reads, then the
    principal components of the rest."""
    if wanted is None:
        return principal_components(blocks, width)[1]
    channels = blocks.shape[1]
    read = wanted.reshape(-1, channels, wanted.shape[-1]).permute(1, 0, 2).reshape(channels, -1)
    directions, sizes, _ = torch.linalg.svd(read, full_matrices=False)
    needed = directions[:, sizes > 1e-4 * sizes[0]]
    if needed.shape[1] > width:
        raise ValueError(f"the inherited encoder needs {needed.shape[1]} channels where there are {width}")
    rest = blocks - torch.einsum("nchw,ck,dk->ndhw", blocks, needed, needed)
    return torch.cat([needed, principal_components(rest, width - needed.shape[1])[1]], 1)


def _latent_map(blocks: Tensor, count: int, inherited: PatchMap | None, wanted: Tensor | None) -> tuple[Tensor, Tensor]:
    """Matrix (C, count) and bias (count,) from the last gathered blocks (N, C, h, w) to latents."""
    _, _, strongest = principal_components(blocks, 1)
    channels = blocks.shape[1]
    if inherited is None or wanted is None:
        first, first_bias = torch.zeros(channels, 0), torch.zeros(0)
    else:
        first, first_bias = wanted.reshape(channels, -1), inherited.bias
    vectors = blocks.permute(0, 2, 3, 1).reshape(-1, channels)
    told = torch.cat([vectors @ first + first_bias, torch.ones(len(vectors), 1)], 1)
    guess = torch.linalg.lstsq(told.double(), vectors.double()).solution.float()  # what the first channels tell
    rest = blocks - (told @ guess).reshape(blocks.shape[0], *blocks.shape[2:], channels).permute(0, 3, 1, 2)
    _, components, deviations = principal_components(rest, count - first.shape[1])
    components = components / (deviations * strongest).sqrt()
    unexplained = torch.eye(channels) - first @ guess[:-1]
    bias = -(first_bias @ guess[:-1] + guess[-1]) @ components
    return torch.cat([first, unexplained @ components], 1), torch.cat([first_bias, bias])


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


@torch.no_grad()
def inherit_decoder(vae: AutoencoderKL, smaller: AutoencoderKL, seed: int = 0) -> None:
    """Have the decoder draw what the decoder of a model of half the size draws, enlarged: what it learns from there on
    is the detail. `vae` has one level more, and on the others at least the smaller one's widths.

    Where it is wider, channels stand for the same channel of the smaller one, several within a normalisation's group,
    and share its weight in uneven parts, so that they learn to differ (Net2Net, Chen et al. 2016). It is the same
    function but for the groups' uneven shares, which a few hundred steps mend.
    """
    chance = torch.Generator().manual_seed(seed)
    known, groups = smaller.decoder.state_dict(), vae.config.norm_num_groups

    def copies(old: int, new: int) -> Tensor:
        """For every new channel, the old one it stands for."""
        group, slot = torch.arange(new) // (new // groups), torch.arange(new) % (new // groups)
        stands_for: Tensor = group * (old // groups) + slot % (old // groups)
        return stands_for

    def widen(tensor: Tensor, shape: torch.Size) -> Tensor:
        """Weights or biases of the smaller model in a larger shape."""
        if tensor.shape == shape:
            return tensor
        tensor = tensor[copies(len(tensor), shape[0])] if len(tensor) != shape[0] else tensor
        if len(shape) > 1 and tensor.shape[1] != shape[1]:
            stands_for = copies(tensor.shape[1], shape[1])
            share = 0.5 + torch.rand(shape[1], generator=chance)
            whole = torch.zeros(tensor.shape[1]).index_add(0, stands_for, share)
            tensor = tensor[:, stands_for] * (share / whole[stands_for]).view(1, -1, *[1] * (len(shape) - 2))
        return tensor

    latents, levels = smaller.config.latent_channels, len(vae.config.block_out_channels)
    _set_identity(vae.post_quant_conv)
    vae.post_quant_conv.weight[:latents, :latents] = smaller.post_quant_conv.weight
    vae.post_quant_conv.bias[:latents] = smaller.post_quant_conv.bias
    state = vae.decoder.state_dict()
    for name, tensor in state.items():
        if name == "conv_in.weight":
            tensor[:, :latents] = widen(known[name], torch.Size((len(tensor), *known[name].shape[1:])))
            tensor[:, latents:] *= 0.3
        elif name in known and not name.startswith(("conv_norm_out", "conv_out")):
            tensor.copy_(widen(known[name], tensor.shape))
    vae.decoder.load_state_dict(state)
    # The new level begins as an enlargement: copied pixels, and branches that add nothing yet.
    _set_identity(vae.decoder.up_blocks[-2].upsamplers[0].conv, at=1)
    last = vae.decoder.up_blocks[-1]
    for resnet in last.resnets:
        for tensor in resnet.conv2.parameters():
            tensor.zero_()
    narrow, wide = smaller.config.block_out_channels[0], vae.config.block_out_channels[1]
    if levels != len(smaller.config.block_out_channels) + 1 or vae.config.block_out_channels[0] != narrow:
        raise ValueError("the larger decoder needs one level more, and the same width at its last")
    stands_for = copies(narrow, wide)
    shortcut = last.resnets[0].conv_shortcut
    if shortcut is not None:  # from several channels to the one that they stand for
        shortcut.weight.zero_()
        shortcut.bias.zero_()
        shortcut.weight[stands_for, torch.arange(wide), 0, 0] = 1 / torch.bincount(stands_for)[stands_for].float()
    vae.decoder.conv_norm_out.load_state_dict(smaller.decoder.conv_norm_out.state_dict())
    vae.decoder.conv_out.load_state_dict(smaller.decoder.conv_out.state_dict())


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


@torch.no_grad()
def encode_pictures(vae: AutoencoderKL, pictures: Pictures) -> Tensor:
    """Unscaled latents (N, C, h, w), half precision, of pictures (N, S, S, 3) uint8, by the map that the encoder
    computes: hundreds of times faster than its convolutions, and the same to 1e-3."""
    known, halvings = read_encoder(vae), len(vae.config.block_out_channels) - 1
    matrix, bias = known.matrix.to(vae.device), known.bias.to(vae.device)
    found = []
    for start in range(0, len(pictures), 64):
        values = as_pixels(pictures[start : start + 64], vae.device)
        for _ in range(halvings):
            values = gather_blocks(values)
        found.append((torch.einsum("nchw,ck->nkhw", values, matrix) + bias[:, None, None]).half())
    return torch.cat(found)


def train_decoder(
    vae: AutoencoderKL,
    pictures: Pictures,
    recipe: Recipe,
    minutes: float,
    folder: Path,
    seed: int = 0,
    on_checkpoint: Callable[[AutoencoderKL], None] | None = None,
) -> AutoencoderKL:
    """Train the decoder on pictures (N, S, S, 3) uint8; return the averaged weights. The encoder stays as it is, so
    every picture's latents are computed once, before."""
    device = next(vae.parameters()).device
    latents = encode_pictures(vae.eval(), pictures)
    for part in (vae.encoder, vae.quant_conv):
        part.requires_grad_(False)

    def batch_loss(model: AutoencoderKL, generator: torch.Generator) -> Tensor:
        chosen = torch.randint(len(pictures), (recipe.vae_batch,), generator=generator, device=device).sort().values
        found = latents[chosen].float()
        far = NOISE * torch.rand(len(found), 1, 1, 1, generator=generator, device=device)
        noise = torch.randn(found.shape, generator=generator, device=device)
        # Weak channels are disturbed less: what matters is the error against the channel's own size.
        drawn = model.decode(found + far * noise * latents_spread).sample
        return picture_loss(drawn, as_pixels(pictures[chosen.cpu().numpy()], device))

    latents_spread = latents[:4096].float().std((0, 2, 3), keepdim=True).clamp(max=1)
    vae.decoder.to(memory_format=torch.channels_last)
    return train(vae, batch_loss, Schedule(minutes, recipe.vae_rate, seed), folder / "autoencoder.pt", on_checkpoint)


@torch.no_grad()
def measure_autoencoder(vae: AutoencoderKL, pictures: Pictures) -> dict[str, float]:
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
