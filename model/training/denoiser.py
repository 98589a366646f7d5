"""Stage 4, the denoiser: a small UNet learns to take noise out of latents, told by the prompt what they show.

The autoencoder is frozen by now, so every picture's latents are computed once. Its caption is phrased in another way
every time. The text tower goes on learning beside the denoiser, which alone knows which words matter to a picture. A
tenth of the captions is dropped: the same network then also knows what pictures look like in general, which is what
classifier-free guidance subtracts.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from .loop import Schedule, train
from .noising import Noising
from .recipe import Recipe
from .shapes import Reshaped
from .text_encoder import TABLE, tokenize

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


def channel_importance(latents: Tensor) -> Tensor:
    """How much the loss heeds each channel of latents (N, C, h, w): (C,), mean 1.

    An error in a channel that varies much is seen most in the picture, and the many weak channels hold detail that
    cannot be foretold: equally weighed, they drown those in which shapes and colours are.
    """
    deviation = latents[:4096].float().std((0, 2, 3))
    return deviation / deviation.mean()


@dataclass(frozen=True, eq=False)
class Elder:
    """A finished denoiser of the same latents, with its own text tower, and for each picture the caption by which it
    knows what is there, None where it cannot know. What it would draw is a target without noise: so what was learned
    before is kept while the rest is learned (Li and Hoiem 2016, arXiv 1606.09282). `shares` (N, 1, h, w) says how much
    of each latent it knows: of a thing in a place, only the thing."""

    unet: UNet2DConditionModel
    tokenizer: CLIPTokenizer
    text_encoder: CLIPTextModel
    captions: Sequence[str | None]
    shares: Tensor

    def correct(
        self, wanted: Tensor, noisy: Tensor, timesteps: Tensor, numbers: Sequence[int], dropped: Sequence[bool],
        corners: Tensor,
    ) -> None:  # fmt: skip
        """Put its answers into the targets (B, C, h, w) of the pictures with these numbers, where it knows better. A
        caption that is `dropped` it answers as without a prompt, which guidance starts from. It knows square pictures:
        they lie at `corners` (N, 2), row and column, negative for pictures that hold none."""
        known = [row for row, number in enumerate(numbers)
                 if self.captions[number] is not None and corners[number, 0] >= 0]  # fmt: skip
        if not known:
            return
        side, mine = self.shares.shape[-1], [numbers[row] for row in known]
        squares = [(row, slice(None), slice(top, top + side), slice(left, left + side))
                   for row, (top, left) in zip(known, corners[mine].tolist(), strict=True)]  # fmt: skip
        seen = torch.stack([noisy[square] for square in squares])
        answers = self.predict(seen, timesteps[known], mine, [dropped[row] for row in known])
        for square, answer, share in zip(squares, answers, self.shares[mine].to(wanted), strict=True):
            wanted[square] = torch.lerp(wanted[square], answer, share)

    @torch.no_grad()
    def predict(self, noisy: Tensor, timesteps: Tensor, numbers: Sequence[int], dropped: Sequence[bool]) -> Tensor:
        """The velocities (B, C, h, w) that it sees in noisy latents of the pictures with these numbers."""
        captions = ["" if drop else str(self.captions[number]) for number, drop in zip(numbers, dropped, strict=True)]
        tokens = tokenize(self.tokenizer, captions).to(noisy.device)
        predicted: Tensor = self.unet(noisy, timesteps, self.text_encoder(tokens).last_hidden_state).sample
        return predicted


class Reading(nn.Module):
    """The denoiser and the text tower that it reads."""

    def __init__(self, unet: UNet2DConditionModel, text: CLIPTextModel) -> None:
        super().__init__()
        self.unet, self.text = unet, text
        text.requires_grad_(True)
        text.get_parameter(TABLE).requires_grad_(False)

    def forward(self, noisy: Tensor, timesteps: Tensor, tokens: Tensor) -> Tensor:
        """The predicted velocity (B, C, h, w)."""
        predicted: Tensor = self.unet(noisy, timesteps, self.text(tokens).last_hidden_state).sample
        return predicted


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
    on_checkpoint: Callable[[Reading], None] | None = None,
    practised: Sequence[int] | None = None,
    elder: Elder | None = None,
    shaped: Sequence[Reshaped] = (),
    fitting: Sequence[int] = (),
) -> Reading:
    """Train `unet` on scaled latents (N, C, h, w), on their device; `say` gives a caption of the picture with a number,
    another one every time. `practised` are the numbers of the pictures to learn from, some more often than others
    (None: all alike). Of pictures that the `elder` knows, its answers are the target. `shaped` are the same pictures
    in other shapes, of which a part of the batches is made: of those with the numbers `fitting`. Checkpoints go to
    `folder`. Returns the averaged weights, of the text tower too."""
    device = latents.device
    noising, importance = Noising(device), channel_importance(latents)
    numbers = (torch.arange(len(latents)) if practised is None else torch.tensor(practised)).to(device)
    others = torch.tensor(fitting, device=device)
    square = Reshaped(latents, torch.zeros(len(latents), 2, dtype=torch.long))

    def batch_loss(model: Reading, generator: torch.Generator) -> Tensor:
        pool, shape = numbers, square
        if shaped and torch.rand(1, generator=generator, device=device).item() < recipe.shaped:
            pool = others
            shape = shaped[int(torch.randint(len(shaped), (1,), generator=generator, device=device))]
        chosen = pool[torch.randint(len(pool), (recipe.unet_batch,), generator=generator, device=device)]
        clean = shape.latents[chosen].float()
        dropped = torch.rand(len(chosen), generator=generator, device=device) < recipe.caption_dropout
        captions = ["" if drop else say(number) for number, drop in zip(chosen.tolist(), dropped.tolist(), strict=True)]
        noise = torch.randn(clean.shape, generator=generator, device=device)
        timesteps = noising.draw_timesteps(len(chosen), generator)
        tokens = tokenize(tokenizer, captions).to(device)
        noisy = noising.add_noise(clean, noise, timesteps)
        wanted = noising.velocity(clean, noise, timesteps)
        if elder is not None:
            elder.correct(wanted, noisy, timesteps, chosen.tolist(), dropped.tolist(), shape.corners)
        return noising.loss(model(noisy, timesteps, tokens), wanted, timesteps, importance)

    schedule = Schedule(minutes, recipe.unet_rate, seed, workers, recipe.ema_decay)
    reading = Reading(unet, text_encoder).to(device)
    return train(reading, batch_loss, schedule, folder / "denoiser.pt", on_checkpoint)
