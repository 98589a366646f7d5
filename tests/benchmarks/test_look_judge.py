"""The judge of looks: what it learns from, that it learns it, and that it is kept whole."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from benchmarks import default_model
from benchmarks.judged_scenes import PLAIN, SIDE, STYLES
from benchmarks.look_judge import LOOKS, Eye, LookJudge, draw, recall, split, train_look_judge
from benchmarks.scene_judge import Sources


@pytest.fixture
def sources() -> Sources:
    """Ten things in ten colours, and ten people who look like them."""
    things = []
    for number in range(10):
        picture = Image.new("RGBA", (32, 32), (0, 0, 0, 0))
        picture.paste((25 * number, 200 - 20 * number, 120, 255), (4, 4, 28, 20 + number))
        things.append(np.asarray(picture))
    traits = ({"who": "man", "hair": "red", "glasses": "", "beard": True},) * 10
    return Sources(np.stack(things), ("apple", "tree") * 5, np.stack(things), traits)


def test_what_it_is_measured_with_it_has_not_seen(sources: Sources) -> None:
    kept, held = split(sources)
    for known, strange in ((kept.of_noun, held.of_noun), ({"": kept.persons}, {"": held.persons})):
        mine, theirs = ({one for numbers in found.values() for one in numbers} for found in (known, strange))
        assert mine.isdisjoint(theirs)
        assert len(mine | theirs) == 10


def test_every_look_is_drawn_alike_often_and_the_same_again(sources: Sources) -> None:
    stage, _ = split(sources)
    drawn = [draw(stage, rng) for rng in (random.Random(seed) for seed in range(220))]
    styles = [style for _, style in drawn]
    assert {picture.shape for picture, _ in drawn} == {(SIDE, SIDE, 3)}
    assert all(styles.count(look) > 5 for look in LOOKS)
    assert np.array_equal(drawn[7][0], draw(stage, random.Random(7))[0])


def test_a_judge_learns_to_tell_looks(sources: Sources) -> None:
    """A few steps on easy pictures, far better than chance, which is one of eleven."""
    judge = train_look_judge(sources, steps=60, pictures=300)
    assert set(judge.ceiling) == set(LOOKS)
    assert np.mean(list(judge.ceiling.values())) > 0.4


def test_a_judge_survives_being_saved(tmp_path: Path) -> None:
    torch.manual_seed(0)
    judge = LookJudge(Eye().eval(), {"neon": 0.9})
    judge.save(tmp_path / "judge.safetensors")
    loaded = LookJudge.load(tmp_path / "judge.safetensors")
    inputs = torch.randn(2, 3, 128, 128)
    assert loaded.ceiling == {"neon": 0.9}
    with torch.no_grad():
        torch.testing.assert_close(loaded.eye(inputs), judge.eye(inputs), atol=2e-2, rtol=2e-2)
    (tmp_path / "judge.safetensors").write_bytes(b"nothing of the kind")
    with pytest.raises(ValueError, match=r"judge\.safetensors cannot be read"):
        LookJudge.load(tmp_path / "judge.safetensors")


def test_the_judge_that_ships_sees_every_style_of_real_pictures() -> None:
    """It is no judge of what it cannot see; and most pictures in no style it takes for that."""
    judge = LookJudge.load()
    assert set(judge.ceiling) == set(LOOKS)
    assert min(judge.ceiling[style] for style in STYLES) > 0.85
    assert judge.ceiling[PLAIN] > 0.7


class Always(LookJudge):
    """A judge that sees neon everywhere."""

    def look(self, pictures: np.ndarray) -> list[str]:
        return ["neon"] * len(pictures)


def test_the_figures_are_shares_of_what_was_asked() -> None:
    judge = Always(Eye(), {"neon": 0.9, "comic": 0.6})
    grids = np.zeros((3, 4, 8, 8, 3), np.uint8)
    assert default_model.look_figures(judge, grids, ["neon", "comic", "neon"]) == {
        "look": pytest.approx(2 / 3), "look_real": pytest.approx(0.8),
        "by_look": {"neon": 1.0, "comic": 0.0}, "by_look_real": {"neon": 0.9, "comic": 0.6},
    }  # fmt: skip
    assert recall(judge, [(grids[0, 0], "neon"), (grids[0, 1], "comic")]) == {"neon": 1.0, "comic": 0.0}
