"""The judge of scenes: what it learns from, what it answers, and that it is kept whole."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from benchmarks import default_model
from benchmarks.judged_scenes import PLACES, PLAIN, SIDE, STYLES, TIMES, UNTIMED, apply_style, draw_place
from benchmarks.scene_judge import Eye, SceneJudge, Sources, Stage, measure_judge, train_scene_judge
from model.training import places, styles

CHOICES = {"noun": ("apple", "tree"), "place": (PLAIN, *PLACES), "style": (PLAIN, *STYLES)}


def icon(colour: tuple[int, int, int], box: tuple[int, int, int, int]) -> np.ndarray:
    picture = Image.new("RGBA", (32, 32), (0, 0, 0, 0))
    picture.paste((*colour, 255), box)
    return np.asarray(picture)


@pytest.fixture
def sources() -> Sources:
    """Two things, red and wide or green and tall, four pictures of each, and two people."""
    things = [icon((220, 30, 30), (2, 12, 30, 22))] * 4 + [icon((30, 160, 50), (12, 2, 20, 30))] * 4
    traits = ({"who": "man", "hair": "red", "glasses": "", "beard": True},
              {"who": "woman", "hair": "black", "glasses": "glasses", "beard": False})  # fmt: skip
    return Sources(np.stack(things), ("apple",) * 4 + ("tree",) * 4, np.stack(things[:2]), traits)


def test_judge_and_training_have_the_same_places_and_styles() -> None:
    assert set(PLACES) == set(places.PLACES)
    assert set(STYLES) == set(styles.STYLES)
    assert TIMES == places.TIMES


@pytest.mark.parametrize("name", PLACES)
def test_a_place_of_the_judge_is_another_drawing_than_trainings(name: str) -> None:
    drawn = draw_place(name, "day", np.random.default_rng(1))

    assert drawn.shape == (SIDE, SIDE, 3)
    assert np.array_equal(drawn, draw_place(name, "day", np.random.default_rng(1)))
    if name not in UNTIMED:
        assert draw_place(name, "night", np.random.default_rng(1)).mean() < drawn.mean()


def test_an_unknown_place_is_refused() -> None:
    with pytest.raises(ValueError, match="no place moon"):
        draw_place("moon", "day", np.random.default_rng(0))


@pytest.mark.parametrize("name", STYLES)
def test_a_style_changes_the_picture_and_repeats_with_its_seed(name: str) -> None:
    picture = Image.fromarray(draw_place("lake", "day", np.random.default_rng(1)).astype(np.uint8))
    first, again = (np.asarray(apply_style(picture, name, random.Random(2))) for _ in range(2))

    assert first.shape == (SIDE, SIDE, 3)
    assert np.array_equal(first, again)
    assert np.abs(first.astype(int) - np.asarray(picture)).mean() > 2


def test_a_picture_answers_only_what_applies(sources: Sources) -> None:
    stage, rng = Stage(sources, list(range(8)), [0, 1]), random.Random(0)
    for _ in range(60):
        picture, answers = stage.draw(rng)
        assert picture.shape == (SIDE, SIDE, 3)
        assert ("time" in answers) == (answers["place"] not in (PLAIN, *UNTIMED))
        assert not ({"noun", "who"} <= set(answers))
        assert ("who" in answers) == ("hair" in answers)


def test_a_judge_learns_to_tell_two_things(sources: Sources) -> None:
    """A few steps on easy pictures, far better than chance."""
    judge = train_scene_judge(sources, steps=60, pictures=300)

    assert judge.ceiling["noun"] > 0.65
    assert set(judge.ceiling) >= {"noun", "place", "style"}


def test_a_judge_survives_being_saved(tmp_path: Path) -> None:
    torch.manual_seed(0)
    judge = SceneJudge(Eye(2 + 13 + 11).eval(), CHOICES, {"noun": 0.9})
    judge.save(tmp_path / "judge.safetensors")
    loaded = SceneJudge.load(tmp_path / "judge.safetensors")
    pictures = np.random.default_rng(0).integers(0, 255, (6, 64, 64, 3), dtype=np.uint8)

    assert (loaded.choices, loaded.ceiling) == (CHOICES, {"noun": 0.9})
    assert loaded.look(pictures)[0].keys() == CHOICES.keys()
    with torch.no_grad():
        inputs = torch.randn(2, 3, 64, 64)
        torch.testing.assert_close(loaded.eye(inputs), judge.eye(inputs), atol=2e-2, rtol=2e-2)


def test_a_damaged_judge_is_named(tmp_path: Path) -> None:
    (tmp_path / "judge.safetensors").write_bytes(b"nothing of the kind")
    with pytest.raises(ValueError, match=r"judge\.safetensors cannot be read"):
        SceneJudge.load(tmp_path / "judge.safetensors")


class Always(SceneJudge):
    """A judge that sees the same in every picture."""

    def look(self, pictures: np.ndarray) -> list[dict[str, str]]:
        return [
            {"noun": "apple", "place": "forest", "time": "day", "style": PLAIN, "who": "man", "beard": "beard"}
        ] * len(pictures)


def test_the_figures_are_shares_of_what_was_asked() -> None:
    judge = Always(Eye(1), {"noun": ("apple", "tree")}, {"noun": 0.9, "place": 0.8, "time": 0.7, "style": 0.6})
    grids = np.zeros((4, 4, 8, 8, 3), np.uint8)
    wanted = [
        {"noun": "apple", "place": "forest"},
        {"noun": "tree"},
        {"who": "man", "beard": "beard"},
        {"who": "woman"},
    ]
    figures = default_model.scene_figures(judge, grids, wanted)

    assert figures == {"scene_noun": 0.5, "scene_noun_real": 0.9, "place": 1.0, "place_real": 0.8}
    assert measure_judge(judge, [(grids[0, 0], {"noun": "tree"}), (grids[0, 1], {"noun": "apple"})]) == {"noun": 0.5}
