"""The books of words: complete, alike, and in step with the code that speaks."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from string import Formatter

import pytest
from babel.messages import Message

from contract.errors import UserError
from contract.legend import LEGEND
from contract.locales import DEFAULT_LOCALE, LOCALES, Book, book
from contract.sentences import describe

ROOT = Path(__file__).resolve().parents[2]
SPEAKERS = ("contract", "exchange", "service", "bot", "api", "worker")
"""The packages whose words people read."""


def entries(words: Book) -> dict[str, Message]:
    """Every entry of a book by its id."""
    return {entry.id if isinstance(entry.id, str) else entry.id[0]: entry for entry in words.catalogue if entry.id}


def forms(entry: Message) -> tuple[str, ...]:
    """An entry's text, or its texts for one and for several."""
    return (entry.string,) if isinstance(entry.string, str) else tuple(entry.string or ())


def variables(text: str) -> set[tuple[str, str]]:
    """What stands in braces: names and the nouns they are counted with."""
    return {(name, noun or "") for _, name, noun, _ in Formatter().parse(text) if name is not None}


ENGLISH = entries(book(DEFAULT_LOCALE))
OTHERS = [locale for locale in LOCALES if locale != DEFAULT_LOCALE]


@pytest.mark.parametrize("locale", OTHERS)
def test_every_book_has_every_sentence(locale: str) -> None:
    """In the same order, so that two books can be read side by side, and nothing left to be translated."""
    other = entries(book(locale))
    assert list(other) == list(ENGLISH)
    assert [id for id, entry in other.items() if not all(forms(entry)) or entry.fuzzy] == []


@pytest.mark.parametrize("locale", OTHERS)
def test_a_sentence_has_the_same_values_in_every_book(locale: str) -> None:
    """A translation can neither lose a value nor ask for one that nobody gives."""
    for id, entry in entries(book(locale)).items():
        for text in forms(entry):
            assert variables(text) == variables(forms(ENGLISH[id])[-1]), id


@pytest.mark.parametrize("locale", OTHERS)
def test_words_that_programs_read_are_the_same_in_every_book(locale: str) -> None:
    """Client libraries know Midjourney's words in English, whatever language their user's Discord speaks."""
    for id, entry in entries(book(locale)).items():
        assert ("wire" in entry.flags) is ("wire" in ENGLISH[id].flags), id
        assert entry.string == ENGLISH[id].string or "wire" not in entry.flags, id


@pytest.mark.parametrize("locale", LOCALES)
def test_every_noun_and_command_in_a_sentence_is_in_the_book(locale: str) -> None:
    """`{limit:jobs}` finds its noun, `{nearest:legend}` the words for every colour, `{/history}` its command."""
    words = book(locale)
    for entry in entries(words).values():
        for name, noun in (pair for text in forms(entry) for pair in variables(text)):
            if noun == "legend":
                assert all(f"legend.{one.name}" in words for one in LEGEND)
            else:
                assert not noun or words.count(noun, 2)
            assert not name.startswith("/") or words.command(name[1:]).startswith("/")


def test_a_colour_of_the_legend_is_called_in_the_readers_language() -> None:
    """In the sentence about a map, and in /help."""
    values = {"share": 40, "colour": "#aaaaaa", "nearest": "sky", "code": "#06e6e6"}
    assert "the nearest is sky, `#06e6e6`" in book("en-US").say("error.map_colours", **values)
    assert "最接近的是 天空，`#06e6e6`" in book("zh-CN").say("error.map_colours", **values)


def test_english_counts_one_and_many() -> None:
    """Nouns follow their number, and thousands have their comma."""
    words = book("en-US")
    assert "(At most 1 job can wait" in words.say("error.queue_full", limit=1)
    assert "(At most 10 jobs can wait" in words.say("error.queue_full", limit=10)
    assert "has 6,001 characters" in words.say("error.too_long.text", length=6001, limit=6000)


def test_a_sentence_names_a_command_as_its_reader_types_it() -> None:
    """Discord shows commands in the reader's language."""
    assert book("en-US").command("prefer option set") == "/prefer option set"
    assert "`/偏好 后缀`" in book("zh-CN").say("error.in_suffix", suffix="--ar 3:2")


@pytest.mark.parametrize(
    ("locale", "read"),
    [("en-US", "en-US"), ("en-GB", "en-US"), ("zh-CN", "zh-CN"), ("zh-TW", "zh-CN"), ("fr", "en-US"), ("", "en-US")],
)
def test_the_nearest_book_is_read(locale: str, read: str) -> None:
    """The reader's own, one of the same language, or English."""
    assert book(locale).locale == read


def test_an_error_is_described_in_the_readers_language() -> None:
    """The sentence is the reader's; a title that programs know stays."""
    error = UserError("blocked_word", word="fox")
    assert describe(error) == ("Banned prompt", "`fox` is not allowed in prompts here. Leave it out.")
    assert describe(error, "zh-CN") == ("Banned prompt", "这里的提示词中不允许出现 `fox`。请去掉它。")


def test_what_is_typed_is_no_template() -> None:
    """Braces in a value mean nothing."""
    assert "`{limit:jobs}{0}`" in describe(UserError("blocked_word", word="{limit:jobs}{0}"))[1]


def test_an_error_of_another_version_has_words_too() -> None:
    """A kind that this process does not know is named, and so is one whose reason or values it does not know."""
    assert describe(UserError("moon_too_far", km=384400)) == (
        "Invalid request",
        "This could not be done: moon too far.",
    )
    assert describe(UserError("link_refused", link="x", reason="eclipse")) == (
        "Invalid request",
        "This could not be done: link refused.",
    )
    assert describe(UserError("queue_full")) == ("Invalid request", "This could not be done: queue full.")


