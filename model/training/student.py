"""Stage 6, the student: a copy of the denoiser that draws in four steps and needs no guidance.

Guidance asks the denoiser twice a step and adds up the answers; the student learns the sum (Meng et al. 2023, arXiv
2210.03142). It is only ever asked at the few noise levels of a few-step sampler, so it learns at those alone, from
states that its own steps lead to (Ross et al. 2011, arXiv 1011.0686). No pictures are needed: captions and noise do.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from .loop import Schedule, train
from .noising import Noising
from .recipe import Recipe
from .text_encoder import tokenize

if TYPE_CHECKING:
    from diffusers import UNet2DConditionModel
    from transformers import CLIPTextModel, CLIPTokenizer


@torch.no_grad()
def follow(student: nn.Module, before: nn.Module, after: nn.Module) -> None:
    """Add to a student all that its teacher's weights have learned between `before` and `after`: it went on from the
    same weights, so most of what they learned holds for it too (Ilharco et al. 2023, arXiv 2212.04089)."""
    for mine, old, new in zip(student.parameters(), before.parameters(), after.parameters(), strict=True):
        mine.add_(new - old)


def guidance_of_steps(recipe: Recipe) -> Tensor:
    """How strongly each of the student's steps is guided, (steps,)."""
    shares = torch.arange(recipe.student_steps) / recipe.student_steps
    return torch.where(shares < recipe.guided_from, 1.0, recipe.guidance_scale)


def train_student(
    teacher: UNet2DConditionModel,
    pictures: int,
    say: Callable[[int], str],
    tokenizer: CLIPTokenizer,
    text_encoder: CLIPTextModel,
    recipe: Recipe,
    minutes: float,
    folder: Path,
    device: torch.device,
    seed: int = 0,
    on_checkpoint: Callable[[UNet2DConditionModel], None] | None = None,
    begun: UNet2DConditionModel | None = None,
    workers: int = 1,
) -> UNet2DConditionModel:
    """Distil `teacher`; `say` gives a caption of each of so many `pictures`. `begun` is an earlier teacher's student to
    go on from. A part of the batches has one of the recipe's other shapes. Returns the averaged weights."""
    noising, side = Noising(device), recipe.latent_size
    others = [(height * side // recipe.size, width * side // recipe.size) for width, height in recipe.shapes]
    steps, count = recipe.student_steps, max(1, recipe.unet_batch // recipe.student_steps)
    # The timesteps of a sampler with "trailing" spacing, and where the last step leads: to no noise at all.
    knots = torch.tensor([noising.steps - 1 - noising.steps * step // steps for step in range(steps)], device=device)
    scale = guidance_of_steps(recipe).to(device).repeat_interleave(count).view(-1, 1, 1, 1)
    for part in (teacher, text_encoder):
        part.to(device).eval().requires_grad_(False)
    student = (copy.deepcopy(teacher) if begun is None else begun.to(device)).requires_grad_(True)

    def encode(captions: list[str]) -> Tensor:
        states: Tensor = text_encoder(tokenize(tokenizer, captions).to(device)).last_hidden_state
        return states

    with torch.no_grad():
        nothing = encode([""])

    def batch_loss(model: UNet2DConditionModel, generator: torch.Generator) -> Tensor:
        chosen = torch.randint(pictures, (count,), generator=generator, device=device)
        shape = (side, side)
        if others and torch.rand(1, generator=generator, device=device).item() < recipe.shaped:
            shape = others[int(torch.randint(len(others), (1,), generator=generator, device=device))]
        latents = torch.randn(count, recipe.latent_channels, *shape, generator=generator, device=device)
        visited = [latents]
        with torch.no_grad():
            told = encode([say(number) for number in chosen.tolist()])
            for here, there in pairwise(knots):
                latents = noising.jump(latents, model(latents, here.expand(count), told).sample, here, there)
                visited.append(latents)
            states, times = torch.cat(visited), knots.repeat_interleave(count)
            told = told.repeat(steps, 1, 1)
            both = teacher(
                states.repeat(2, 1, 1, 1), times.repeat(2), torch.cat([told, nothing.expand_as(told)])
            ).sample
            said, unsaid = both.chunk(2)
            wanted = unsaid + scale * (said - unsaid)
        predicted: Tensor = model(states, times, told).sample
        # Each step's answer is weighed against its own size: guided answers are larger where little is known yet.
        error = (predicted - wanted).square().mean((1, 2, 3)) / wanted.square().mean((1, 2, 3))
        loss: Tensor = error.mean()
        return loss

    schedule = Schedule(minutes, recipe.student_rate, seed, workers, 0.995, weight_decay=0.0, log_every=50)
    return train(student, batch_loss, schedule, folder / "student.pt", on_checkpoint)
