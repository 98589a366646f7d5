"""Words that ask for a style are found, in two languages, and only they; the rest is what the model reads."""

from __future__ import annotations

import pytest

from contract.kinds.styles import LOOKS
from contract.styles import style_of
from model.manners import asked_in, manner_of, without
from model.painting import PLAINLY, Manner
from model.spelling import Lexicon
from model.training.styles import STYLES


def read(text: str) -> tuple[list[str], str]:
    found = asked_in(text)
    return [one.style for one in found], without(text, found)


@pytest.mark.parametrize(
    ("typed", "style", "left"),
    [
        ("a cat, watercolor", "watercolor", "a cat"),
        ("a Watercolour painting of a rose", "watercolor", "a rose"),
        ("watercolor cat", "watercolor", "cat"),
        ("a watercolor apple", "watercolor", "an apple"),
        ("an oil painting bear", "oil painting", "a bear"),
        ("a beautiful detailed watercolor of a cat, 8k", "watercolor", "a cat, 8k"),
        ("a fox in the style of van gogh", "oil painting", "a fox"),
        ("a dragon in pixel art style", "pixel art", "a dragon"),
        ("a pencil sketch of a horse", "pencil sketch", "a horse"),
        ("cat sketch", "pencil sketch", "cat"),
        ("a dog, black and white", "black and white", "a dog"),
        ("a dog in black and white", "black and white", "a dog"),
        ("a children's book illustration of a bear", "gouache", "a bear"),
        ("a fox (watercolor)", "watercolor", "a fox"),
        ("a forest at night, neon, misty", "neon", "a forest at night, misty"),
        ("紫色蝴蝶，水彩画", "watercolor", "紫色蝴蝶"),
        ("一只水彩画风格的猫", "watercolor", "一只猫"),
        ("像素风格的龙", "pixel art", "龙"),
        ("素描，一匹马", "pencil sketch", "一匹马"),
        ("一只猫，黑白", "black and white", "一只猫"),
        ("红苹果 油画", "oil painting", "红苹果 "),
        ("城堡老照片", "old photo", "城堡"),
    ],
)
def test_a_style_is_found_and_left_out(typed: str, style: str, left: str) -> None:
    assert read(typed) == ([style], left)


@pytest.mark.parametrize(
    "typed",
    [
        "a black and white cat",
        "黑白猫",
        "a man painting a wall",
        "a red pencil",
        "a glass of oil",
        "a vintage bicycle leaning on a wall",
        "a church with stained glass windows",
        "a cartoon cat, 3d style",
        "a comic shop",
        "a pastel pink cake",
        "a pencil",
    ],
)
def test_what_may_be_a_thing_is_one(typed: str) -> None:
    assert read(typed) == ([], typed)


def test_several_are_left_out_together() -> None:
    assert read("a cat in watercolor and ink, cute") == (["watercolor", "ink"], "a cat, cute")


def test_a_prompt_of_nothing_else_is_read_as_it_is() -> None:
    assert read("watercolor")[1] == "watercolor"
    assert read("a watercolor, watercolor")[1] == "a watercolor, watercolor"


@pytest.mark.parametrize("style", STYLES)
def test_every_word_that_captions_have_for_a_style_is_known(style: str) -> None:
    """What the pictures that the model learns from are called."""
    for kind in STYLES[style].kinds:
        assert read(f"{kind} a red fox") == ([style], "a red fox"), kind
    for ending in STYLES[style].endings:
        found, left = read(f"a red fox, {ending}")
        assert left == "a red fox", ending
        assert found == [style] or ending == "sepia", ending


def test_the_looks_of_styles_are_known() -> None:
    manners = {manner_of([(f"a red fox, {words}", 1.0)]) for words in LOOKS.values() if words}
    assert len(manners) == len(LOOKS) - 1
    assert PLAINLY not in manners


def test_every_numbered_style_moves_pictures() -> None:
    """Each has a medium and a palette, which differ from number to number."""
    manners = {manner_of([("a fox", 1.0)], (), style_of(number)) for number in range(300)}
    assert all(one.medium and one.tone for one in manners)
    assert len({(one.medium, one.tone) for one in manners}) > 150


def test_a_part_of_the_prompt_counts_by_its_weight() -> None:
    assert manner_of([("a cat", 3.0), ("watercolor", 1.0)]) == Manner("watercolor", 0.5)
    assert manner_of([("a cat", 1.0), ("mosaic", 1.0)]) == Manner("mosaic", 1.0)
    assert manner_of([("a cat", 1.0), ("watercolor", -0.5)]) == PLAINLY


def test_a_part_that_only_names_a_style_is_not_drawn() -> None:
    lexicon = Lexicon({}, whole=lambda word: True)
    assert lexicon.shown((("a cat", 2.0), ("mosaic", 1.0))) == [("a cat", 2.0)]
    assert lexicon.shown((("a cat", 1.0), ("in the style of a watercolor painting", 1.0))) == [("a cat", 1.0)]
    assert lexicon.shown((("一只猫", 1.0), ("水彩画", 1.0))) == [("一只猫", 1.0)]


@pytest.mark.parametrize(
    "parts",
    [
        (("a cat", 1.0), ("a mosaic of a dog", 1.0)),  # says more than a style
        (("watercolor", 1.0),),  # there has to be something
        (("watercolor", 2.0), ("a cat", -1.0)),
    ],
)
def test_other_parts_are_all_drawn(parts: tuple[tuple[str, float], ...]) -> None:
    assert list(Lexicon({}, whole=lambda word: True).shown(parts)) == list(parts)


def test_what_is_said_not_to_be_there_is_not() -> None:
    assert manner_of([("a cat, watercolor", 1.0)], ["watercolor"]) == PLAINLY
    assert manner_of([("a cat, watercolor, ink wash", 1.0)], ["watercolour"]) == Manner("ink")
    assert manner_of([("a cat", 1.0)], ["painting"], [("oil painting", 0.5)]) == PLAINLY


def test_a_medium_and_a_tone_go_together() -> None:
    assert manner_of([("a cat, sepia watercolor", 1.0)]) == Manner("watercolor", tone="sepia")


def test_a_number_and_words_ask_together() -> None:
    """What is asked for most is painted."""
    assert manner_of([("a cat, mosaic", 1.0)], (), [("watercolor", 0.4)]).medium == "mosaic"
