"""People are told what a model did not read, wherever in a prompt it stands."""

from __future__ import annotations

import json

from contract.remarks import Remark
from model.unread import Unread
from tests.contract.factories import imagine
from worker.remarks import noted, remarks_in, remarks_on


def read(text: str) -> Unread:
    """A model that reads ten characters and does not know `elk`."""
    return Unread(10 if len(text) > 10 else None, ("elk",) if "elk" in text[:10] else ())


def test_nothing_is_said_of_what_is_read() -> None:
    """Nor where nothing is known."""
    assert remarks_on(imagine("a fox"), "M", read) == ()
    assert remarks_on(imagine("an elk with everything"), "M", None) == ()


def test_each_part_and_the_list_of_what_to_avoid_have_a_window_of_their_own() -> None:
    """All of them are named, in their order."""
    job = imagine("fox in a dark wood:: snow:: hills and valleys --no mist, clouds")
    assert remarks_on(job, "M", read) == (Remark("not_read", {"model": "M", "words": "`ark wood`, `valleys`, `ds`"}),)


def test_unknown_words_are_named_once() -> None:
    """Also those to keep away from."""
    job = imagine("an elk:: elk --no elk")
    assert remarks_on(job, "M", read) == (Remark("unknown_words", {"model": "M", "words": "`elk`"}),)


def test_many_and_long_ones_are_cut() -> None:
    """A remark is one line."""

    def nothing(text: str) -> Unread:
        return Unread(0, tuple(f"w{number}" for number in range(20)))

    [beyond, unknown] = remarks_on(imagine("fox `" + "x" * 300), "M", nothing)
    assert len(beyond.values["words"]) < 70
    assert beyond.values["words"].count("`") == 2
    assert unknown.values["words"].endswith("`w7` …")


def test_words_read_as_others_are_named() -> None:
    """So that a person sees why a picture shows what they did not type."""

    def slips(text: str) -> Unread:
        return Unread(read_as=(("elefant", "elephant"), ("hors", "horse")))

    [remark] = remarks_on(imagine("an elefant and a hors"), "M", slips)
    assert remark == Remark("read_as", {"model": "M", "words": "`elefant` → `elephant`, `hors` → `horse`"})


def test_what_a_record_keeps_is_said_again() -> None:
    """And a record that somebody else wrote makes no picture wait."""
    remarks = (Remark("unknown_words", {"model": "M", "words": "`elk`"}),)
    assert remarks_in(json.loads(json.dumps(noted(remarks)))) == remarks
    for odd in (None, {}, {"remarks": None}, {"remarks": 3}, {"remarks": [{"no": "id"}]}, {"remarks": [["id"]]}):
        assert remarks_in(odd) == ()
