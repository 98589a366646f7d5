"""Buttons are rows of one table; ids and words follow from it."""

from __future__ import annotations

import pytest

from contract.actions import (
    CUSTOM_ID,
    FORM_ID,
    SAME,
    Action,
    ButtonId,
    FormId,
    button,
    custom_id,
    form_id,
    read_custom_id,
    read_form_id,
)
from contract.errors import UnknownButton
from contract.jobs import GRID_SIZE
from contract.kinds import KINDS
from tests.contract.factories import imagine

JOB = imagine().id


@pytest.mark.parametrize("action", list(Action), ids=lambda action: action.name)
def test_every_row_can_be_sent_and_read_back(action: Action) -> None:
    """The id returns as it was sent, fits Discord's 100 characters, and is what the bot listens for."""
    for index in range(GRID_SIZE) if action.about_one_picture else (None,):
        text = custom_id(action, index, JOB)
        assert read_custom_id(text) == ButtonId(action, index, JOB)
        assert CUSTOM_ID.fullmatch(text)
        assert len(text) <= 100


@pytest.mark.parametrize("action", list(Action), ids=lambda action: action.name)
def test_every_row_can_be_shown_and_leads_somewhere(action: Action) -> None:
    """Discord wants a label or an emoji; what a row makes is a kind of ours, or the same again, or nothing."""
    shown = button(action, 0 if action.about_one_picture else None, JOB)
    assert shown.label or shown.emoji
    assert action.value.makes in (*KINDS, SAME, None)


def test_a_picture_is_counted_from_one_for_people_and_clients() -> None:
    """U2 is about picture 1."""
    shown = button(Action.UPSCALE, 1, JOB)
    assert (shown.label, shown.custom_id) == ("U2", f"MJ::JOB::upsample::2::{JOB}")


def test_a_button_about_one_picture_needs_an_index() -> None:
    """And one about a whole job has none."""
    with pytest.raises(ValueError, match="needs an index"):
        custom_id(Action.UPSCALE, None, JOB)
    with pytest.raises(ValueError, match="whole job"):
        _ = ButtonId(Action.REROLL, None, JOB).picture


@pytest.mark.parametrize(
    "text",
    [
        "",
        "fox",
        f"MJ::JOB::upsample::0::{JOB}",
        f"MJ::JOB::upsample::5::{JOB}",
        f"MJ::JOB::upsample::1::{JOB}::SOLO",
        f"MJ::JOB::reroll::1::{JOB}::SOLO",
        "MJ::JOB::upsample::1::not-a-job",
        f"MJ::JOB::low_variation::1::{JOB}::SOLO::more",
        f"XX::JOB::upsample::1::{JOB}",
        "MJ::JOB::upsample::1::00000000-0000-4000-8000-000000000000",
    ],
)
def test_foreign_buttons_are_unknown(text: str) -> None:
    """An id that is not exactly one of ours is never guessed at."""
    with pytest.raises(UnknownButton):
        read_custom_id(text)


@pytest.mark.parametrize("action", [each for each in Action if each.value.form is not None], ids=lambda each: each.name)
@pytest.mark.parametrize("strong", [True, False])
def test_every_form_says_which_button_may_have_opened_it(action: Action, strong: bool) -> None:
    """It fits Discord's 100 characters, names its job or its message, and the button is among those it is read as."""
    opened = ButtonId(action, 1 if action.about_one_picture else None, JOB)
    assert action.value.form is not None
    text = form_id(action.value.form, opened, 2**63, strong=strong)
    assert len(text) <= 100
    assert FORM_ID.fullmatch(text)
    read = {form.action: form for form in read_form_id(text)}
    assert read[action].index == opened.index
    assert (read[action].job, read[action].message_id) in ((JOB, None), (None, 2**63), (JOB, 2**63))


def test_what_a_person_departs_by_stands_in_the_form_of_v() -> None:
    """V leaves it to /settings when it is pressed; the form is read as the Vary that says it."""
    opened = ButtonId(Action.VARIATION, 2, JOB)
    assert Action.VARIATION.value.form is not None
    for strong, vary in ((True, Action.VARY_STRONG), (False, Action.VARY_SUBTLE)):
        read = read_form_id(form_id(Action.VARIATION.value.form, opened, 7, strong=strong))
        assert read[-1] == FormId(vary, 2, JOB, None)


@pytest.mark.parametrize(
    "text", ["", f"MJ::RemixModal::{JOB}::5::1", f"MJ::RemixModal::{JOB}::1::2", "MJ::ImagineModal::x"]
)
def test_foreign_forms_are_unknown(text: str) -> None:
    """As foreign buttons are."""
    with pytest.raises(UnknownButton):
        read_form_id(text)
