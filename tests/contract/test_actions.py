"""Buttons are rows of one table; ids and words follow from it."""

from __future__ import annotations

import pytest

from contract.actions import (
    CUSTOM_ID,
    FORM_ID,
    SAME,
    Action,
    Button,
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
from contract.messages import result_buttons
from tests.contract.factories import imagine, press, upscale

JOB = imagine().id


@pytest.mark.parametrize("action", list(Action), ids=lambda action: action.name)
def test_every_row_can_be_sent_and_read_back(action: Action) -> None:
    """The id returns as it was sent, fits Discord's 100 characters, and is what the bot listens for."""
    for index in range(GRID_SIZE) if action.about_one_picture or action.about_one_text else (None,):
        text = custom_id(action, index, JOB)
        assert read_custom_id(text) == ButtonId(action, index, JOB if JOB in text else None)
        assert CUSTOM_ID.fullmatch(text)
        assert len(text) <= 100


@pytest.mark.parametrize("action", list(Action), ids=lambda action: action.name)
def test_every_row_can_be_shown_and_leads_somewhere(action: Action) -> None:
    """Discord wants a label or an emoji; what a row makes is a kind of ours, or the same again, or nothing."""
    shown = button(action, 0 if action.about_one_picture or action.about_one_text else None, JOB)
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
    opened = ButtonId(action, 1 if action.about_one_picture or action.about_one_text else None, JOB)
    assert action.value.form is not None
    text = form_id(action.value.form, opened, 2**63, strong=strong)
    assert len(text) <= 100
    assert FORM_ID.fullmatch(text)
    read = {form.action: form for form in read_form_id(text)}
    says_all = "{text}" in text_pattern(action) or not action.about_one_text
    assert read[action].index == (opened.index if says_all else None)
    known = (read[action].job, read[action].message_id)
    assert known in ((JOB, None), (None, 2**63), (JOB, 2**63)) or action.about_one_text


def text_pattern(action: Action) -> str:
    """The pattern of its form."""
    assert action.value.form is not None
    return action.value.form.pattern


def test_buttons_under_texts_have_midjourneys_ids() -> None:
    """Clients build them themselves; the number stands in the emoji, and there is no label."""
    assert button(Action.DESCRIBED, 2, JOB) == Button("MJ::Job::PicReader::3", emoji="3\ufe0f\u20e3")
    assert button(Action.SHORTENED, 4, JOB) == Button("MJ::Job::PromptAnalyzer::5", emoji="5\ufe0f\u20e3")
    assert [custom_id(action, None, None) for action in (Action.DESCRIBE_AGAIN, Action.ALL_DESCRIBED)] == [
        "MJ::Picread::Retry",
        "MJ::Job::PicReader::all",
    ]
    assert custom_id(Action.DETAILS, None, None) == "MJ::Job::PromptAnalyzerExtended"
    assert read_form_id("MJ::Picreader::Modal::2") == (FormId(Action.DESCRIBED, 1, None, None),)


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


@pytest.mark.parametrize("version", ["v6", "v6r1", "v7"])
def test_buttons_of_older_versions_are_understood(version: str) -> None:
    """Clients send the ids of the version that they were written for; what is shown is the newest."""
    job = imagine().id
    for how, action in (("subtle", Action.UPSCALE_SUBTLE), ("creative", Action.UPSCALE_CREATIVE)):
        text = f"MJ::JOB::upsample_{version}_2x_{how}::1::{job}::SOLO"
        assert read_custom_id(text) == ButtonId(action, 0, job)
        assert CUSTOM_ID.fullmatch(text)


def test_a_version_has_its_own_upscales() -> None:
    """(2x) and (4x) in the fifth, (Subtle) and (Creative) in all others."""
    for words, labels in (
        ("a fox --v 5.2", ["Upscale (2x)", "Upscale (4x)"]),
        ("a fox", ["Upscale (Subtle)", "Upscale (Creative)"]),
    ):
        first, *_ = result_buttons(upscale(imagine(words), 0, press()))
        assert [one.label for one in first if isinstance(one, Button)] == labels
