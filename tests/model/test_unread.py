"""What of a prompt is not read is told exactly: where the reading stops, and which words mean nothing."""

from __future__ import annotations

import pytest
import torch
from transformers import AutoTokenizer

from model.clip import ClipText
from model.family import Condition, TextEncoder
from model.unread import Legibility, Unread, legibility
from worker.settings import DEFAULT_MODEL

LONG = (
    "a small red apple with a green leaf on a white plate beside a blue cup on a wooden table "
    "and a yellow star behind it, a happy dog and a brown horse under a tall tree, far away a house with a garden"
)


@pytest.fixture(scope="module")
def read() -> Legibility:
    """The default model's reader of prompts."""
    tokenizer = AutoTokenizer.from_pretrained(DEFAULT_MODEL / "tokenizer")
    made = legibility(ClipText([tokenizer], []), whole_words=True)
    assert made is not None
    return made


def test_what_fits_is_read(read: Legibility) -> None:
    """Nothing to say of an ordinary prompt."""
    assert read("a red fox in the snow") == Unread()
    assert read("") == Unread()


def test_the_place_where_the_reading_stops_is_named(read: Legibility) -> None:
    """38 words are read; what the next one is stands there."""
    found = read(LONG)
    assert found.start is not None
    assert LONG[found.start :] == ", far away a house with a garden"
    assert read("fox " * 38) == Unread()
    assert read("fox " * 39).start == 38 * 4


def test_a_word_that_is_cut_in_two_is_not_read(read: Legibility) -> None:
    """Half of its tokens would be another word."""
    text = "fox " * 37 + "zyzzyva fox"
    found = read(text)
    assert found.start is not None
    assert text[found.start :] == "zyzzyva fox"
    assert found.words == ()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a fox and a zyzzyva", ("zyzzyva",)),
        ("Zyzzyva, zyzzyva", ("Zyzzyva", "zyzzyva")),
        ("鵺 and 狐狸", ("鵺",)),
        ("红苹果 🍎", ()),
        ("一只饕餮坐在雪地里的红狐狸", ("饕餮坐",)),
        ("红色的苹果", ()),
        ("饕餮和鵺", ("饕餮", "鵺")),
        ("a naïve fox", ("naïve",)),
        ("a cat's hat, don't; 4 x 4", ()),
    ],
)
def test_words_that_it_was_not_taught_are_named(read: Legibility, text: str, words: tuple[str, ...]) -> None:
    """A tokenizer has to spell them; in other scripts, byte by byte."""
    assert read(text).words == words


def test_a_model_that_reads_pieces_of_words_knows_them_all() -> None:
    """Only a model that was taught whole words has words that it does not know."""
    tokenizer = AutoTokenizer.from_pretrained(DEFAULT_MODEL / "tokenizer")
    made = legibility(ClipText([tokenizer], []))
    assert made is not None
    assert made("a zyzzyva") == Unread()
    assert made(LONG).start is not None


def test_of_other_readers_nothing_is_claimed() -> None:
    """An encoder that does not say how it cuts a prompt, or reads none at all."""

    class Reader(TextEncoder):
        max_tokens = 5

        def encode(self, text: str, pictures: object = ()) -> Condition:
            return Condition(torch.zeros(self.max_tokens, 4))

    assert legibility(Reader()) is None
    assert legibility(None) is None
