"""What the denoiser's loss heeds, what an elder's answers change, and where its student starts."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import Mock

import pytest
import torch

from model.training import denoiser, student
from model.training.compose import Scene
from model.training.denoiser import Elder, channel_importance
from model.training.recipe import Recipe
from model.training.shapes import Reshaped
from model.training.stages import known_share
from model.training.student import follow


def test_channels_count_by_how_much_they_vary() -> None:
    """With a mean of 1, so that learning rates keep their meaning."""
    latents = torch.randn(64, 3, 8, 8, generator=torch.Generator().manual_seed(0)) * torch.tensor([2.0, 1, 1]).view(
        3, 1, 1
    )
    importance = channel_importance(latents)

    assert importance.mean() == torch.tensor(1.0)
    torch.testing.assert_close(importance, torch.tensor([1.5, 0.75, 0.75]), atol=0.02, rtol=0)


def test_an_elder_answers_for_the_thing_in_a_place_and_for_nothing_around_it(monkeypatch: Any) -> None:
    """Without its caption it gives the answer that guidance starts from."""
    covered = tuple(100 if row in (3, 4, 5) else 0 for row in range(8) for _ in range(8))
    scene = Scene("a fox in a forest", (0,), (None,), None, None, "forest", "day", "clear", covered=covered)
    plain = Scene("a fox", (0,), (None,), None, None)
    shares = torch.stack([known_share(one, 4) for one in (scene, plain)])
    read: list[str] = []

    def tokenize(_: object, captions: list[str]) -> torch.Tensor:
        read.extend(captions)
        return torch.zeros(len(captions))

    monkeypatch.setattr(denoiser, "tokenize", tokenize)
    unet: Any = Mock(side_effect=lambda noisy, *_: SimpleNamespace(sample=torch.ones_like(noisy)))
    elder = Elder(unet, Mock(), Mock(), ("a fox on a green background", "a fox"), shares)

    wanted, corners = torch.zeros(2, 1, 4, 4), torch.zeros(2, 2, dtype=torch.long)
    elder.correct(wanted, torch.zeros(2, 1, 4, 4), torch.zeros(2), [0, 1], [False, True], corners)

    assert wanted[0, 0].mean(1).tolist() == [0, 0, 1, 0]  # a latent at its edge shows what is around it too
    assert bool((wanted[1] == 1).all())
    assert read == ["a fox on a green background", ""]

    wide, corners = torch.zeros(2, 1, 4, 6), torch.tensor([[-1, -1], [0, 1]])
    elder.correct(wide, torch.zeros(2, 1, 4, 6), torch.zeros(2), [0, 1], [False, False], corners)
    assert bool((wide[0] == 0).all())  # holds no picture that it knows
    assert wide[1, 0].mean(0).tolist() == [0, 1, 1, 1, 1, 0]


def test_an_elder_is_told_where_a_square_lies_in_a_picture(
    tiny: Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of each batch all pictures have one shape, and those that are not square show what fits."""
    seen: list[tuple[int, ...]] = []
    elder = Mock()

    def learn(reading: Any, batch_loss: Any, *_: Any) -> None:
        def predict(noisy: torch.Tensor, *_: Any) -> torch.Tensor:
            seen.append(tuple(noisy.shape[2:]))
            return noisy

        for seed in range(12):
            batch_loss(predict, torch.Generator().manual_seed(seed))

    monkeypatch.setattr(denoiser, "train", learn)
    monkeypatch.setattr(denoiser, "Reading", Mock())
    monkeypatch.setattr(denoiser, "tokenize", lambda _, captions: torch.zeros(len(captions)))
    latents, wide = torch.zeros(8, 4, 4, 4), Reshaped(torch.zeros(8, 4, 4, 6), torch.ones(8, 2, dtype=torch.long))
    denoiser.train_denoiser(
        Mock(), latents, str, Mock(), Mock(), tiny, 1.0, tmp_path, elder=elder, shaped=(wide,), fitting=[5]
    )

    assert set(seen) == {(4, 4), (4, 6)}
    for shape, call in zip(seen, elder.correct.call_args_list, strict=True):
        numbers, corners = call.args[3], call.args[5]
        assert bool((corners == (1 if shape == (4, 6) else 0)).all())
        assert shape == (4, 4) or set(numbers) == {5}


def test_a_student_learns_in_every_shape(tiny: Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is asked for wide and tall pictures too."""
    seen: set[tuple[int, ...]] = set()

    class Network(torch.nn.Linear):
        def forward(self, latents: torch.Tensor, *_: Any) -> Any:
            seen.add(tuple(latents.shape[2:]))
            return SimpleNamespace(sample=latents * self.weight)

    def learn(model: Any, batch_loss: Any, *_: Any) -> Any:
        for seed in range(12):
            assert batch_loss(model, torch.Generator().manual_seed(seed)).isfinite()
        return model

    monkeypatch.setattr(student, "train", learn)
    monkeypatch.setattr(student, "tokenize", lambda _, captions: torch.zeros(len(captions)))
    reader = Mock(side_effect=lambda tokens: SimpleNamespace(last_hidden_state=torch.zeros(len(tokens), 3, 8)))
    reader.to.return_value.eval.return_value.requires_grad_ = Mock()
    device = torch.device("cpu")
    student.train_student(Network(1, 1), 8, str, Mock(), reader, tiny, 1.0, tmp_path, device)

    (width, height), side = tiny.shapes[0], tiny.latent_size
    assert seen == {(side, side), (height * side // tiny.size, width * side // tiny.size)}


def test_a_students_first_step_is_not_guided(tiny: Recipe) -> None:
    recipe = replace(tiny, student_steps=4, guidance_scale=3.0, guided_from=0.1)
    assert student.guidance_of_steps(recipe).tolist() == [1.0, 3.0, 3.0, 3.0]


def test_a_student_starts_from_what_its_teacher_has_learned_since() -> None:
    quick, before, after = (torch.nn.Linear(1, 1) for _ in range(3))
    for layer, weight in ((quick, 1.0), (before, 2.0), (after, 2.5)):
        torch.nn.init.constant_(layer.weight, weight)
        torch.nn.init.zeros_(layer.bias)

    follow(quick, before, after)

    assert quick.weight.item() == 1.5
    assert quick.weight.requires_grad
