"""Captions say what the picture holds, in plain English."""

from __future__ import annotations

import random

import pytest

from model.training.captions import DEEDS, Thing, elaborate, name_thing, plural, with_article, write_caption
from model.training.nouns import ALSO, HELD_OUT_PAIRS, PAIRABLE, PRACTISED


@pytest.mark.parametrize(
    ("phrase", "said"),
    [
        ("apple", "an apple"),
        ("cat", "a cat"),
        ("glasses", "glasses"),
        ("french fries", "french fries"),
        ("flag of japan", "the flag of japan"),
        ("bus", "a bus"),
        ("octopus", "an octopus"),
        ("face with sunglasses", "a face with sunglasses"),
        ("slice of pizza", "a slice of pizza"),
        ("three stars", "three stars"),
    ],
)
def test_articles(phrase: str, said: str) -> None:
    assert with_article(phrase) == said


@pytest.mark.parametrize(
    ("noun", "many"),
    [("cat", "cats"), ("cherry", "cherries"), ("fish", "fish"), ("bus", "buses"), ("tomato", "tomatoes"),
     ("key", "keys"), ("slice of pizza", "slices of pizza"), ("face with sunglasses", "faces with sunglasses")],
)  # fmt: skip
def test_plurals(noun: str, many: str) -> None:
    assert plural(noun) == many


def test_a_named_colour_replaces_the_colour_in_the_name() -> None:
    assert name_thing(Thing("red heart", "blue")) == "a blue heart"
    assert name_thing(Thing("star", "yellow", count=3)) == "three yellow stars"


def test_a_caption_names_things_background_and_style_in_this_order() -> None:
    caption = write_caption(
        [Thing("apple", "red"), Thing("cat")], "orange gradient", "flat style", random.Random(0), variety=0
    )

    assert caption == "a red apple and a cat on an orange gradient background, flat style"


def test_however_it_is_phrased_the_noun_is_there() -> None:
    rng = random.Random(1)
    captions = {write_caption([Thing("apple")], None, None, rng, variety=1.0) for _ in range(60)}

    assert len(captions) > 3
    assert all("apple" in caption for caption in captions)


def test_more_words_around_a_thing_keep_it_its_colour_and_where_it_is() -> None:
    rng = random.Random(2)
    said = {elaborate("a red apple in a forest at night, watercolor", "apple", rng) for _ in range(120)}

    assert len(said) > 40
    assert all("red apple" in one and one.endswith(" in a forest at night, watercolor") for one in said)
    assert any(f"apple {deed} in" in one for one in said for deed in DEEDS)


@pytest.mark.parametrize("caption", ["a picture of a cat", "cat icon", "a dog on a red background", "two cats"])
def test_a_caption_that_does_not_begin_with_the_thing_stays(caption: str) -> None:
    assert {elaborate(caption, "cat", random.Random(seed)) for seed in range(20)} == {caption}


def test_the_word_lists_agree_with_each_other() -> None:
    words = [word for word, _ in PRACTISED]

    assert len(words) == len(set(words)) >= 100
    assert set(ALSO) <= set(words)
    assert set(PAIRABLE) <= set(words)
    assert {noun for pair in HELD_OUT_PAIRS for noun in pair} <= set(PAIRABLE)
    shown = [emoji for _, emoji in PRACTISED for emoji in emoji.split()]
    assert len(shown) == len(set(shown))
