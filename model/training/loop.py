"""The loop every trained stage shares: AdamW against the clock, a running average of the weights, checkpoints.

Training is budgeted in minutes, not steps, because nobody knows how fast the machine at hand is; the learning rate
follows the share of the time that is used up. A run that was stopped goes on where its last checkpoint was.

On a CPU one thread a process is fastest, so more cores are used by more processes that write to the same weights
without waiting for each other (Hogwild, Recht et al. 2011): steps this small seldom collide.
"""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import get_context, parent_process
from pathlib import Path
from pickle import UnpicklingError
from typing import TypeVar

import torch
from torch import Generator, Tensor, nn

from .folder import TrainingError

Model = TypeVar("Model", bound=nn.Module)


@dataclass(frozen=True)
class Schedule:
    """How long and how fast to train."""

    minutes: float
    learning_rate: float
    seed: int = 0
    workers: int = 1  # processes on the same weights; only on a CPU
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


class Learner:
    """One process's share of the training: its optimizer and its own stream of random numbers."""

    def __init__(
        self, model: Model, batch_loss: Callable[[Model, Generator], Tensor], schedule: Schedule, worker: int = 0
    ) -> None:
        self.model, self.batch_loss, self.schedule, self.worker = model, batch_loss, schedule, worker
        self.device = next(model.parameters()).device
        self.parameters: list[Tensor] = [parameter for parameter in model.parameters() if parameter.requires_grad]
        self.optimizer = torch.optim.AdamW(
            self.parameters, schedule.learning_rate, betas=(0.9, 0.99), weight_decay=schedule.weight_decay, fused=True
        )
        self.generator = Generator(self.device)
        self.start_at(0)

    def start_at(self, step: int) -> None:
        """Continue at a step: a resumed run must not see the batches of its beginning again."""
        self.step = step
        self.generator.manual_seed((self.schedule.seed * 64 + self.worker) * 1_000_003 + step)

    def learn(self, done: float) -> Tensor:
        """One step when the share `done` of the time is used up; returns the loss."""
        for group in self.optimizer.param_groups:
            group["lr"] = self.schedule.rate(self.step, done)
        with torch.autocast(self.device.type, dtype=torch.bfloat16, enabled=self.device.type == "cuda"):
            loss = self.batch_loss(self.model, self.generator)
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.parameters, 1.0)
        self.optimizer.step()
        self.step += 1
        return loss.detach()


def train(
    model: Model,
    batch_loss: Callable[[Model, Generator], Tensor],
    schedule: Schedule,
    checkpoint: Path,
    on_checkpoint: Callable[[Model], None] | None = None,
) -> Model:
    """Train `model` until its minutes are used up and return the running average of its weights.

    `batch_loss(model, generator)` draws a batch and gives the loss. Only parameters that require a gradient are
    trained. `on_checkpoint` gets the averaged model whenever a checkpoint is written. A checkpoint of a finished run
    returns at once; a longer `schedule.minutes` continues it.
    """
    average = copy.deepcopy(model).eval().requires_grad_(False)
    averaged: list[Tensor] = [
        a for a, p in zip(average.parameters(), model.parameters(), strict=True) if p.requires_grad
    ]
    learner = Learner(model.train(), batch_loss, schedule)
    used_s = _resume(checkpoint, learner, average)
    budget_s = schedule.minutes * 60

    def save() -> None:
        partial = checkpoint.with_suffix(".partial")
        state = {"model": model.state_dict(), "average": average.state_dict()}
        torch.save(
            state | {"optimizer": learner.optimizer.state_dict(), "step": learner.step, "used_s": used_s}, partial
        )
        partial.replace(checkpoint)
        if on_checkpoint is not None:
            on_checkpoint(average)

    checkpoint.parent.mkdir(parents=True, exist_ok=True)
    smooth, last, saved = None, time.monotonic(), time.monotonic()
    with _helpers(learner, enough_time=used_s < budget_s) as progress:
        while used_s < budget_s:
            progress.fill_(used_s / budget_s)
            loss = learner.learn(used_s / budget_s)
            # A young average forgets fast, so that the first steps do not linger in it.
            decay = min(schedule.ema_decay, (1 + learner.step) / (12 + learner.step))
            with torch.no_grad():
                torch._foreach_lerp_(averaged, learner.parameters, 1 - decay)
            now = time.monotonic()
            used_s, last = used_s + now - last, now
            if learner.step % schedule.log_every == 0 or used_s >= budget_s:
                value = loss.item()
                if not math.isfinite(value):
                    raise TrainingError(
                        f"The loss of {checkpoint.stem} became {value} at step {learner.step}; lower its rate."
                    )
                smooth = value if smooth is None else 0.9 * smooth + 0.1 * value
                print(
                    f"{checkpoint.stem}: {used_s / 60:6.1f} of {schedule.minutes:g} min, "
                    f"step {learner.step}, loss {smooth:.4f}",
                    flush=True,
                )
            if now - saved > schedule.checkpoint_every_s:
                save()
                saved = last = time.monotonic()
    save()
    return average


@contextmanager
def _helpers(learner: Learner, enough_time: bool) -> Iterator[Tensor]:
    """Further processes that train the same weights while the block runs.

    Yields a shared number, the share of the time used up, which the block keeps up to date for them.
    """
    progress = torch.zeros(1)
    processes = []
    if learner.schedule.workers > 1 and learner.device.type == "cpu" and enough_time:
        progress.share_memory_()
        learner.model.share_memory()
        fork = get_context("fork")  # the loss is a closure, which cannot be sent to a spawned process
        for worker in range(1, learner.schedule.workers):
            arguments = (learner.model, learner.batch_loss, learner.schedule, worker, learner.step, progress)
            processes.append(fork.Process(target=_help, args=arguments, daemon=True))
            processes[-1].start()
    try:
        yield progress
    finally:
        for process in processes:
            process.kill()  # it has nothing to tidy up, and a SIGTERM handler inherited from the parent would keep it
            process.join()


def _help(
    model: Model,
    batch_loss: Callable[[Model, Generator], Tensor],
    schedule: Schedule,
    worker: int,
    step: int,
    progress: Tensor,
) -> None:
    """The life of a helper: train until it is ended, or nobody is there who would."""
    learner, parent = Learner(model, batch_loss, schedule, worker), parent_process()
    learner.start_at(step)
    while parent is None or parent.is_alive():
        learner.learn(progress.item())


def _resume(checkpoint: Path, learner: Learner, average: nn.Module) -> float:
    """Continue from a checkpoint where there is one; return the seconds it has used."""
    if not checkpoint.exists():
        return 0.0
    try:
        state = torch.load(checkpoint, map_location="cpu", weights_only=True)
        learner.model.load_state_dict(state["model"])
        average.load_state_dict(state["average"])
        learner.optimizer.load_state_dict(state["optimizer"])
        learner.start_at(state["step"])
        return float(state["used_s"])
    except (RuntimeError, KeyError, ValueError, EOFError, OSError, UnpicklingError) as error:
        reason = str(error).splitlines()[0]
        raise TrainingError(
            f"The checkpoint {checkpoint} cannot be read ({reason}); delete it to start that stage over."
        ) from None
