"""The judge of the default model: its measures on pictures whose answer is known, and the command's words."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image, ImageDraw

from benchmarks import default_model
from benchmarks.judge import Eye, Judge, as_input, colour_of, disturbed, sees_both, windows
from model.training.export import SIZE_LIMIT

NOUNS = ("apple", "star", "tree")


def disc(colour: tuple[int, int, int], background: tuple[int, int, int] = (255, 255, 255)) -> np.ndarray:
    picture = Image.new("RGB", (64, 64), background)
    ImageDraw.Draw(picture).ellipse((10, 10, 54, 54), fill=colour)
    return np.asarray(picture)


RED, YELLOW, GREEN = disc((220, 30, 30)), disc((250, 210, 40)), disc((40, 160, 60))


def look_by_colour(pictures: np.ndarray) -> tuple[torch.Tensor, torch.Tensor]:
    """Scores and features of pictures (N, H, W, 3) by colour alone: apples are red, stars yellow, trees green."""
    names = {"red": 0, "yellow": 1, "green": 2}
    seen = torch.tensor([names.get(colour_of(picture) or "", 0) for picture in pictures])
    scores = torch.nn.functional.one_hot(seen, 5).float()
    return scores, torch.nn.functional.normalize(as_input(pictures).flatten(1), dim=-1)


class ByColour(Judge):
    """A judge that tells nouns by colour alone."""

    def look(self, pictures: np.ndarray) -> tuple[torch.Tensor, torch.Tensor]:
        return look_by_colour(pictures)


@pytest.fixture
def judge() -> Judge:
    _, references = look_by_colour(np.stack([RED, disc((220, 30, 30), (0, 0, 255)), YELLOW]))
    sets = ("twemoji", "noto", "noto")
    return ByColour(Eye(5), (*NOUNS, "x", "y"), references, (0, 0, 1), sets, {"top1": 0.8})


@pytest.mark.parametrize(
    ("colour", "name"),
    [((220, 30, 30), "red"), ((250, 210, 40), "yellow"), ((40, 160, 60), "green"), ((40, 90, 220), "blue"),
     ((140, 60, 200), "purple"), ((250, 120, 180), "pink"), ((250, 140, 20), "orange"), ((30, 160, 160), "teal")],
)  # fmt: skip
def test_the_colour_of_an_object_is_named_on_any_background(colour: tuple[int, int, int], name: str) -> None:
    assert colour_of(disc(colour)) == name
    assert colour_of(disc(colour, background=(200, 200, 200))) == name


def test_an_empty_or_grey_picture_has_no_colour() -> None:
    assert colour_of(np.full((64, 64, 3), 255, np.uint8)) is None
    assert colour_of(disc((120, 120, 120))) is None


def test_hits_count_first_answers_and_first_five(judge: Judge) -> None:
    grids = np.stack([[RED, RED, RED, GREEN], [YELLOW] * 4])
    first, five = default_model.noun_hits(judge, grids, ["apple", "star"])

    assert first.tolist() == [[True, True, True, False], [True] * 4]
    assert five.all()


def test_two_objects_need_one_in_each_half(judge: Judge) -> None:
    both = np.concatenate([RED[:, ::2], YELLOW[:, ::2]], axis=1)
    same = np.concatenate([RED[:, ::2], RED[:, ::2]], axis=1)

    assert sees_both(judge, both, ("apple", "star"))
    assert sees_both(judge, both, ("star", "apple"))
    assert not sees_both(judge, same, ("apple", "star"))
    assert not sees_both(judge, both, ("apple", "tree"))


def test_windows_are_half_size_and_cover_both_sides() -> None:
    cut = windows(np.arange(64 * 64 * 3, dtype=np.int64).reshape(64, 64, 3))

    assert cut.shape == (6, 33, 33, 3)
    assert (cut[0][0, 0] == [0, 1, 2]).all()
    assert cut[5][-1, -1, -1] == 64 * 64 * 3 - 1


def test_style_words_stand_for_the_sets_that_have_them(judge: Judge) -> None:
    grids = np.stack([[RED] * 4, [disc((220, 30, 30), (0, 0, 255))] * 4])

    hits = default_model.style_hits(judge, grids, ["flat style", "flat style"], ["apple", "apple"])
    assert hits.all(1).tolist() == [True, False]
    assert default_model.style_hits(judge, grids[1:], ["emoji style"], ["apple"]).all()


def test_four_equal_pictures_have_no_diversity_and_copies_no_distance(judge: Judge) -> None:
    same, mixed = np.stack([[RED] * 4]), np.stack([[RED, YELLOW, GREEN, RED]])

    assert default_model.diversity(judge, same, ["apple"]) == pytest.approx(0, abs=1e-5)
    assert default_model.diversity(judge, mixed, ["apple"]) > 0.01
    assert default_model.nearest_training(judge, same)[0] == pytest.approx(0, abs=1e-5)
    assert default_model.nearest_training(judge, same)[1] > 0.01


def test_the_shipped_prompts_ask_for_enough() -> None:
    judge = Judge.load()
    prompts = default_model.read_prompts(default_model.PROMPTS_FILE, judge.nouns)

    assert len(set(prompts.nouns)) >= 100
    assert len(set(prompts.colors)) >= 40
    assert len(prompts.pairs) >= 20
    assert prompts.styles
    assert prompts.unseen
    assert 0.5 < judge.ceiling["top1"] <= 1


def test_the_shipped_judge_knows_its_references() -> None:
    judge = Judge.load()
    scores, features = judge.look(np.stack([RED, GREEN]))

    assert scores.shape == (2, len(judge.nouns))
    assert features.norm(dim=1) == pytest.approx(1.0, abs=1e-4)
    assert len(judge.references) == len(judge.reference_nouns) > 500


def test_a_judge_survives_being_saved(tmp_path: Path) -> None:
    torch.manual_seed(0)
    judge = Judge(Eye(3).eval(), NOUNS, torch.randn(4, 128), (0, 1, 2, 0), ("a", "b", "a", "a"), {"top1": 0.9})
    judge.save(tmp_path / "judge.safetensors")
    loaded = Judge.load(tmp_path / "judge.safetensors")

    assert (loaded.nouns, loaded.ceiling) == (NOUNS, {"top1": 0.9})
    assert loaded.reference_sets == ("a", "b", "a", "a")
    for mine, theirs in zip(judge.look(RED[None]), loaded.look(RED[None]), strict=True):
        torch.testing.assert_close(mine, theirs, atol=2e-2, rtol=2e-2)


def test_a_damaged_judge_is_named(tmp_path: Path) -> None:
    (tmp_path / "judge.safetensors").write_bytes(b"nothing of the kind")

    with pytest.raises(ValueError, match=r"judge\.safetensors cannot be read"):
        Judge.load(tmp_path / "judge.safetensors")


def test_training_pictures_of_the_judge_are_never_the_same_twice() -> None:
    import random

    icon = np.zeros((32, 32, 4), np.uint8)
    icon[8:24, 8:24] = (200, 30, 30, 255)
    rng = random.Random(0)
    first, second = disturbed(icon, rng), disturbed(icon, rng)

    assert first.shape == (64, 64, 3)
    assert not np.array_equal(first, second)
    assert np.array_equal(disturbed(icon, random.Random(0)), first)


def test_word_lists_may_be_plain_text(tmp_path: Path) -> None:
    path = tmp_path / "words.txt"
    path.write_text("apple\n\na cat in a hat\ntree\n")

    prompts = default_model.read_prompts(path, NOUNS)
    assert prompts == default_model.Prompts(nouns=("apple", "tree"), free=("a cat in a hat",))


@pytest.mark.parametrize(
    ("text", "complaint"),
    [('{"nouns": ["unobtainium"]}', "not know unobtainium"), ('{"nouns": 3}', "neither a list"),
     ("{", "neither a list"), ('{"verbs": ["run"]}', "neither a list")],
)  # fmt: skip
def test_word_lists_that_cannot_be_judged_are_refused(tmp_path: Path, text: str, complaint: str) -> None:
    path = tmp_path / "words"
    path.write_text(text)

    with pytest.raises(ValueError, match=complaint):
        default_model.read_prompts(path, NOUNS)


def test_a_missing_model_is_one_sentence_and_a_status(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert default_model.main(["--model", str(tmp_path / "nothing")]) == 1
    assert "holds no model" in capsys.readouterr().err


def test_one_line_of_json_comes_last_and_the_sheet_is_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = tmp_path / "words.json"
    words.write_text(json.dumps({"nouns": ["apple"], "colors": [["blue", "car"]], "pairs": [["dog", "heart"]],
                                 "styles": [["flat style", "apple"]], "unseen": [["kitty", "cat"]]}))  # fmt: skip
    sheet = tmp_path / "sheets" / "sheet.png"
    status = default_model.main(["--json", "--prompts", str(words), "--sheet", str(sheet), "--steps", "2"])

    figures = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert status == 0
    with Image.open(sheet) as drawn:
        assert drawn.width > 256
    assert {"top1", "top5", "top1_real", "color", "two_objects", "style", "diversity", "seconds_per_grid", "bytes",
            "unseen", "nearest_training", "passed"} <= set(figures)  # fmt: skip
    assert all(0 <= figures[name] <= 1 for name in ("top1", "top5", "top1_real", "color", "two_objects", "style"))
    assert figures["bytes"] < SIZE_LIMIT
