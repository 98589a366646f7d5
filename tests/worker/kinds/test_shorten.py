"""What each word of a prompt does, and shorter prompts out of those that do most."""

from __future__ import annotations

from dataclasses import replace

import pytest

from contract.errors import UserError
from contract.jobs import Job
from contract.kinds.shorten import Shorten, words_of
from contract.outcomes import Texts
from contract.planning import plan
from tests.contract.factories import imagine
from tests.worker.kinds.conftest import TINY
from worker.kinds.shorten import shorter
from worker.pictures import Studio

PROMPT = "a majestic red fox, at night, highly detailed, digital art, 4k"


def analysed(studio: Studio, prompt: str) -> Texts:
    """What a worker makes of it."""
    job: Job = replace(imagine(prompt), request=Shorten())
    outcome = studio.make(replace(job, plan=plan(job, TINY)), started=lambda ticket: None)
    assert isinstance(outcome, Texts)
    return outcome


def test_every_word_has_an_influence_between_nothing_and_all(studio: Studio) -> None:
    """The strongest has 1; repeated, the same comes out."""
    found = analysed(studio, PROMPT)
    assert len(found.influence) == len(words_of(PROMPT))
    assert max(found.influence) == 1
    assert min(found.influence) >= 0
    assert analysed(studio, PROMPT).influence == found.influence


def test_a_word_beyond_what_is_read_has_no_influence(studio: Studio) -> None:
    """The tiny model reads fourteen letters: what stands behind them changes neither reading nor drawing."""
    assert analysed(studio, "abcdefg hijklmn opqrst uvwxyz").influence[2:] == (0, 0)


def test_shorter_prompts_keep_what_was_typed_behind_the_words(studio: Studio) -> None:
    """Parameters stay, the version only where it was typed."""
    texts = analysed(studio, f"{PROMPT} --ar 3:2 --seed 5").texts
    assert len(texts) == 5
    assert all(text.endswith(" --ar 3:2 --seed 5") for text in texts)


def test_shorter_prompts_get_shorter_and_keep_the_strongest() -> None:
    """Each is made of the words that do most, in their order; no two are alike."""
    influence = [0.1, 0.3, 0.9, 1.0, 0.2, 0.8, 0.05, 0.04, 0.15, 0.1, 0.02]
    texts = shorter(PROMPT, influence)
    assert len(set(texts)) == 5
    lengths = [len(text) for text in texts]
    assert lengths == sorted(lengths, reverse=True)
    assert all("fox" in text for text in texts)
    assert texts[-1] == "red fox"


@pytest.mark.parametrize(
    ("prompt", "influence", "texts"),
    [
        ("red apple", [0.5, 1.0], ["apple"]),
        ("a red apple", [0.1, 0.5, 1.0], ["red apple", "a apple", "apple"]),
        ("红色的苹果在桌上", [0.7, 0.6, 1.0, 0.65, 0.2], ["红色的苹果", "红色苹果", "苹果"]),
        ("blue butterfly and flower", [0.7, 1.0, 0.9, 0.2], ["blue butterfly", "butterfly"]),
    ],
)
def test_short_prompts_give_as_many_as_there_are(prompt: str, influence: list[float], texts: list[str]) -> None:
    """None is the prompt itself, none empty, and no joining word stands at an end."""
    found = shorter(prompt, influence)
    assert set(texts) <= set(found)
    assert prompt not in found
    assert all(found)


def test_a_prompt_of_long_words_stays_within_an_embed() -> None:
    """Five hundred characters each."""
    words = ["x" * 90 + str(number) for number in range(19)]
    assert all(0 < len(text) <= 500 for text in shorter(" ".join(words), [1 / (n + 1) for n in range(19)]))


def test_a_model_that_reads_nothing_cannot_weigh_words(studio: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    """It says so."""
    engines = studio._engines
    deaf = {name: replace(warm, read=None) for name, warm in engines._warm.items()}
    monkeypatch.setattr(engines, "_warm", deaf)
    with pytest.raises(UserError, match="kind_not_supported"):
        analysed(studio, PROMPT)
