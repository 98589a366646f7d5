"""Pictures in words: what a caption is made of, and the ratio that stands behind it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
import torch

from contract.ids import MAX_SEED
from contract.kinds.describe import OPENINGS, seed_after
from contract.layout import ratio_of
from contract.prompt import parse
from model import tiny
from model.describing import Caption, Describer, vocabulary, with_article
from model.errors import ModelError
from model.likelihood import Likelihood
from model.request import Pixels
from model.towers import Reader
from tests.worker.conftest import picture
from worker.colours import ground_colour

PEOPLE = ("woman", "man")


class Knowing(Reader):
    """Towers that see just these words in every picture: a text is the nearer the more of them it has."""

    def __init__(self, *words: str) -> None:
        self._known = words
        self.scale = 20.0

    def texts(self, texts: Sequence[str]) -> torch.Tensor:
        right = torch.tensor([sum(word in text for word in self._known) for text in texts])
        wrong = torch.tensor([len(text.split()) for text in texts])
        return torch.stack([right - 0.01 * wrong, torch.ones(len(texts))], dim=1)

    def picture(self, picture: Pixels) -> torch.Tensor:
        return torch.tensor([1.0, 0.0])


def test_what_the_towers_see_is_said() -> None:
    """Thing, colour, ground, time and look; nothing that they do not see."""
    seen = Knowing("fox", "blue fox", "on a yellow background", "at night", "pixel art")
    first, *_ = Describer(seen.fits).captions(picture(100))
    assert first == Caption("fox", "blue", "on a yellow background", "at night", "pixel art")
    plain, *_ = Describer(Knowing("fox").fits).captions(picture(100))
    assert plain == Caption("fox")


def test_a_word_that_fits_by_chance_is_not_said() -> None:
    """The best of many words fits a little better than none in any picture."""
    hint = Knowing("fox", "pixel art")
    hint.scale = 2.0
    assert Describer(hint.fits).captions(picture(100))[0] == Caption("fox")


def test_the_first_description_is_plain_whatever_the_seed() -> None:
    """Models draw `a fox` better than `an illustration of a fox`; the others may say it at more length."""
    describer = Describer(Knowing("fox").fits)
    described = [describer(picture(100), seed) for seed in range(4)]
    assert {texts[0] for texts in described} == {"a fox"}
    assert all(" of " in text for texts in described for text in texts[1:])


@pytest.mark.parametrize("drawn", [0, 7, MAX_SEED - 1, MAX_SEED])
@pytest.mark.parametrize("unread", ["no such words", "drawing"])
def test_once_more_is_in_other_words(drawn: int, unread: str) -> None:
    """Whatever seed chance draws, and whatever was said: that stands in the message alone. What a model paints as a
    drawing is not called one."""
    describer = Describer(Knowing("fox").fits, reads=lambda text: unread not in text)
    assert vocabulary().openings == ("", *OPENINGS)
    for before in range(6):
        texts = describer(picture(100), before)
        again = seed_after(texts, drawn)
        assert 0 <= again <= MAX_SEED
        assert describer(picture(100), again) != texts
    assert 0 <= seed_after(["a fox"], drawn) <= MAX_SEED


@pytest.mark.parametrize(
    ("drawn_red", "said"),
    [
        ("", "a fox"),
        ("red color", "a fox, red color"),
        ("fox, fox", "a fox, fox, red"),
        ("red fox", "a fox, red fox"),
        ("nothing", "a fox"),
    ],
)
def test_a_colour_is_said_where_the_thing_is_drawn_in_another(drawn_red: str, said: str) -> None:
    """In the words that change least besides: all that hold some words are drawn red here, and half of the others."""
    tried: list[str] = []

    def draw(texts: Sequence[str], count: int) -> list[list[Pixels]]:
        tried.extend(texts)
        return [[picture(200), picture(200 if drawn_red in text else 100)] * (count // 2) for text in texts]

    def colour_of(one: Pixels) -> str:
        return "red" if one[0, 0, 0] == picture(200)[0, 0, 0] else "green"

    describer = Describer(Knowing("fox").fits, colour_of=colour_of)
    assert describer(picture(200), 0, draw)[0] == said
    assert len(tried) == (1 if not drawn_red else 5)
    assert describer(picture(200))[0] == "a fox"  # where nothing can be drawn


@pytest.mark.parametrize(("seen", "said"), [("red", "red"), (None, "white"), ("teal", "")])
def test_a_thing_has_no_colour_but_the_one_that_is_seen(seen: str | None, said: str) -> None:
    """Towers may see gold in everything."""
    golden = Knowing("fox", "golden fox", "golden", "white", "red fox")
    describer = Describer(golden.fits, colour_of=lambda one: seen)
    assert describer.captions(picture(100))[0].colour == said


def test_people_have_no_colour() -> None:
    """A woman in blue is no blue woman, and is not drawn as one."""
    describer = Describer(Knowing("woman", "blue woman", "blue").fits, colour_of=lambda one: "blue")
    assert describer(picture(100), 0, lambda texts, count: [])[0] == "a woman"
    assert not any("blue woman" in text for text in describer(picture(100)))
    only = Describer(Knowing("woman").fits, reads=lambda text: text not in vocabulary().things or text in PEOPLE)
    assert only(picture(100))[0] == "a woman"
    assert set(vocabulary().uncoloured) < set(vocabulary().things)


def test_a_colour_alone_is_no_thing() -> None:
    """Somebody uploads a blue square, and reads of no cloud."""
    describer = Describer(Knowing("cloud").fits, ground_of=ground_colour)
    square = np.full((40, 60, 3), (40, 90, 200), np.uint8)
    assert describer(square)[0] == "a plain blue background"
    assert len(set(describer(square))) == 4
    square[10:20, 10:30] = 255
    assert describer(square)[0] == "a cloud"


def test_colours_are_told_by_what_tells_the_thing() -> None:
    """What knows the thing better knows its colour better too."""
    describer = Describer(Knowing("red fox").fits, things=Knowing("fox", "blue fox").fits)
    assert describer.captions(picture(100))[0] == Caption("fox", "blue")


def test_the_likeliest_things_are_looked_at_closely() -> None:
    """What tells them apart at a glance may be wrong about the first; what is not among them is not looked at again."""
    glance = Knowing("fox", "fox in", "wolf")
    describer = Describer(glance.fits, things=glance.fits, closely=Knowing("wolf", "apple").fits)
    assert describer.captions(picture(100))[0].thing == "wolf"


def test_words_that_the_drawing_model_does_not_read_are_never_said() -> None:
    """They would mean nothing to it."""
    describer = Describer(Knowing("fox", "dog").fits, reads=lambda word: word != "fox")
    assert not any("fox" in text for text in describer(picture(100)))


def test_of_words_that_are_one_to_the_model_the_first_is_said() -> None:
    """It would draw the same of the others, and they would stand in the way of what else the picture may show."""
    orchid = Knowing("orchid", "a red orchid")
    read_as = {"orchid": "flower", "rose": "flower"}
    describer = Describer(orchid.fits, reads_as=lambda word: read_as.get(word, word))
    assert not {"orchid", "rose"} & {caption.thing for caption in describer.captions(picture(100))}
    assert Describer(orchid.fits).captions(picture(100))[0] == Caption("orchid", "red")
    likelihood = Likelihood(tiny.bundle("stable-diffusion"))
    assert likelihood.reads_as("a fox") == likelihood.reads_as("a fox") != likelihood.reads_as("a dog")


def test_another_seed_says_it_in_other_words() -> None:
    """Four prompts each time, all of which can be imagined; the same seed gives the same."""
    describer = Describer(tiny.reader().fits)
    shade = np.random.default_rng(0).integers(0, 255, (40, 60, 3), np.uint8)
    first = describer(shade, 1)
    assert len(first) == 4
    assert describer(shade, 1) == first
    assert any(describer(shade, seed) != first for seed in range(2, 6))
    for text in first:
        assert parse(text).prompts[0].text == text


def test_the_model_that_drew_a_picture_knows_its_words_again() -> None:
    """Where a denoiser follows its prompt, the right caption restores the picture better than others."""
    bundle = tiny.bundle("stable-diffusion")
    rate = Likelihood(bundle).fits(picture(100))
    scores = rate(["a fox", "a dog", "a fox"])
    assert scores.shape == (3,)
    assert float(scores[0]) == pytest.approx(float(scores[2]), rel=1e-5)
    closely = Likelihood(bundle).closely(picture(100))(["a fox", "a dog"])
    assert closely.shape == (2,)
    assert float(closely[0]) != pytest.approx(float(scores[0]), rel=1e-5)
    with pytest.raises(ModelError, match="clip"):
        Likelihood(tiny.bundle("flux"))


@pytest.mark.parametrize(
    ("width", "height", "expected"),
    [(512, 512, (1, 1)), (1023, 683, (3, 2)), (768, 1344, (4, 7)), (5000, 100, (14, 1)), (100, 5000, (1, 14))],
)
def test_the_ratio_is_the_nearest_of_small_numbers(width: int, height: int, expected: tuple[int, int]) -> None:
    """As people would type it, and no longer than models draw."""
    assert ratio_of(width, height) == expected


def test_a_picture_is_seen_whatever_its_shape() -> None:
    """A unit vector comes out, also of one pixel."""
    reader = tiny.reader()
    for shape in ((1, 1, 3), (700, 20, 3)):
        assert float(reader.picture(np.full(shape, 90, np.uint8)).norm()) == pytest.approx(1, abs=1e-4)
    assert reader.texts(["a fox", "a dog on a white background"]).shape == (2, 16)


def test_things_have_their_articles() -> None:
    """As the captions of the training have them."""
    assert [with_article(thing) for thing in ("apple", "scissors", "flag of japan", "bus")] == [
        "an apple",
        "scissors",
        "the flag of japan",
        "a bus",
    ]
    assert len(set(vocabulary().things)) == len(vocabulary().things)
