"""Results that are texts: how they are shown, and how they are read back out of a message."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest

from contract.jobs import Said
from contract.kinds.describe import Describe
from contract.kinds.numbered import numbered, texts_in
from contract.kinds.shorten import Shorten, analysed, only_words, without_word, words_of
from contract.segments import chinese
from tests.contract.factories import imagine

DEFAULT_MODEL = Path(__file__).parents[3] / "model" / "default"
PROMPT = "a majestic **red** fox, digital_art ~ at night --ar 3:2"
INFLUENCE = (0.05, 0.2, 0.6, 1.0, 0.3, 0.1, 0.1, 0.5)
SHORTER = ("majestic red fox, night --ar 3:2", "red fox --ar 3:2")


def said(details: bool = False) -> Said:
    """What is shown of the prompt above."""
    job = replace(imagine(PROMPT), request=Shorten(details))
    return job.request.said(job.prompt, SHORTER, INFLUENCE)


def test_texts_can_be_read_back() -> None:
    """As they were, whatever stands before them, and as clients read them."""
    texts = ["a fox --ar 3:2", "1️⃣ is a number", "猫在月亮上"]
    assert texts_in("## Words\n" + numbered(texts)) == tuple(texts)
    assert re.findall(r"\d️⃣ .+", numbered(texts)) == [f"{n}️⃣ {text}" for n, text in enumerate(texts, 1)]
    assert texts_in("no list") == ()


def test_strong_words_are_bold_and_idle_ones_struck() -> None:
    """midjourney.md §4.6: two headings, the marked prompt, the shorter ones on a line each, a footer clients know."""
    first, marked, second, *_ = said().description.splitlines()
    assert (first, second) == ("## Important tokens", "## Shortened prompts")
    assert marked == r"~~a~~ majestic **\*\*red\*\*** **fox,** digital\_art ~~\~~~ ~~at~~ **night**"
    assert texts_in(said().description) == SHORTER
    assert "Click on a button to imagine one of the shortened prompts" in (said().footer or "")


def test_trueai_finds_each_shorter_prompt() -> None:
    """Its way: of the lines from the second heading on that are not empty, the n-th; what follows the first space."""
    description = said(details=True).description
    lines = [line for line in description[description.index("Shortened prompts") :].split("\n") if line.strip()]
    assert [line[line.index(" ") :].strip() for line in lines[1:]] == list(SHORTER)


@pytest.mark.parametrize("details", [False, True])
def test_the_prompt_that_was_weighed_can_be_read_back(details: bool) -> None:
    """For the details of a message that is all that is left."""
    assert analysed(said(details).description) == "a majestic **red** fox, digital_art ~ at night"
    with pytest.raises(ValueError, match="weighed"):
        analysed("1️⃣ a fox")


def test_details_have_a_bar_for_every_word() -> None:
    """The strongest first, ten parts each."""
    bars = [line for line in said(details=True).description.splitlines() if line.startswith("`")]
    assert len(bars) == 8
    assert bars[0] == "`██████████` fox, (1.00)"
    assert bars[-1] == "`░░░░░░░░░░` a (0.05)"


def test_the_longest_analysis_fits_an_embed() -> None:
    """Eighty words of any length, with five prompts of five hundred letters: 4,096 characters hold it."""
    job = replace(imagine(" ".join(f"{'*' * 5}word{number}" for number in range(90))), request=Shorten(details=True))
    shown = job.request.said(job.prompt, ["x" * 500] * 5, [1.0] * 80)
    assert len(shown.description) <= 4096
    assert texts_in(shown.description) == ("x" * 500,) * 5


def test_words_are_taken_out_without_leaving_a_trace() -> None:
    """One space between words, no comma that parts nothing."""
    assert words_of("a red  fox, 红苹果") == ["a", "red", "fox,", "红", "苹果"]
    assert without_word("a red  fox, at night", 1) == "a fox, at night"
    assert without_word("a red fox, at night", 4) == "a red fox, at"
    assert only_words("a red fox, digital art", [1, 2]) == "red fox"
    assert only_words("红色的苹果，在桌上", [0, 2]) == "红色苹果"
    assert without_word("红色的苹果，在桌上", 3) == "红色的苹果，桌上"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("一只坐在雪地里的红狐狸，高清", ["一只", "坐在", "雪地", "里", "的", "红", "狐狸，", "高清"]),
        ("赛博朋克风格的城市夜景, 霓虹灯", ["赛博朋克", "风格", "的", "城市", "夜景,", "霓虹灯"]),
        ("生僻詞，fox。猫", ["生", "僻", "詞，", "fox。", "猫"]),
        ("赤いリンゴ", ["赤", "い", "リンゴ"]),
        ("“猫”和狗!", ["“", "猫”", "和", "狗!"]),
        ("", []),
    ],
)
def test_chinese_is_weighed_by_its_words(text: str, words: list[str]) -> None:
    """The longest that the list has, with the marks behind them; what it has not, sign by sign."""
    assert words_of(text) == words
    assert "".join(words) == text.replace(" ", "")


def test_what_was_weighed_in_chinese_can_be_read_back() -> None:
    """As it was typed, without spaces that nobody put there; words of one mark that stand together share it."""
    text, influence = "一只红狐狸，在雪地里 digital art", [0.1, 0.6, 0.9, 0.2, 0.4, 0.1, 0.05, 0.1]
    job = replace(imagine(text), request=Shorten())
    shown = job.request.said(job.prompt, ["红狐狸"], influence).description
    assert "~~一只~~**红狐狸，**在雪地~~里~~ ~~digital~~ ~~art~~" in shown
    assert analysed(shown) == text


def test_the_words_that_the_default_model_reads_are_known() -> None:
    """Those of two signs and more."""
    tokenizer = json.loads((DEFAULT_MODEL / "tokenizer" / "tokenizer.json").read_text())
    lexicon = (DEFAULT_MODEL / "tokenizer" / "words.txt").read_text().splitlines()
    read = [*(token["content"] for token in tokenizer["added_tokens"]), *(line.split("\t")[0] for line in lexicon)]
    words = {word for word in read if re.fullmatch(r"[\u3400-\u9fff]{2,}", word)}
    assert len(words) > 400
    assert words <= chinese()


def test_a_link_survives_in_a_caption() -> None:
    """Whatever stands in it."""
    odd = Describe("https://example.org/a;b[1]/my cat%20%3B.png?x=1&y=2#z")
    fields = odd.fields()
    assert not set(fields["u"]) & set(";[]")
    assert Describe.from_fields(fields) == odd