def test_a_sentence_that_does_not_exist_is_an_error() -> None:
    """It never shows up as an id in somebody's channel."""
    with pytest.raises(KeyError):
        book("en-US").say("no.such.sentence")


# ── the code ────────────────────────────────────────────────────────────────────────────────────────────────────────


def calls() -> Iterator[tuple[Path, ast.Call]]:
    """Every call in the packages that speak."""
    for package in SPEAKERS:
        for path in sorted((ROOT / package).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Call):
                    yield path, node


def name_of(call: ast.Call) -> str:
    """The last name of what is called."""
    return getattr(call.func, "attr", getattr(call.func, "id", ""))


def literals(nodes: list[ast.expr]) -> list[str]:
    """The string constants at the beginning of a call's arguments."""
    return [node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)]


RAISED = [
    (path, call)
    for path, call in calls()
    if name_of(call) in ("UserError", "PromptError") and call.args and literals(call.args[:1])
]


def reasons_of(kind: str) -> list[str]:
    """The entries that have words for one reason of a kind each."""
    return [id for id in ENGLISH if id.startswith(f"error.{kind}.") and not id.endswith(".title")]


def test_every_error_has_a_title_and_a_sentence_for_each_reason() -> None:
    """And every value that its sentences ask for is given where it is raised."""
    assert len(RAISED) > 60
    for path, call in RAISED:
        kind, *reasons = literals(call.args)
        where = f"{path.relative_to(ROOT)}:{call.lineno}: {kind}"
        given = {keyword.arg for keyword in call.keywords}
        reasons += [text for keyword in call.keywords if keyword.arg == "reason" for text in literals([keyword.value])]
        assert f"error.{kind}.title" in ENGLISH, where
        ids = [f"error.{kind}.{reason}" for reason in reasons if f"error.{kind}.{reason}" in ENGLISH]
        if not ids and not reasons:
            ids = [] if len(call.args) > 1 else reasons_of(kind) if "reason" in given else [f"error.{kind}"]
            ids = ids or [f"error.{kind}"] * (len(call.args) == 1)
        for id in ids:
            assert id in ENGLISH, where
            wanted = {name for name, _ in variables(forms(ENGLISH[id])[0]) if not name.startswith("/")}
            assert None in given or wanted <= given, f"{where} lacks {sorted(wanted - given)}"


def test_every_reason_why_a_link_is_refused_has_a_sentence() -> None:
    """With the values that the reader of links gives; the link itself is added later."""
    refused = [
        (reason, {keyword.arg for keyword in call.keywords} | {"link"})
        for _, call in calls()
        if name_of(call) in ("LinkRefused", "LinkUnreadable", "_Unfetched")
        for reason in literals(call.args)
    ]
    assert len(refused) > 10
    for reason, given in refused:
        assert {name for name, _ in variables(forms(ENGLISH[f"error.link_refused.{reason}"])[0])} <= given, reason


def test_every_sentence_is_said_somewhere() -> None:
    """A book holds nothing that nobody says."""
    code = "\n".join(path.read_text() for package in SPEAKERS for path in sorted((ROOT / package).rglob("*.py")))
    every = "".join(text for entry in ENGLISH.values() for text in forms(entry))
    kinds = set(re.findall(r'(?:UserError\(|PromptError\(|_error\(given,)\s*"(\w+)"', code)) | {"unknown"}
    for id in ENGLISH:
        section, _, rest = id.partition(".")
        if section == "error":
            assert rest.split(".")[0] in kinds or f'"{id}"' in code, id
        elif section == "count":
            assert f":{rest}}}" in every or f'count("{rest}"' in code, id
        elif section not in ("command", "option", "menu", "choice"):  # tests/bot/test_translator.py looks after those
            assert re.search(rf'"{re.escape(id)}"|f"{section}\.\{{', code), id


def test_every_sentence_that_is_said_exists() -> None:
    """An id that is written out is in the book."""
    for path, call in calls():
        if name_of(call) in ("say", "english", "count") and (ids := literals(call.args[:1])):
            id = f"count.{ids[0]}" if name_of(call) == "count" else ids[0]
            if re.fullmatch(r"[a-z_.]+", id):
                assert id in ENGLISH, f"{path.relative_to(ROOT)}:{call.lineno}: {id}"


SHOWN = {"say", "update", "Embed", "Button", "Modal", "TextInput", "Select", "command", "Group", "describe", "Choice"}
"""What takes words for people."""

NAMES = {"custom_id", "name", "value"}
"""Arguments that programs read."""

WIRE = {"Your info"}
"""Midjourney's own words, in front of people and client libraries alike."""


WORDS = re.compile(r"[a-z]{2} [a-z]{2}|^[A-Z][a-z]+(?!\w*::)\b")
"""Two words, or one that begins a sentence; `Easel::Pending` is a custom_id."""


def test_nothing_is_said_past_the_books() -> None:
    """No answer, title, label or description is written out in the code."""
    for path, call in calls():
        if name_of(call) not in SHOWN or path.is_relative_to(ROOT / "contract"):
            continue
        values = [*call.args, *(keyword.value for keyword in call.keywords if keyword.arg not in NAMES)]
        texts = [
            piece
            for value in values
            for node in ([value] if not isinstance(value, ast.JoinedStr) else value.values)
            for piece in literals([node])
        ]
        loose = [text for text in texts if WORDS.search(text) and text not in WIRE]
        assert not loose, f"{path.relative_to(ROOT)}:{call.lineno}: {loose}"
