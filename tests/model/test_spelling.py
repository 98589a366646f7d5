"""Words as they were meant: slips, plurals, pairs written as one, kinds of things, numbers."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from transformers import AutoTokenizer

from model.clip import ClipText
from model.request import Prompt
from model.spelling import Correction, Lexicon, apply, lexicon_of, place_before
from model.training.words import CHINESE_FILE
from model.unread import legibility
from worker.settings import DEFAULT_MODEL

TAUGHT = ("elephant", "banana", "strawberry", "ice cream", "horse", "wolf", "watercolor", "elegant", "cat")
WHOLE = {
    "kitty",
    "an",
    "a",
    "eating",
    "and",
    "two",
    "cats",
    "in",
    "the",
    "style",
    "elegance",
    "pet",
    "pets",
    "stares",
    "bass",
}


@pytest.fixture
def lexicon() -> Lexicon:
    words = {word: word for word in TAUGHT} | {"chihuahua": "dog", "kitty": "cat", "pet": "cat"}
    words |= {"cream": "ice cream", "star": "cat", "猫": "cat", "小猫咪": "cat"}
    return Lexicon(words, lambda word: word.lower() in WHOLE or word.lower() in TAUGHT)


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("an elefant eating bannanas", "an elephant eating banana"),
        ("Strawbery and icecream", "strawberry and ice cream"),
        ("a hosre, a horze", "a horse, a horse"),
        ("strawberries and wolves", "strawberry and wolf"),
        ("a watercolour, water-color", "a watercolour, watercolor"),
        ("a chihuahua and two chihuahuas", "a dog and two dog"),
        ("a kitty, two Kitties", "a cat, two cats"),  # a kind is read as what it is a kind of, known or not
        ("2 cats and 3 elephants", "two cats and three elephant"),
        ("Two Elefants", "Two elephant"),
        ("红小猫咪和猫", "红 cat 和 cat "),  # where no spaces are written, the longest first
        ("two kitties, Kitties", "two cats, cats"),  # a plural, where that is a word of the tokenizer's
        ("pets in the snow", "cats in the snow"),  # also of kinds that it has whole
        ("cream, with ice cream", "ice cream, with ice cream"),  # what is called by its name is called so once
    ],
)
def test_a_word_is_read_as_what_it_sounds_or_looks_like(lexicon: Lexicon, typed: str, meant: str) -> None:
    """Only words that the encoder would have to spell; a number before a plural becomes a word."""
    assert lexicon.spelled(typed) == meant


@pytest.mark.parametrize(
    "typed",
    [
        "a cat in elegance style",
        "zyzzyva",
        "ct",
        "4 x 4, 8k, 3d",
        "stares",  # is no plural of a star
        "红苹果 🍎",
        "",
        "the Crk",
        "the cat of Elefanta",
        "Hosre in a garden",
        "Horace, Wilf and Bananarama, in watercolor style",
        "2.3 cats",
        "chihuaha",  # slips of kinds: there are many kinds, and names that are like them
        "wolk, horde and cart",  # another consonant, or a letter more in a short word, is another word
    ],
)
def test_what_is_known_and_what_is_like_nothing_stays(lexicon: Lexicon, typed: str) -> None:
    """Also short words, which are like too many others, other scripts, names, and numbers with a point."""
    assert lexicon.spelled(typed) == typed


def test_places_are_found_back() -> None:
    """What stands at a place of the corrected text, in the text as it was typed."""
    typed, corrections = "an icecream hors now", [Correction(3, 11, "ice cream"), Correction(12, 16, "horse")]
    corrected = apply(typed, corrections)
    assert corrected == "an ice cream horse now"
    words = ("an", "ice", "horse", "now")
    found = [typed[place_before(corrected.index(word), corrections) :][:4] for word in words]
    assert found == ["an i", "icec", "hors", "now"]
    assert typed[place_before(corrected.index("cream"), corrections) :].startswith("icecream")


def test_the_default_model_reads_slips_and_says_so() -> None:
    """The encoder gets the word that was meant, and the person is told; a plural is not worth telling."""
    tokenizer = AutoTokenizer.from_pretrained(DEFAULT_MODEL / "tokenizer")
    lexicon = lexicon_of(tokenizer)
    assert lexicon is not None
    for name in ("shrek", "zelda", "lego", "ikea", "snoopy", "dali", "stonks", "a statue of pepe"):
        assert lexicon.read(name) == name
    assert lexicon.read("a tigar, a hosre, a dargon") == "a tiger, a horse, a dragon"
    assert lexicon.read("an elefant, a girafe, strawbery, bannana") == "an elephant, a giraffe, strawberry, banana"
    assert lexicon.read("animals, a hut, three bunnies") == "dogs, a house, three rabbits"
    assert lexicon.read("森林里的小屋") == "森林里的 house "
    assert lexicon.read("fries, french fries and a teddy bear") == "french fries, french fries and a teddy bear"
    assert lexicon.read("Elefants in a garden") == "elephant in a garden"
    for names in ("Shrek in a swamp", "Gandalf, Frodo and Boromir", "Marilyn Monroe", "Pikachu", "Batman"):
        assert lexicon.read(names) == names
    read = legibility(ClipText([tokenizer], [], lexicon=lexicon), whole_words=True)
    assert read is not None
    found = read("an elefant and two strawberries by a zyzzyva")
    assert (found.read_as, found.words) == ((("elefant", "elephant"),), ("zyzzyva",))


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("a cat, red", "red, a cat"),
        ("a cat, in blue color, sitting", "blue, a cat, sitting"),
        ("猫，红色", "红色， cat"),
        ("a red cat, blue", "a red cat, blue"),  # it has a colour
        ("a cat, a horse, red", "a cat, a horse, red"),  # whose it is nobody knows
        ("a cat, orange juice", "a cat, orange juice"),
        ("red", "red"),
        (", red", ", red"),
    ],
)
def test_a_colour_behind_its_thing_is_read_in_front_of_it(lexicon: Lexicon, typed: str, meant: str) -> None:
    """The small text encoder binds a colour to what follows it."""
    assert lexicon.read(typed).replace("  ", " ").strip() == meant


def test_no_kind_takes_a_chinese_word_that_is_known_apart() -> None:
    """All that the default model has tokens for, alone and behind "小", stays as it was typed."""
    lexicon = lexicon_of(AutoTokenizer.from_pretrained(DEFAULT_MODEL / "tokenizer"))
    assert lexicon is not None
    tables = tomllib.loads(CHINESE_FILE.read_text()).values()
    known = [(word, meant) for table in tables for meant, words in table.items() for word in words.split()]
    assert len(known) > 200
    for word, meant in known:
        assert lexicon.spelled(word) == word
        assert lexicon.spelled(f"小{word}") in (f"小{word}", f" {meant} ")


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("an elefant, watercolr", "an elephant"),
        ("a wtercolor elefant", "an elephant"),
        ("a pencl sketch of two kitties, cute", "two cats, cute"),
        ("小猫咪，水彩画", " cat "),
        ("watercolor 小猫咪 watercolor", " cat "),
        ("watercolor", "watercolor"),
    ],
)
def test_words_of_a_style_are_read_as_nothing(lexicon: Lexicon, typed: str, meant: str) -> None:
    """Also with slips, between others; by themselves they are all that there is."""
    assert lexicon.read(typed) == meant
    assert lexicon.manner(Prompt(((typed, 1.0),))).medium in ("watercolor", "pencil sketch")
    ends = [0, *(place for one in lexicon.corrections(typed) for place in (one.start, one.end)), len(typed)]
    assert ends == sorted(ends)


def test_a_tokenizer_without_a_list_of_words_has_no_lexicon(tmp_path: Path) -> None:
    """Models from elsewhere read prompts as they are."""
    tokenizer = AutoTokenizer.from_pretrained(DEFAULT_MODEL / "tokenizer")
    tokenizer.save_pretrained(tmp_path)
    assert lexicon_of(AutoTokenizer.from_pretrained(tmp_path)) is None
