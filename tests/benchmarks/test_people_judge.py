"""The judge of people: what it learns from, what it answers, and that it sees people it has never met."""

from __future__ import annotations

import random

import numpy as np
from PIL import Image

from benchmarks import default_model
from benchmarks.judged_scenes import PLAIN, SIDE
from benchmarks.people_judge import CHOICES, JUDGE_FILE, SETS, answers_of, draw, seen_whole, train_people_judge
from benchmarks.scene_judge import Drawn, Eye, SceneJudge
from model.training.people import SETS as TAUGHT

BEARDED = {"who": "man", "hair": "black", "glasses": "", "beard": True}
DRESSED = {"who": "woman", "hair": "blond", "glasses": "sunglasses", "beard": False}


def person(colour: tuple[int, int, int]) -> np.ndarray:
    picture = Image.new("RGBA", (40, 40), (0, 0, 0, 0))
    picture.paste((*colour, 255), (8, 8, 32, 40))
    return np.asarray(picture)


def two(count: int, seed: int) -> list[Drawn]:
    """Pictures of two people who cannot be mistaken, by turns."""
    rng = random.Random(seed)
    both = ((person((20, 20, 30)), BEARDED), (person((240, 220, 90)), DRESSED))
    return [draw(*both[number % 2], rng) for number in range(count)]


def test_the_judge_and_training_share_no_people() -> None:
    assert set(SETS).isdisjoint(name for name, *_ in TAUGHT)


def test_what_cannot_be_said_is_not_asked() -> None:
    assert answers_of(BEARDED) == {"who": "man", "hair": "black", "glasses": PLAIN, "beard": "beard"}
    assert answers_of({"hair": "green", "glasses": "cat ears", "beard": False}) == {"beard": PLAIN}


def test_a_person_is_drawn_the_same_again() -> None:
    picture, answers = draw(person((90, 60, 40)), DRESSED, random.Random(3))
    assert picture.shape == (SIDE, SIDE, 3)
    assert np.array_equal(picture, draw(person((90, 60, 40)), DRESSED, random.Random(3))[0])
    assert answers["glasses"] == "sunglasses"


def test_a_judge_learns_to_tell_two_people() -> None:
    """A few steps on easy pictures, far better than chance, which is one of sixteen and less."""
    judge = train_people_judge(two(240, 1), two(60, 2), steps=60)
    assert set(judge.ceiling) == {*CHOICES, "people", "traits"}
    assert judge.ceiling["people"] > 0.5


class Always(SceneJudge):
    """A judge that sees the same person everywhere."""

    def look(self, pictures: np.ndarray) -> list[dict[str, str]]:
        return [{"who": "man", "hair": "black", "glasses": "glasses", "beard": "beard"}] * len(pictures)


def test_what_was_not_asked_for_may_be_worn() -> None:
    judge = Always(Eye(15), CHOICES, {"people": 0.8, "traits": 0.9})
    picture = np.zeros((8, 8, 3), np.uint8)
    asked = [{"who": "man", "beard": PLAIN}, {"who": "man", "glasses": "sunglasses"}, {"who": "woman", "hair": "black"}]
    assert seen_whole(judge, [(picture, answers) for answers in asked[:2]]) == {"people": 0.5, "traits": 0.5}
    assert seen_whole(judge, [(picture, asked[2])]) == {"people": 0.0, "traits": 1.0}
    grids = np.zeros((3, 4, 8, 8, 3), np.uint8)
    wanted = [{"who": "man", "beard": "beard", "place": "city"}, {"who": "woman"}, {"noun": "apple"}]
    assert default_model.people_figures(judge, grids, wanted) == {
        "people": 0.5, "people_real": 0.8, "traits": 1.0, "traits_real": 0.9,
    }  # fmt: skip
    assert default_model.people_figures(judge, grids[2:], wanted[2:]) == {}


def test_the_judge_that_ships_sees_most_of_strange_people() -> None:
    judge = SceneJudge.load(JUDGE_FILE)
    assert judge.choices == CHOICES
    assert min(judge.ceiling[question] for question in ("hair", "glasses", "beard")) > 0.65
    assert judge.ceiling["traits"] > 0.5
