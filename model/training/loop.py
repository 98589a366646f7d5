"""The loop every trained stage shares: AdamW against the clock, a running average of the weights, checkpoints.

Training is budgeted in minutes, not steps, because nobody knows how fast the machine at hand is; the learning rate
follows the share of the time that is used up. A run that was stopped goes on where its last checkpoint was.
"""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from pickle import UnpicklingError
from typing import TypeVar

import torch
from torch import Tensor, nn

from .folder import TrainingError

Model = TypeVar("Model", bound=nn.Module)


@dataclass(frozen=True)
class Schedule:
    """How long and how fast to train."""

    minutes: float
    learning_rate: float
    ema_decay: float = 0.998
    weight_decay: float = 0.01
    warmup_steps: int = 100
    final_share: float = 0.02  # of the learning rate, at the end of the cosine
    checkpoint_every_s: float = 300.0
    log_every: int = 200  # steps

    def rate(self, step: int, done: float) -> float:
        """The learning rate at a step when the share `done` (0..1) of the time is used up."""
        cosine = 0.5 * (1 + math.cos(math.pi * min(done, 1.0)))
        return self.learning_rate * min(1.0, (step + 1) / self.warmup_steps) * (
            self.final_share + (1 - self.final_share) * cosine
        )  # fmt: skip


def train(
    model: Model,
    batch_loss: Callable[[Model], Tensor],
    schedule: Schedule,
    checkpoint: Path,
    on_checkpoint: Callable[[Model], None] | None = None,
) -> Model:
    """Train `model` until its minutes are used up and return the running average of its weights.

    `batch_loss(model)` draws a batch and gives the loss. Only parameters that require a gradient are trained.
    `on_checkpoint` gets the averaged model whenever a checkpoint is written. A checkpoint of a finished run returns at
    once; a longer `schedule.minutes` continues it.
    """
    device = next(model.parameters()).device
    average = copy.deepcopy(model).eval().requires_grad_(False)
    trained: list[Tensor] = [parameter for parameter in model.parameters() if parameter.requires_grad]
    optimizer = torch.optim.AdamW(
        trained, schedule.learning_rate, betas=(0.9, 0.99), weight_decay=schedule.weight_decay, fused=True
    )
    step, used_s = _resume(checkpoint, model, average, optimizer)
    budget_s = schedule.minutes * 60
    averaged: list[Tensor] = [
        a for a, p in zip(average.parameters(), model.parameters(), strict=True) if p.requires_grad
    ]

    def save() -> None:
        partial = checkpoint.with_suffix(".partial")
        state = {"model": model.state_dict(), "average": average.state_dict(), "optimizer": optimizer.state_dict()}
        torch.save(state | {"step": step, "used_s": used_s}, partial)
        partial.replace(checkpoint)
        if on_checkpoint is not None:
            on_checkpoint(average)

    checkpoint.parent.mkdir(parents=True, exist_ok=True)
    model.train()
    smooth, last, saved = None, time.monotonic(), time.monotonic()
    while used_s < budget_s:
        for group in optimizer.param_groups:
            group["lr"] = schedule.rate(step, used_s / budget_s)
        with torch.autocast(device.type, dtype=torch.bfloat16, enabled=device.type == "cuda"):
            loss = batch_loss(model)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(trained, 1.0)
        optimizer.step()
        step += 1
        # A young average forgets fast, so that the first steps do not linger in it.
        decay = min(schedule.ema_decay, (1 + step) / (12 + step))
        with torch.no_grad():
            torch._foreach_lerp_(averaged, trained, 1 - decay)
        now = time.monotonic()
        used_s, last = used_s + now - last, now
        if step % schedule.log_every == 0 or used_s >= budget_s:
            value = loss.item()
            if not math.isfinite(value):
                raise TrainingError(f"The loss of {checkpoint.stem} became {value} at step {step}; lower its rate.")
            smooth = value if smooth is None else 0.9 * smooth + 0.1 * value
            print(
                f"{checkpoint.stem}: {used_s / 60:6.1f} of {schedule.minutes:g} min, step {step}, loss {smooth:.4f}",
                flush=True,
            )
        if now - saved > schedule.checkpoint_every_s:
            save()
            saved = last = time.monotonic()
    save()
    return average


def _resume(
    checkpoint: Path, model: nn.Module, average: nn.Module, optimizer: torch.optim.Optimizer
) -> tuple[int, float]:
    """Load a checkpoint into all three where there is one; return its step and the seconds it has used."""
    if not checkpoint.exists():
        return 0, 0.0
    try:
        state = torch.load(checkpoint, map_location="cpu", weights_only=True)
        model.load_state_dict(state["model"])
        average.load_state_dict(state["average"])
        optimizer.load_state_dict(state["optimizer"])
        return state["step"], state["used_s"]
    except (RuntimeError, KeyError, ValueError, EOFError, OSError, UnpicklingError) as error:
        reason = str(error).splitlines()[0]
        raise TrainingError(
            f"The checkpoint {checkpoint} cannot be read ({reason}); delete it to start that stage over."
        ) from None
