"""The training loop: against the clock, resumable, with a running average of the weights."""

from __future__ import annotations

import os
from multiprocessing import get_context
from pathlib import Path

import pytest
import torch
from torch import nn

from model.training.folder import TrainingError
from model.training.loop import Schedule, train


def distance_to_one(model: nn.Linear, generator: torch.Generator | None = None) -> torch.Tensor:
    return (model.weight - 1).square().mean()


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """A clock that moves a second whenever it is read, so that budgets are counted in steps."""
    ticks = iter(range(10**6))
    monkeypatch.setattr("model.training.loop.time.monotonic", lambda: float(next(ticks)))


def linear() -> nn.Linear:
    torch.manual_seed(0)
    return nn.Linear(3, 3)


def test_training_ends_when_its_minutes_are_used_up_and_has_learned(tmp_path: Path, clock: None) -> None:
    model = linear()
    before = distance_to_one(model).item()
    average = train(model, distance_to_one, Schedule(minutes=2, learning_rate=0.05, warmup_steps=5), tmp_path / "a.pt")

    assert torch.load(tmp_path / "a.pt", weights_only=True)["used_s"] >= 120
    assert distance_to_one(average).item() < before


def test_a_finished_run_is_not_trained_again_and_a_longer_one_goes_on(tmp_path: Path, clock: None) -> None:
    path, losses = tmp_path / "a.pt", []

    def counted(model: nn.Linear, generator: torch.Generator) -> torch.Tensor:
        losses.append(1)
        return distance_to_one(model)

    first = train(linear(), counted, Schedule(1, 0.05), path)
    steps = len(losses)
    again = train(linear(), counted, Schedule(1, 0.05), path)

    assert len(losses) == steps > 0
    torch.testing.assert_close(again.weight, first.weight)

    train(linear(), counted, Schedule(2, 0.05), path)
    assert torch.load(path, weights_only=True)["step"] == len(losses) > steps


def test_frozen_parameters_stay(tmp_path: Path, clock: None) -> None:
    model = linear()
    model.bias.requires_grad_(False)
    bias = model.bias.clone()
    average = train(model, distance_to_one, Schedule(1, 0.05), tmp_path / "a.pt")

    assert torch.equal(average.bias, bias)
    assert torch.equal(model.bias, bias)


def test_checkpoints_hand_out_the_average_on_the_way(tmp_path: Path, clock: None) -> None:
    seen = []
    schedule = Schedule(2, 0.05, checkpoint_every_s=30)
    train(linear(), distance_to_one, schedule, tmp_path / "a.pt", lambda average: seen.append(average.weight.clone()))

    assert len(seen) > 2
    assert not torch.equal(seen[0], seen[-1])


def test_a_damaged_checkpoint_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.pt").write_bytes(b"not a checkpoint")

    with pytest.raises(TrainingError, match=r"a\.pt cannot be read .*delete it"):
        train(linear(), distance_to_one, Schedule(1, 0.05), tmp_path / "a.pt")


def test_a_loss_that_is_no_number_stops_the_run(tmp_path: Path, clock: None) -> None:
    with pytest.raises(TrainingError, match="became nan"):
        train(
            linear(),
            lambda model, _: model.weight.sum() * float("nan"),
            Schedule(1, 0.05, log_every=1),
            tmp_path / "a.pt",
        )


def test_the_learning_rate_warms_up_and_falls_to_its_final_share() -> None:
    schedule = Schedule(minutes=1, learning_rate=1.0, warmup_steps=10, final_share=0.1)

    assert schedule.rate(0, 0.0) == pytest.approx(0.1)
    assert schedule.rate(50, 0.0) == pytest.approx(1.0)
    assert schedule.rate(50, 0.5) == pytest.approx(0.55)
    assert schedule.rate(50, 1.0) == pytest.approx(0.1)


def test_a_resumed_run_draws_other_batches_than_its_beginning(tmp_path: Path, clock: None) -> None:
    drawn: list[float] = []

    def remember(model: nn.Linear, generator: torch.Generator) -> torch.Tensor:
        drawn.append(torch.rand(1, generator=generator).item())
        return distance_to_one(model)

    train(linear(), remember, Schedule(0.5, 0.05), tmp_path / "a.pt")
    train(linear(), remember, Schedule(1, 0.05), tmp_path / "a.pt")
    first = list(drawn)
    assert len(set(first)) == len(first)

    drawn.clear()
    train(linear(), remember, Schedule(0.5, 0.05), tmp_path / "b.pt")
    assert drawn == first[: len(drawn)]


def test_helpers_train_the_same_weights_with_batches_of_their_own(tmp_path: Path, clock: None) -> None:
    """The leader's own loss has no gradient here, so whatever the weights learn, the helper taught them."""
    leader, taught = os.getpid(), get_context("fork").Event()

    def only_the_helper_learns(model: nn.Linear, generator: torch.Generator) -> torch.Tensor:
        if os.getpid() == leader:
            assert taught.wait(60)
            return model.weight.sum() * 0
        if not torch.equal(model.weight, before):
            taught.set()
        return distance_to_one(model)

    model = linear()
    before = model.weight.detach().clone()
    schedule = Schedule(0.1, learning_rate=0.05, workers=2, weight_decay=0.0, warmup_steps=1)
    train(model, only_the_helper_learns, schedule, tmp_path / "a.pt")

    assert not torch.equal(model.weight, before)


def test_a_helper_ends_when_its_leader_is_killed(tmp_path: Path) -> None:
    told, tell = os.pipe()

    def sign(model: nn.Linear, generator: torch.Generator) -> torch.Tensor:
        os.write(tell, b"%d\n" % os.getpid())
        return distance_to_one(model)

    schedule = Schedule(60, learning_rate=0.05, workers=2)
    leader = get_context("fork").Process(target=train, args=(linear(), sign, schedule, tmp_path / "a.pt"))
    leader.start()
    os.close(tell)
    with open(told, "rb") as signed:
        learners: set[bytes] = set()
        while len(learners) < 2:
            learners.add(signed.readline())
        leader.kill()
        for _ in signed:
            continue  # ends with the last who could sign
    leader.join()
