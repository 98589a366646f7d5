"""Blocked words are found however they are written, and nothing else is."""

from __future__ import annotations

import time

import pytest

from contract.errors import UserError
from contract.moderation import read_blocked
from contract.prompt import Context, parse
from contract.readings import plain_form
from contract.words import blocked_word
from tests.contract.evasions import BLOCKED as LISTED
from tests.contract.evasions import EVASIONS, ORDINARY

BLOCKED = ("nude", "naked", "pussy", "bad word", "hell", "ass", "裸体", "누드", "порно")


def found(text: str, blocked: tuple[str, ...] = BLOCKED) -> str | None:
    """What is found in a typed prompt."""
    return blocked_word(blocked, parse(text, Context(accepted_before=True)).prompts[0])


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("a nude woman", "nude"),
        ("NUDE", "nude"),
        ("nude!", "nude"),
        ("(nude:1.2)", "nude"),
        ("semi-nude", "nude"),
        ("a nude's back", "nude"),
        ("nudes", "nude"),
        ("pussies", "pussy"),
        ("asses", "ass"),
        ("_nude_ woman", "nude"),
        ("__nude__ woman", "nude"),
        ("n_u_d_e", "nude"),
        ("n.u.d.e", "nude"),
        ("n-u-d-e", "nude"),
        ("n u d e", "nude"),
        ("n  u, d  e", "nude"),
        ("nu{de", "nude"),
        ("ｎｕｄｅ", "nude"),
        ("ⓝⓤⓓⓔ", "nude"),
        ("𝓃𝓊𝒹𝑒", "nude"),
        ("ɴᴜᴅᴇ", "nude"),
        ("🅽🆄🅳🅴", "nude"),
        ("🇳🇺🇩🇪", "nude"),
        ("nudе", "nude"),  # a Cyrillic e
        ("ΝUDE", "nude"),  # a Greek capital nu
        ("nüdé", "nude"),
        ("n̷u̷d̷e̷", "nude"),
        ("nu\u0301\u0302\u0303de", "nude"),
        ("n\u200bu\u200dd\u00ade", "nude"),
        ("nu\u3164de", "nude"),
        ("nud3", "nude"),
        ("n4ked cat", "naked"),
        ("na::1 ked::1", "naked"),
        ("a na::1 ked::1 woman::1", "naked"),
        ("n::1 a::1 k::1 e::1 d::1", "naked"),
        ("red::1 naked::2", "naked"),
        ("a BAD, word!", "bad word"),
        ("bad_word", "bad word"),
        ("bad:: word", "bad word"),
        ("bad words", "bad word"),
        ("一个裸体的女人", "裸体"),
        ("누드를 그려줘", "누드"),
        ("Порно", "порно"),
        ("fox https://a.org/nude_woman.png", "nude"),
        ("fox https://a.org/%6Eude.png", "nude"),
        ("fox --sref https://a.org/x/nude.png", "nude"),
        ("fox --cref https://a.org/x/nude.png", "nude"),
    ],
)
def test_a_word_is_found_however_it_is_written(text: str, word: str) -> None:
    """Look-alikes, marks, invisible characters, digits, plurals, pieces: it is the same word."""
    assert found(text) == word


@pytest.mark.parametrize(
    "text",
    [
        "a fox",
        "denuded hill",
        "nudelman",
        "grass, class and glass",
        "assassin",
        "she'll go, he'll stay",
        "shell",
        "badword",
        "a bad, bad wordsmith",
        "a fox at 100 km on the a55 road",
        "fox --no nude",
        "fox --no nude, naked people",
        "fox:: nude::-.5",
        "fox https://a.org/grass.png",
        "a n d u e",
        "сосна",
    ],
)
def test_other_words_are_left_alone(text: str) -> None:
    """Longer words, words that only sound alike, and what is to be kept away."""
    assert found(text) is None


@pytest.mark.parametrize("entry", ["🔫", "!!!", "", "--no", "--no 🔫", "=medium", "= heavy/off"])
def test_an_entry_without_a_word_is_named(entry: str) -> None:
    """It would stand in the list and block nothing, or something else."""
    with pytest.raises(UserError, match="no_word"):
        read_blocked(entry)


def test_the_word_is_named_as_it_was_listed() -> None:
    """So that who keeps the list recognises it; entries without a letter block nothing."""
    assert found("a NÜDE", ("Nude",)) == "Nude"
    assert found("a fox, !!", ("!!", " ")) is None
    assert found("a fox", ()) is None


def test_a_plain_form_is_stable() -> None:
    """Folding once is enough, and ordinary text stays as it is."""
    assert plain_form("a red fox") == "a red fox"
    for text in ("Ｆｏх", "naïve café", "ﬁne", "裸体", "누드", "ñandú"):
        assert plain_form(plain_form(text)) == plain_form(text)


def test_long_prompts_and_long_lists_are_quick() -> None:
    """The bot answers within milliseconds: 500 words in a prompt of 1,900 characters."""
    listed = tuple(f"word{number}x" for number in range(500))
    prompt = parse("n u d e " * 237).prompts[0]
    blocked_word(listed, prompt)
    began = time.process_time()
    assert blocked_word(listed, prompt) is None
    assert time.process_time() - began < 0.05


TRIES = [(kind, text) for kind, texts in EVASIONS.items() for text in texts]


def is_caught(text: str) -> bool:
    """Whether one of the jobs that a typed text asks for would be refused."""
    prompts = parse(text, Context(accepted_before=True)).prompts
    return any(blocked_word(LISTED, prompt) for prompt in prompts)


def test_evasions_are_caught() -> None:
    """At least 95 of 100 tries, and all of those whose kind is claimed."""
    missed = [(kind, text) for kind, text in TRIES if not is_caught(text)]
    assert len(TRIES) >= 200
    assert len(missed) <= 0.05 * len(TRIES), missed
    assert [kind for kind, _ in missed if kind != "beyond"] == [], missed


def test_ordinary_prompts_are_left_alone() -> None:
    """At most one false alarm in a hundred."""
    alarms = {text: blocked_word(LISTED, parse(text, Context(accepted_before=True)).prompts[0]) for text in ORDINARY}
    false = {text: word for text, word in alarms.items() if word is not None}
    assert len(ORDINARY) >= 200
    assert len(false) <= 0.01 * len(ORDINARY), false
